import type { IncomingMessage, ServerResponse } from 'node:http';
import { limits } from '../../contract/limits.js';
import { networkFinder } from '../http/networks.js';
import type { Origins } from '../http/origins.js';
import { refuse } from '../http/raw-answers.js';
import { DomainError } from '../problems/domain-error.js';
import type { Connection } from './engine.js';
import { cutOff, terminate } from './outgoing.js';

const farewellMilliseconds = 2_000;
const minute = 60_000;

/** Failed connections of a network since `since`. */
interface Failures {
  since: number;
  /** They were cut for sending too much. */
  cut: number;
  /** They ended without a session. */
  failed: number;
}

/** Connections that have tried to authenticate. */
const asked = new WeakSet<Connection>();

/**
 * Admits connections that may authenticate: of an allowed origin, and not too many of one network at once. A connection can
 * authenticate once, for one session. A network whose connections keep failing is refused for up to a minute, because each
 * costs a handshake, however soon it is cut.
 */
export class Entrance {
  private readonly networkOf: (request: IncomingMessage) => string;
  /** Counts, by network, the connections that have no session yet. */
  readonly entering = new Map<string, number>();
  private readonly networks = new WeakMap<Connection, string>();
  private readonly failures = new Map<string, Failures>();
  private readonly leaves = leavingOf(this);

  constructor(
    private readonly origins: Origins,
    trustProxy: string | undefined,
  ) {
    this.networkOf = networkFinder(trustProxy);
  }

  /** engine.io's `allowRequest`. It would answer a WebSocket with 400 whatever the reason, so a refusal is answered here. */
  readonly allow = (request: IncomingMessage, decide: (refusal: null, allowed: boolean) => void): void => {
    const refusal = this.refusalOf(request);
    if (!refusal) return decide(null, true);
    refuse(request, (request as { res?: ServerResponse }).res, refusal);
  };

  /**
   * Counts a connection until it is {@link settled} or has {@link failed}, and closes it at a second attempt to authenticate.
   */
  readonly watch = (connection: Connection): void => {
    const network = this.networkOf(connection.request);
    this.networks.set(connection, network);
    this.entering.set(network, (this.entering.get(network) ?? 0) + 1);
    connection.on('close', this.leaves);
    // Before Socket.IO gets it, because it would accept further attempts until the first is answered.
    connection.prependListener('data', allowOneAttempt);
  };

  /** A connection was authenticated, or the service could not tell. */
  settled(connection: Connection): void {
    this.leave(connection);
  }

  /** Counts a connection that was cut for sending too much. */
  wasCut(connection: Connection): void {
    this.failuresOf(this.networkOfConnection(connection)).cut++;
  }

  /** A connection has closed without being authenticated. */
  failed(connection: Connection): void {
    const network = this.leave(connection);
    if (network !== undefined) this.failuresOf(network).failed++;
  }

  private leave(connection: Connection): string | undefined {
    const network = this.networks.get(connection);
    if (network === undefined) return undefined;
    this.networks.delete(connection);
    connection.off('close', this.leaves);
    const left = this.entering.get(network)! - 1;
    if (left > 0) this.entering.set(network, left);
    else this.entering.delete(network);
    return network;
  }

  /** The network of a connection that is not authenticated yet. */
  networkOfConnection(connection: Connection): string {
    return this.networks.get(connection) ?? this.networkOf(connection.request);
  }

  private refusalOf(request: IncomingMessage): DomainError | undefined {
    if (!this.origins.allow(request.headers)) return new DomainError('origin_refused');
    const network = this.networkOf(request);
    if ((this.entering.get(network) ?? 0) >= limits.socketsEntering) {
      const detail = `At most ${limits.socketsEntering} connections of a network can wait for authentication. Try again in a moment.`;
      return new DomainError('rate_limited', { detail, retryAfter: 5 });
    }
    const wait = this.waitOf(network);
    if (wait === 0) return undefined;
    const detail = 'Too many connections from your network failed in the last minute. Try again later.';
    return new DomainError('rate_limited', { detail, retryAfter: Math.ceil(wait / 1000) });
  }

  /** Milliseconds for which a network is refused. */
  private waitOf(network: string): number {
    const failures = this.failures.get(network);
    if (!failures) return 0;
    const wait = failures.since + minute - performance.now();
    if (wait <= 0) return 0;
    const { cut, failed } = failures;
    return cut >= limits.connectionsCutPerMinute || failed >= limits.connectionsFailedPerMinute ? wait : 0;
  }

  private failuresOf(network: string): Failures {
    const now = performance.now();
    let failures = this.failures.get(network);
    if (failures && now < failures.since + minute) return failures;
    // In the order of their start, so that expired ones come first.
    for (const [each, { since }] of this.failures) {
      if (now < since + minute) break;
      this.failures.delete(each);
    }
    this.failures.set(network, (failures = { since: now, cut: 0, failed: 0 }));
    return failures;
  }
}

/** Closes a connection once its refusal is written, without waiting for a slow client. */
export function closeAfterRefusal(connection: Connection): void {
  process.nextTick(() => connection.close());
  setTimeout(() => terminate(connection), farewellMilliseconds).unref();
}

// Shared by all connections, because a closure for each would cost memory even when idle.

function leavingOf(entrance: Entrance): (this: Connection) => void {
  return function () {
    entrance.failed(this);
  };
}

function allowOneAttempt(this: Connection, data: unknown): void {
  // A packet of Socket.IO that begins with 0 asks to be connected to a namespace.
  if (typeof data !== 'string' || data.charCodeAt(0) !== 48) return;
  if (asked.has(this)) {
    cutOff(this);
    return terminate(this);
  }
  asked.add(this);
  // There is one namespace. Socket.IO refuses every other, and would allow another attempt.
  if (data.startsWith('0/') && !data.startsWith('0/,')) closeAfterRefusal(this);
}
