import { LRUCache } from 'lru-cache';
import { limits } from '../../contract/limits.js';
import { type Connection, type WebSocket, webSocketOf } from './engine.js';
import { cutOff, terminate } from './outgoing.js';

/** Points that may still be spent in this minute: of a connection or a session, which may share those of an account. */
interface Budget {
  points: number;
  until: number;
  account?: Budget;
}

const minute = 60_000;
/** A packet counts once more for so many characters: it takes as long to parse. */
const charactersPerPoint = 1024;
/** Sessions of an account that may spend theirs in the same minute, as with its messages. */
const sessionsAtOnce = 2;
/** Far above the other rates, by which an event is refused with an acknowledgement. */
const pointsPerMessage = 24;
const furtherPoints = 240;

const cut = new WeakSet<Connection>();

/**
 * Bounds the packets that a connection may send, whether or not they are events that anybody answers: a few before a session
 * is admitted on it, and then so many in a minute for all connections of the session, and of two sessions for its whole
 * account. They are counted before they are parsed. A connection that sends more is cut; its client comes back by itself.
 */
export class Packets {
  private readonly budgets = new WeakMap<Connection, Budget>();
  private readonly ofSessions = new LRUCache<string, Budget>({ max: 100_000 });
  private readonly ofAccounts = new LRUCache<string, Budget>({ max: 100_000 });
  private readonly pointsOfSession: number;
  private readonly count = countingOf(this);

  /** @param wasCut is told of a connection that has sent too much */
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

  /** A session was admitted on a connection. */
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

// These are shared by all connections: a closure for each would cost every idle one memory.

function countingOf(packets: Packets): (this: Connection, packet: { data?: unknown }) => void {
  return function ({ data }) {
    const { length = 0 } = (data ?? {}) as { length?: number };
    packets.spend(this, 1 + Math.floor(length / charactersPerPoint));
  };
}

const controlFrames = new WeakMap<WebSocket, Budget>();

/** Control frames are no packets: ws answers them by itself, each at the cost of a message. */
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
