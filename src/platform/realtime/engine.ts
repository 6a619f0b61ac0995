import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Socket as EngineSocket } from 'engine.io';
import type { Socket as DeviceSocket } from 'socket.io';

/**
 * A connection of engine.io. Only this file uses parts of it that its types lack: package.json fixes its version, and {@link
 * requireKnownEngine} checks them at start.
 */
export type Connection = DeviceSocket['conn'];

/** The parts of the WebSocket of the package ws that are used here. */
export interface WebSocket {
  on(event: 'ping' | 'pong', listener: (this: WebSocket) => void): unknown;
  terminate(): void;
  _socket?: Socket;
}

interface Inner {
  flush(): void;
  writeBuffer: unknown[];
  transport: { writable: boolean; socket?: WebSocket; res?: ServerResponse | null };
}

const innerOf = (connection: Connection) => connection as unknown as Inner;
const prototype = EngineSocket.prototype as unknown as Inner;

/** @throws Error when engine.io has changed inside, so that messages would still arrive, but one by one */
export function requireKnownEngine(): void {
  if (typeof prototype.flush !== 'function') throw new Error('engine.io has changed: its connections have no flush().');
}

/**
 * For a WebSocket, true if the operating system has taken everything written; for long polling, if a poll waits for its answer.
 */
export function isWritable(connection: Connection): boolean {
  return innerOf(connection).transport.writable;
}

/** Undefined while the connection is polling. */
export function webSocketOf(connection: Connection): WebSocket | undefined {
  return innerOf(connection).transport.socket;
}

/** The answer to the poll that waits; undefined for a WebSocket. */
export function pollAnswerOf(connection: Connection): ServerResponse | undefined {
  return innerOf(connection).transport.res ?? undefined;
}

/** Drops data that the connection has not passed to its transport yet. */
export function dropUnsent(connection: Connection): void {
  innerOf(connection).writeBuffer = [];
}

/** Calls `later` whenever engine.io would flush to the transport. */
export function postponeFlush(connection: Connection, later: (this: Connection) => void): void {
  innerOf(connection).flush = later;
}

/** Flushes all waiting data to the transport, in one system call. */
export function flushNow(connection: Connection): void {
  const socket = webSocketOf(connection)?._socket;
  socket?.cork();
  prototype.flush.call(connection);
  socket?.uncork();
}
