import { BoundedCache } from '../bounded-cache.js';
import { limits } from '../../contract/limits.js';
import { type Connection, type WebSocket, webSocketOf } from './engine.js';
import { cutOff, terminate } from './outgoing.js';

/** Remaining points in this minute, of a connection or a session, which may share those of an account. */
interface Budget {
  points: number;
  until: number;
  account?: Budget;
}

const minute = 60_000;
/** Characters of a packet that count as one more packet, because they take as long to parse. */
const charactersPerPoint = 1024;
/** Sessions of an account that may use their full rate in the same minute, as with messages. */
const sessionsAtOnce = 2;
/** Far above the other rates, which refuse an event with an acknowledgement. */
const pointsPerMessage = 24;
const furtherPoints = 240;

const cut = new WeakSet<Connection>();

/**
 * Limits the packets of a connection, whether or not they are known events: a few before it is authenticated, then a number per
 * minute for all connections of the session, and twice that for the whole account. Packets are counted before they are parsed.
 * A connection that sends more is cut; its client reconnects.
 */
export class Packets {
  private readonly budgets = new WeakMap<Connection, Budget>();
  private readonly ofSessions = new BoundedCache<string, Budget>(100_000);
  private readonly ofAccounts = new BoundedCache<string, Budget>(100_000);
  private readonly pointsOfSession: number;
  private readonly count = countingOf(this);

  /** @param wasCut called with a connection that was cut */
  constructor(
    messagesPerMinute: number,
    private readonly wasCut: (connection: Connection) => void,
  ) {
    this.pointsOfSession = messagesPerMinute * pointsPerMessage + furtherPoints;
  }

  /** Listens to a new connection. */
  readonly watch = (connection: Connection): void => {
    this.budgets.set(connection, { points: limits.packetsBeforeAdmission, until: Infinity });
    connection.on('packet', this.count);
    watchControlFrames(connection);
    connection.on('upgrade', watchUpgraded);
  };

  /** A connection was authenticated. */
  admitted(connection: Connection, { sessionId, accountId }: { sessionId: string; accountId: string }): void {
    let budget = this.ofSessions.get(sessionId);
    if (!budget) {
      let account = this.ofAccounts.get(accountId);
      if (!account) this.ofAccounts.set(accountId, (account = fullBudget(this.pointsOfSession * sessionsAtOnce)));
      this.ofSessions.set(sessionId, (budget = { ...fullBudget(this.pointsOfSession), account }));
    }
    this.budgets.set(connection, budget);
  }

  spend(connection: Connection, points: number): void {
    const budget = this.budgets.get(connection);
    if (!budget) return;
    const now = performance.now();
    const { account } = budget;
    if (now > budget.until) Object.assign(budget, fullBudget(this.pointsOfSession));
    if (account && now > account.until) Object.assign(account, fullBudget(this.pointsOfSession * sessionsAtOnce));
    budget.points -= points;
    if (account) account.points -= points;
    if ((budget.points >= 0 && !(account && account.points < 0)) || cut.has(connection)) return;
    cut.add(connection);
    this.wasCut(connection);
    cutOff(connection);
    terminate(connection);
  }
}

function fullBudget(points: number): Budget {
  return { points, until: performance.now() + minute };
}

// Functions shared by all connections, because a closure for each would cost memory even when idle.

function countingOf(packets: Packets): (this: Connection, packet: { data?: unknown }) => void {
  return function ({ data }) {
    const { length = 0 } = (data ?? {}) as { length?: number };
    packets.spend(this, 1 + Math.floor(length / charactersPerPoint));
  };
}

const controlFrames = new WeakMap<WebSocket, Budget>();

/** Control frames are not packets, but ws answers each at the cost of a message. */
function watchControlFrames(connection: Connection): void {
  const socket = webSocketOf(connection);
  for (const event of ['ping', 'pong'] as const) socket?.on(event, countControlFrame);
}

function watchUpgraded(this: Connection): void {
  watchControlFrames(this);
}

function countControlFrame(this: WebSocket): void {
  const now = performance.now();
  let budget = controlFrames.get(this);
  if (!budget || now > budget.until) {
    controlFrames.set(this, (budget = { points: limits.controlFramesPerMinute, until: now + minute }));
  }
  if (--budget.points < 0) this.terminate();
}
