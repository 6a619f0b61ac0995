import { connect, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { type Config, CONFIG } from '../platform/config.js';
import { Turns } from '../platform/turns.js';
import { ScannerAway } from './media.errors.js';

const connectMilliseconds = 5_000;
/** Time in which neither a byte is taken nor an answer comes; large archives take the scanner long. */
const silentMilliseconds = 120_000;
/** Bytes of an answer, of which the name of a virus is the longest part. */
const longestAnswer = 4_096;
const pieceBytes = 64 * 1024;
/** Files that are scanned at once; clamd has ten threads unless it is told otherwise. */
const concurrency = 3;
const waiting = 10_000;

/** Looks for viruses by asking the clamd of the settings, over its command INSTREAM: no file touches a disk here. */
@Injectable()
export class Scanner {
  private readonly turns = new Turns({
    concurrency,
    concurrencyPerAsker: concurrency,
    waiting,
    waitingPerAsker: waiting,
    of: 'files',
  });

  constructor(@Inject(CONFIG) private readonly config: Pick<Config, 'clamd'>) {}

  /** Without a scanner nothing is scanned, and the views of files say so. */
  get configured(): boolean {
    return this.config.clamd !== undefined;
  }

  /**
   * Has a file scanned.
   * @throws ScannerAway when no answer is to be had, also because the file is larger than the scanner takes; whatever the
   *   stream fails with
   */
  async scan(stream: Readable): Promise<'clean' | 'infected'> {
    try {
      const answer = await this.turns.run('', () => this.ask('INSTREAM', stream));
      if (answer === 'stream: OK') return 'clean';
      if (/^stream: .+ FOUND$/.test(answer)) return 'infected';
      throw new ScannerAway(/size limit exceeded/.test(answer) ? 'too_large' : 'unexpected_answer');
    } finally {
      stream.destroy();
    }
  }

  /** @throws ScannerAway when the scanner does not answer */
  async reach(): Promise<void> {
    if ((await this.ask('PING')) !== 'PONG') throw new ScannerAway('unexpected_answer');
  }

  private async ask(command: 'INSTREAM' | 'PING', stream?: Readable): Promise<string> {
    const { clamd } = this.config;
    if (!clamd) throw new ScannerAway('unreachable');
    const socket = connect(clamd);
    try {
      await connected(socket);
      const answer = answerOf(socket);
      // The failure of an answer that is not waited for yet.
      answer.catch(() => {});
      socket.write(`z${command}\0`);
      if (stream) await Promise.race([send(stream, socket), answer]);
      return await answer;
    } finally {
      socket.destroy();
    }
  }
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const away = (code: ScannerAway['code']) => () => reject(new ScannerAway(code));
    socket.setTimeout(connectMilliseconds, away('timeout'));
    socket.once('error', away('unreachable'));
    socket.once('connect', () => resolve());
  });
}

/** The words that the scanner answers with; it may do so before it has read the whole file. */
function answerOf(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    socket.setTimeout(silentMilliseconds, () => reject(new ScannerAway('timeout')));
    socket.on('data', (piece: Buffer) => {
      answer += piece.toString('latin1');
      const end = answer.indexOf('\0');
      if (end >= 0) resolve(answer.slice(0, end));
      else if (answer.length > longestAnswer) reject(new ScannerAway('unexpected_answer'));
    });
    socket.on('error', () => reject(new ScannerAway('unreachable')));
    socket.on('close', () => reject(new ScannerAway('unreachable')));
  });
}

/** Sends a file in pieces that begin with their length, as fast as they are taken; an empty one ends it. */
async function send(stream: Readable, socket: Socket): Promise<void> {
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      const piece = chunk.subarray(at, at + pieceBytes);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(piece.length);
      socket.write(length);
      // An answer that comes early is read before more is written: the scanner then resets the connection, and it is lost.
      if (socket.write(piece)) await setImmediate();
      else await drained(socket);
      if (socket.destroyed) return;
    }
  }
  socket.write(Buffer.alloc(4));
}

const drained = (socket: Socket) =>
  new Promise<void>((resolve) => {
    socket.once('drain', resolve);
    socket.once('close', () => resolve());
  });
