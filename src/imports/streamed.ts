import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';

/**
 * Sends an answer in pieces, as fast as they are taken. What fails before the first piece is answered as a problem; after
 * it the connection is cut, so that half an answer is not taken for a whole one.
 */
export async function sendInPieces(
  response: Response,
  pieces: AsyncGenerator<string, void, undefined>,
  headers: Record<string, string>,
): Promise<void> {
  const first = await pieces.next();
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const all = async function* () {
    if (!first.done) yield first.value;
    for await (const piece of pieces) {
      // What is compressed would otherwise wait until there is more of it.
      (response as { flush?: () => void }).flush?.();
      yield piece;
    }
  };
  try {
    await pipeline(Readable.from(all()), response);
  } catch (error) {
    // Who asked has gone away.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}
