import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttachmentView } from '../../src/contract/attachments.js';
import { type Answer, type Device, expectStatus, type World } from './world.js';

/** Purpose of a file. */
export interface FileFor {
  conversationId?: string;
  broadcast?: boolean;
}

export interface Upload extends FileFor {
  name?: string;
  fields?: Record<string, string>;
  /** The file comes before the other fields. */
  fileFirst?: boolean;
}

/** Random bytes. */
export const bytesOf = (size: number): Buffer => randomBytes(size);

/** A form with a file, as a browser makes it. */
export function formOf(bytes: Buffer | undefined, { name = 'file.bin', fileFirst, ...upload }: Upload): FormData {
  const { conversationId, broadcast, fields = {} } = upload;
  const form = new FormData();
  const file = () => bytes && form.append('file', new Blob([new Uint8Array(bytes)]), name);
  if (fileFirst) file();
  if (conversationId !== undefined) form.append('conversationId', conversationId);
  if (broadcast !== undefined) form.append('broadcast', String(broadcast));
  for (const [field, value] of Object.entries(fields)) form.append(field, value);
  if (!fileFirst) file();
  return form;
}

export const askToUpload = (device: Device, bytes: Buffer | undefined, upload: Upload): Promise<Answer> =>
  device.ask('POST', '/api/attachments', formOf(bytes, upload));

/** Uploads a file, which has to be accepted. */
export async function upload(device: Device, bytes: Buffer, about: Upload): Promise<AttachmentView> {
  const answer = await askToUpload(device, bytes, about);
  expectStatus(answer, 201);
  return answer.body as AttachmentView;
}

/** An answer with its bytes. */
export interface BytesAnswer {
  status: number;
  headers: Headers;
  bytes: Buffer;
  problem: () => { code: string; detail: string };
}

export async function download(
  device: Pick<Device, 'token'> & { url: string },
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<BytesAnswer> {
  const response = await fetch(device.url + path, {
    method,
    headers: { authorization: `Bearer ${device.token}`, 'accept-encoding': 'gzip', ...headers },
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const problem = () => JSON.parse(bytes.toString('utf8')) as { code: string; detail: string };
  return { status: response.status, headers: response.headers, bytes, problem };
}

/** The objects that stand on a service's disk, with what has not been finished. */
export async function objectsOf({ dataDir }: Pick<World, 'dataDir'>): Promise<{ name: string; bytes: Buffer }[]> {
  const files = join(dataDir, 'files');
  const found: { name: string; bytes: Buffer }[] = [];
  for (const entry of await readdir(files, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    // It may be removed, or get its final name, meanwhile.
    const bytes = await readFile(join(entry.parentPath, entry.name)).catch(() => undefined);
    if (bytes) found.push({ name: entry.name, bytes });
  }
  return found;
}
