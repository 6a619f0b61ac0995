import { LRUCache } from 'lru-cache';
import { limits } from '../../contract/limits.js';
import { type Connection, type WebSocket, webSocketOf } from './engine.js';
import { cutOff, terminate } from './outgoing.js';

/** Points that a connection may still spend in this minute. */
interface Budget {
  points: number;
  until: number;
}

const minute = 60_000;
/** A packet counts once more for so many characters: it takes as long to parse. */
const charactersPerPoint = 4 * 1024;
/** Far above the other rates, by which an event is refused with an acknowledgement. */
const pointsPerMessage = 24;
const furtherPoints = 240;

/**
 * Bounds the packets that a connection may send, whether or not they are events that anybody answers: a few before a session
 * is admitted on it, and then so many in a minute for all connections of the session. They are counted before they are
 * parsed. A connection that sends more is cut; its client comes back by itself.
 */
export class Packets {
  private readonly budgets = new WeakMap<Connection, Budget>();
  private readonly ofSessions = new LRUCache<string, Budget>({ max: 100_000 });
  private readonly pointsOfSession: number;
  private readonly count = countingOf(this);

  constructor(messagesPerMinute: number) {
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
  admitted(connection: Connection, sessionId: string): void {
    let budget = this.ofSessions.get(sessionId);
    if (!budget) this.ofSessions.set(sessionId, (budget = this.fullBudget()));
    this.budgets.set(connection, budget);
  }

  spend(connection: Connection, points: number): void {
    const budget = this.budgets.get(connection);
    if (!budget) return;
    const now = performance.now();
    if (now > budget.until) Object.assign(budget, this.fullBudget());
    budget.points -= points;
    if (budget.points >= 0) return;
    cutOff(connection);
    terminate(connection);
  }

  private fullBudget(): Budget {
    return { points: this.pointsOfSession, until: performance.now() + minute };
  }
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
