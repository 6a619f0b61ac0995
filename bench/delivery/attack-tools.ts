import { request } from 'node:http';
import type { Socket } from 'node:net';
import { crc32, deflateSync } from 'node:zlib';

/** Target and identity of an attack; everything is on this machine. */
export interface AttackTarget {
  port: number;
  /** The attacker's own address of the loopback: another than that of the customers beside it. */
  from: string;
  shopToken: string;
  customerToken: string;
  /** Id of the customer, in the shop's address book. */
  contactId: string;
  /** Code of an open invitation of the shop. */
  code: string;
}

export interface Request {
  method: string;
  path: string;
  token?: string | undefined;
  type?: string;
  body?: Buffer;
}

/** Counts of the answers to an attack. */
export interface Tally {
  /** Number of answers by status; 0 stands for a connection that ended without one. */
  statuses: Record<number, number>;
  /** In bytes. */
  largestAnswer: number;
  /** Bytes that came back over sockets. */
  heard: number;
}

export const tally: Tally = { statuses: {}, largestAnswer: 0, heard: 0 };

const patienceMilliseconds = 30_000;

export async function ask(target: AttackTarget, { method, path, token, type, body }: Request): Promise<void> {
  const outgoing = request({
    host: '127.0.0.1',
    port: target.port,
    localAddress: target.from,
    method,
    path,
    timeout: patienceMilliseconds,
    agent: false,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body && { 'content-type': type, 'content-length': body.length }),
    },
  });
  outgoing.on('timeout', () => outgoing.destroy());
  // A server that refuses early may close while the body is still being sent.
  let status = 0;
  let bytes = 0;
  outgoing.on('response', (response) => {
    status = response.statusCode ?? 0;
    response.on('data', (chunk: Buffer) => (bytes += chunk.length));
    response.on('error', () => undefined);
  });
  outgoing.on('error', () => undefined);
  outgoing.end(body);
  await new Promise<void>((resolve) => outgoing.once('close', resolve));
  tally.statuses[status] = (tally.statuses[status] ?? 0) + 1;
  tally.largestAnswer = Math.max(tally.largestAnswer, bytes);
}

/**
 * Listens until the socket is closed, has been silent for so long, or so many answers may have come, and ends it. The
 * largest piece that comes at once is taken for the largest answer.
 */
export async function hold(socket: Socket, silentMilliseconds: number, answers: number): Promise<void> {
  let came = 0;
  await new Promise<void>((resolve) => {
    const silent = setTimeout(resolve, silentMilliseconds);
    socket.on('data', (chunk: Buffer) => {
      silent.refresh();
      tally.heard += chunk.length;
      came += chunk.toString('latin1').split(/HTTP\/1\.1 |\x81/).length - 1;
      if (came >= answers) resolve();
    });
    socket.once('close', () => {
      tally.statuses[0] = (tally.statuses[0] ?? 0) + 1;
      resolve();
    });
  });
  socket.destroy();
}

export async function foreverLater(socket: Socket, milliseconds: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
  socket.destroy();
}

let png: Buffer | undefined;

/** 1 × 40,000,000 pixels in some 40 KB: one column, black, one bit a pixel. */
export function blankPng(): Buffer {
  if (png) return png;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(1, 0);
  header.writeUInt32BE(40_000_000, 4);
  header.set([1, 0, 0, 0, 0], 8);
  const rows = deflateSync(Buffer.alloc(2 * 40_000_000), { level: 9 });
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  png = Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))]);
  return png;
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([size, named, check]);
}
