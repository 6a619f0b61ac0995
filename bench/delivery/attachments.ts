import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type OutgoingHttpHeaders, request } from 'node:http';
import type { Figure } from './figure.js';
import { median, shown } from './measures.js';
import type { Person } from './people.js';
import type { Scene } from './scene.js';
import type { ServerProcess } from './server-process.js';

const megabyte = 1024 * 1024;
const fileBytes = 100 * megabyte;
const uploadsAtOnce = 20;
const piece = randomBytes(megabyte);

/** Uploads that are sealed, beside a bare Node stream that copies the same bytes; and the memory of many at once. */
export async function attachments(scene: Scene): Promise<Figure[]> {
  await scene.newDatabase('attachments');
  const [ours, bare, grown]: [number[], number[], number[]] = [[], [], []];
  const settings = { STORAGE_GB: '1000', RATE_UPLOADS: '1000000' };
  for (let round = 0; round < scene.options.rounds; round++) {
    const service = await scene.service('attachments', settings);
    const people = (await scene.people()).market.people.slice(0, uploadsAtOnce);
    await uploadAndRemove(service, people[0]!);
    ours.push(await rate(() => uploadAndRemove(service, people[0]!)));
    const before = service.residentMegabytes;
    service.forgetPeak();
    await Promise.all(people.map((person) => uploadAndRemove(service, person)));
    grown.push(service.peakMegabytes - before);
    await scene.clear();
    const stream = await scene.bareUpload();
    await send(stream, '/', {});
    bare.push(await rate(() => send(stream, '/', {})));
    await scene.clear();
  }
  return [
    {
      title: 'Upload of a file of 100 MB, sealed and looked at',
      unit: 'MB/s',
      ours,
      beside: 'a bare Node stream to a file',
      others: bare,
      mark: { kind: 'at least', value: 0.6 },
      notes: ['By tus in one request; the bare stream syncs its file too. Client and server share the machine.'],
    },
    {
      title: `Memory that ${uploadsAtOnce} uploads of 100 MB at once add to the server, at most`,
      unit: 'MB',
      ours: grown,
      beside: 'the bytes of the files',
      others: grown.map(() => uploadsAtOnce * 100),
      ownMark: { kind: 'at most', value: 100 },
      notes: [`The peak of the resident memory above that before: ${shown(median(grown))} MB.`],
    },
  ];
}

async function rate(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return fileBytes / megabyte / ((performance.now() - began) / 1000);
}

async function uploadAndRemove(service: ServerProcess, person: Person): Promise<void> {
  const id = await upload(service, person);
  // What is measured next is not to meet a full disk.
  const headers = { authorization: `Bearer ${person.token}` };
  await fetch(`${service.url}/api/attachments/${id}`, { method: 'DELETE', headers });
}

/** Uploads 100 MB, and gives the id of the file. */
export async function upload(service: ServerProcess, { token, conversationId }: Person): Promise<string> {
  const headers = { authorization: `Bearer ${token}`, 'tus-resumable': '1.0.0' };
  const metadata = `conversationId ${Buffer.from(conversationId).toString('base64')}`;
  const begun = await fetch(`${service.url}/api/attachments/uploads`, {
    method: 'POST',
    headers: { ...headers, 'upload-length': String(fileBytes), 'upload-metadata': metadata },
  });
  if (begun.status !== 201) throw new Error(`an upload was refused: ${await begun.text()}`);
  const path = begun.headers.get('location')!;
  await send(service, path, {
    ...headers,
    'upload-offset': '0',
    'content-type': 'application/offset+octet-stream',
  });
  return path.split('/').at(-1)!;
}

/** Sends a file as fast as it is taken. */
async function send({ url }: ServerProcess, path: string, headers: OutgoingHttpHeaders): Promise<void> {
  const asked = request(url + path, { method: 'PATCH', headers: { ...headers, 'content-length': fileBytes } });
  const answered = once(asked, 'response') as Promise<[{ statusCode?: number; resume(): void }]>;
  for (let sent = 0; sent < fileBytes; sent += piece.length) {
    if (!asked.write(piece)) await once(asked, 'drain');
  }
  asked.end();
  const [answer] = await answered;
  answer.resume();
  if (answer.statusCode !== 204) throw new Error(`an upload ended with ${answer.statusCode}`);
}
