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

/** Bytes waiting for a slow connection; a connection that keeps up has no entry. */
const waiting = new WeakMap<Connection, number>();

/** Answers to polls that are not completely written yet, and their connections. */
const answers = new Map<ServerResponse, Connection>();

/** Connections with data to write in this turn of the event loop. */
let pending: Connection[] = [];

/**
 * Batches the writes of a connection, and disconnects slow consumers.
 *
 * All data of one turn of the event loop is written in one system call. Separate calls for the acknowledgement, the message and
 * the receipts around it were measured to be the largest part of delivering a message.
 *
 * A connection for which more than `limits.socketBytesWaiting` are waiting is cut, and the data is freed. Its client reconnects
 * and catches up, so nothing is lost.
 */
export function batchOutgoing(connection: Connection): void {
  connection.on('packetCreate', count);
  connection.on('flush', flushed);
  postponeFlush(connection, flushLater);
}

/**
 * Closes a connection and drops its unwritten data. Only the data sent by `farewell` is still written, if the connection is
 * writable. engine.io's own closing would wait until the client had read everything, however long that takes.
 */
export function cutOff(connection: Connection, farewell?: () => void): void {
  const takes = isWritable(connection);
  dropUnsent(connection);
  waiting.delete(connection);
  for (const [answer, whose] of answers) if (whose === connection) answer.destroy();
  farewell?.();
  if (takes) flushNow(connection);
  connection.close(true);
  // A WebSocket would first write its buffer, and wait for the other side to answer the closing.
  if (!takes) terminate(connection);
}

/** Ends a closing WebSocket without waiting for the other side. */
export function terminate(connection: Connection): void {
  webSocketOf(connection)?.terminate();
}

// Functions shared by all connections, because a closure for each would cost memory even when idle.

function flushLater(this: Connection): void {
  if (pending.push(this) === 1) setImmediate(flushAll);
}

function flushAll(): void {
  const connections = pending;
  pending = [];
  for (const connection of connections) flushNow(connection);
}

function count(this: Connection, { data }: { data?: string | Buffer }): void {
  if (data === undefined || isWritable(this)) return;
  const bytes = (waiting.get(this) ?? 0) + Buffer.byteLength(data);
  if (bytes <= limits.socketBytesWaiting) return void waiting.set(this, bytes);
  cutOff(this);
}

function flushed(this: Connection): void {
  waiting.delete(this);
  const answer = pollAnswerOf(this);
  if (!answer) return;
  answers.set(answer, this);
  answer.once('close', taken);
}

function taken(this: ServerResponse): void {
  answers.delete(this);
}
