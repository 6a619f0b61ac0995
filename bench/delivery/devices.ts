import { type Socket, connect } from 'node:net';

/**
 * Devices of a load: one for each end of a conversation. The two kinds of device do the same amount of work for a message,
 * on raw sockets and by searching in strings, so that the figures measure the servers.
 */
export interface Device {
  /** Sends a text, of ASCII letters without quotes, under a number of the sender's own. */
  send(number: number, text: string): void;
  close(): void;
}

/** Callbacks of a device for the events it hears. */
export interface Hearing {
  /** A text of the other side; its receipt has been sent. */
  received(text: string): void;
  /** The sent message of this number is stored, and its receipt has come back. */
  finished(number: number): void;
  failed(reason: string): void;
}

/** A connection over which text comes in. */
export function openSocket(port: number, hearing: Hearing): Socket {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', (error) => hearing.failed(error.message));
  return socket;
}

/** The text between two marks, the first of which is searched from a position on. */
export function between(text: string, before: string, after: string, from = 0): string {
  const start = text.indexOf(before, from) + before.length;
  return text.slice(start, text.indexOf(after, start));
}
