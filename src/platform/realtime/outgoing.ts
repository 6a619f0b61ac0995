import type { Socket } from 'node:net';
import type { Socket as DeviceSocket } from 'socket.io';
import { limits } from '../../contract/limits.js';

type Connection = DeviceSocket['conn'];

/** What of engine.io's connection and its WebSocket is not in their types. */
interface Inner {
  flush(): void;
  transport: { writable: boolean; socket?: { _socket?: Socket; terminate?: () => void } };
}

/** Bytes that wait for a connection to take what was handed to it before; no entry for one that keeps up. */
const waiting = new WeakMap<Connection, number>();

/** Connections that were handed something in this turn of the event loop. */
let handed: Connection[] = [];

/**
 * Tends to what leaves by a connection.
 *
 * All that is handed to it in one turn of the event loop leaves together, in one call of the operating system: an
 * acknowledgement, the message itself and the receipts around it would be a call each, and these calls were measured to be
 * the largest part of delivering a message.
 *
 * A connection that takes its events so slowly, or not at all, that more than `limits.socketBytesWaiting` wait for it is
 * cut. Its client comes back by itself and catches up, so nothing is lost by it; what waited is freed.
 */
export function tendOutgoing(connection: Connection): void {
  connection.on('packetCreate', count);
  connection.on('flush', forget);
  (connection as unknown as Inner).flush = flushLater;
}

// These are shared by all connections: a closure for each would cost every idle one memory.

function flushLater(this: Connection): void {
  if (handed.push(this) === 1) setImmediate(flushAll);
}

function flushAll(): void {
  const connections = handed;
  handed = [];
  for (const connection of connections) {
    const socket = (connection as unknown as Inner).transport.socket?._socket;
    socket?.cork();
    (Object.getPrototypeOf(connection) as Inner).flush.call(connection);
    socket?.uncork();
  }
}

function count(this: Connection, { data }: { data?: string | Buffer }): void {
  const { transport } = this as unknown as Inner;
  if (data === undefined || transport.writable) return;
  const bytes = (waiting.get(this) ?? 0) + data.length;
  if (bytes <= limits.socketBytesWaiting) return void waiting.set(this, bytes);
  waiting.delete(this);
  this.close(true);
  // A WebSocket would wait for the other side to answer the closing, which this one does not.
  transport.socket?.terminate?.();
}

function forget(this: Connection): void {
  waiting.delete(this);
}
