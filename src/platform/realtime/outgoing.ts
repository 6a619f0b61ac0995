import type { ServerResponse } from 'node:http';
import { limits } from '../../contract/limits.js';
import {
  type Connection,
  dropUnsent,
  flushNow,
  pollAnswerOf,
  postponeFlush,
  isWritable,
  webSocketOf,
} from './engine.js';

/** Bytes that wait for a connection to take what was handed to it before; no entry for one that keeps up. */
const waiting = new WeakMap<Connection, number>();

/** Answers to polls that the operating system has not taken whole yet, and the connections they are of. */
const answers = new Map<ServerResponse, Connection>();

/** Connections that were handed something in this turn of the event loop. */
let handed: Connection[] = [];

/**
 * Batches what leaves by a connection, and bounds what waits for it.
 *
 * All that is handed to it in one turn of the event loop leaves together, in one call of the operating system: an
 * acknowledgement, the message itself and the receipts around it would be a call each, and these calls were measured to be
 * the largest part of delivering a message.
 *
 * A connection that takes its events so slowly, or not at all, that more than `limits.socketBytesWaiting` wait for it is
 * cut. Its client comes back by itself and catches up, so nothing is lost by it; what waited is freed.
 */
export function batchOutgoing(connection: Connection): void {
  connection.on('packetCreate', count);
  connection.on('flush', leaves);
  postponeFlush(connection, flushLater);
}

/**
 * Closes a connection and takes back what was handed to it, as far as the operating system has not taken it. Only what
 * `farewell` says last is still told, to a connection that takes it at once. After that the connection is not known any more:
 * engine.io's own closing would wait until its client had taken everything, however much later that was.
 */
export function cutOff(connection: Connection, farewell?: () => void): void {
  const takes = isWritable(connection);
  dropUnsent(connection);
  waiting.delete(connection);
  for (const [answer, whose] of answers) if (whose === connection) answer.destroy();
  farewell?.();
  if (takes) flushNow(connection);
  connection.close(true);
  // A WebSocket would first write what it holds, and wait for the other side to answer the closing.
  if (!takes) terminate(connection);
}

/** Ends what is left of a WebSocket that is being closed, without waiting for the other side. */
export function terminate(connection: Connection): void {
  webSocketOf(connection)?.terminate();
}

// These are shared by all connections: a closure for each would cost every idle one memory.

function flushLater(this: Connection): void {
  if (handed.push(this) === 1) setImmediate(flushAll);
}

function flushAll(): void {
  const connections = handed;
  handed = [];
  for (const connection of connections) flushNow(connection);
}

function count(this: Connection, { data }: { data?: string | Buffer }): void {
  if (data === undefined || isWritable(this)) return;
  const bytes = (waiting.get(this) ?? 0) + Buffer.byteLength(data);
  if (bytes <= limits.socketBytesWaiting) return void waiting.set(this, bytes);
  cutOff(this);
}

function leaves(this: Connection): void {
  waiting.delete(this);
  const answer = pollAnswerOf(this);
  if (!answer) return;
  answers.set(answer, this);
  answer.once('close', taken);
}

function taken(this: ServerResponse): void {
  answers.delete(this);
}
