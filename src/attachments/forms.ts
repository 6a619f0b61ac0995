import type { Readable } from 'node:stream';
import busboy from 'busboy';
import type { Request } from 'express';
import { DomainError } from '../platform/problems/domain-error.js';

/** A form with one file, whose bytes were stored as they came in. */
export interface ReceivedForm<Stored> {
  fields: Record<string, string>;
  file?: { name: string; stored: Stored };
}

/**
 * Bytes of a refused body that are still read, so that the client gets to read the answer: a whole file of the usual limit.
 * Clients take a connection that is closed on them for a network that failed, and send everything again.
 */
const drainedBytes = 128 * 1024 * 1024;

const formLimits = { fieldNameSize: 100, fieldSize: 4 * 1024, fields: 8, files: 1, parts: 9, headerPairs: 20 };

/**
 * Reads a form whose file is stored while it comes in. When this rejects, what had been stored is left to `store`, which
 * rejects too, or to `discard`.
 * @param store takes the bytes of the file, and the fields that stood before it
 * @throws DomainError `media_type_refused`, `malformed_request`; whatever `store` throws
 */
export async function receiveForm<Stored>(
  request: Request,
  store: (bytes: AsyncIterable<Buffer>, fields: Record<string, string>) => Promise<Stored>,
  discard: (stored: Stored) => Promise<void>,
): Promise<ReceivedForm<Stored>> {
  if (!request.is('multipart/form-data')) {
    throw new DomainError('media_type_refused', { detail: 'Send the file as multipart/form-data.' });
  }
  const fields = Object.create(null) as Record<string, string>;
  let parser: busboy.Busboy;
  try {
    parser = busboy({ headers: request.headers, defParamCharset: 'utf8', limits: formLimits });
  } catch {
    throw malformed('The form names no boundary between its parts.');
  }
  let name = '';
  let storing: Promise<Stored> | undefined;
  const parsed = new Promise<void>((resolve, reject) => {
    parser.on('field', (field, value, { nameTruncated, valueTruncated }) => {
      if (nameTruncated || valueTruncated) reject(malformed(`The form's field ${field} is too long.`));
      else if (field in fields) reject(malformed(`The form has the field ${field} twice.`));
      else fields[field] = value;
    });
    parser.on('file', (field, bytes: Readable, { filename }) => {
      bytes.on('error', () => undefined);
      if (field !== 'file') return reject(malformed('The form has a file in another field than "file".'));
      name = filename ?? '';
      storing = store(bytes, fields);
      storing.catch(reject);
    });
    parser.on('filesLimit', () => reject(malformed('The form has more than one file. Send one at a time.')));
    parser.on('fieldsLimit', () =>
      reject(malformed('The form has too many fields. Send only those that are described.')),
    );
    parser.on('partsLimit', () => reject(malformed('The form has too many parts.')));
    parser.on('error', () => reject(malformed('The form is cut short or cannot be read.')));
    parser.on('close', resolve);
    request.once('error', reject);
    request.once('close', () => {
      if (request.complete) return;
      reject(
        new DomainError('malformed_request', { detail: 'The connection was closed before the file had come in.' }),
      );
    });
    request.pipe(parser);
  });
  try {
    await parsed;
    return { fields, ...(storing && { file: { name, stored: await storing } }) };
  } catch (error) {
    request.unpipe(parser);
    parser.destroy(error as Error);
    await storing?.then(discard, () => undefined);
    await drained(request);
    throw error;
  }
}

/** Reads on for a while: a client that is still sending when the connection is closed may miss the answer. */
export function drained(request: Request): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    let left = drainedBytes;
    const end = () => {
      request.off('data', count).pause();
      if (!request.complete) request.res?.setHeader('Connection', 'close');
      resolve();
    };
    const count = (piece: Buffer) => {
      left -= piece.length;
      if (left <= 0) end();
    };
    request.on('data', count).once('end', end).once('close', end);
    request.resume();
  });
}

const malformed = (detail: string) => new DomainError('malformed_request', { detail });
