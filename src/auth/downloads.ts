import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Injectable } from '@nestjs/common';
import type { Response } from 'express';
import { Log } from '../platform/log.js';
import { SessionWork } from '../platform/session-work.js';
import { Unauthenticated } from './auth.errors.js';
import type { Principal } from './principal.js';
import { Sessions } from './sessions.service.js';

const longestTimer = 2 ** 31 - 1;

/** Sends answers in pieces, as fast as they are taken and no longer than the session lasts that asked for them. */
@Injectable()
export class Downloads {
  constructor(
    private readonly log: Log,
    private readonly sessions: Sessions,
    private readonly work: SessionWork,
  ) {}

  /**
   * Sends an answer in pieces. A failure before the first piece is answered as a problem; after it the connection is cut, so
   * that half an answer is not taken for a whole one. It is also cut when the session ends.
   */
  async send(
    { sessionId }: Principal,
    response: Response,
    pieces: AsyncGenerator<string | Buffer, void, undefined>,
    headers: Record<string, string>,
    status = 200,
  ): Promise<void> {
    const first = await pieces.next();
    if (this.work.hasEnded(sessionId)) throw new Unauthenticated();
    response.status(status);
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const all = async function* () {
      if (!first.done) yield first.value;
      for await (const piece of pieces) {
        // What is compressed would otherwise wait until there is more of it.
        (response as { flush?: () => void }).flush?.();
        yield piece;
      }
    };
    const watched = this.cutAtExpiry(sessionId, response);
    try {
      await pipeline(Readable.from(all()), response);
    } catch (error) {
      // Who asked has gone away, or the session has ended.
      if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    } finally {
      watched.stop();
    }
  }

  /** A session may be prolonged by its use while something is downloaded. */
  private cutAtExpiry(sessionId: string, response: Response): { stop: () => void } {
    let timer: NodeJS.Timeout | undefined;
    let stopped = false;
    const look = async (): Promise<void> => {
      const expiresAt = await this.sessions.expiryOf(sessionId, undefined);
      if (stopped) return;
      if (!expiresAt) return void response.destroy();
      const left = Math.max(1, expiresAt.getTime() - Date.now());
      timer = setTimeout(lookAgain, Math.min(left, longestTimer)).unref();
    };
    const lookAgain = () =>
      void look().catch((error: unknown) => {
        this.log.failure(error);
        response.destroy();
      });
    lookAgain();
    return {
      stop: () => {
        stopped = true;
        clearTimeout(timer);
      },
    };
  }
}
