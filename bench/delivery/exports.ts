import { randomBytes, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { ZipFile } from 'yazl';
import { upload } from './attachments.js';
import type { Figure } from './figure.js';
import { median, shown } from './measures.js';
import type { Person } from './people.js';
import type { Scene } from './scene.js';
import type { ServerProcess } from './server-process.js';

const megabyte = 1024 * 1024;
const fileMegabytes = 100;
const files = 10;
const exported = fileMegabytes * files;

/** An export of 1 GB of files, sealed, beside a bare zip of as many bytes; and the memory that it takes. */
export async function exports(scene: Scene): Promise<Figure[]> {
  await scene.newDatabase('exports');
  const [ours, bare, grown]: [number[], number[], number[]] = [[], [], []];
  const settings = { STORAGE_GB: '1000', RATE_UPLOADS: '1000000' };
  for (let round = 0; round < scene.options.rounds; round++) {
    const service = await scene.service('exports', settings);
    // Each round has a person of its own, who has nothing yet.
    const person = (await scene.people()).market.people[round]!;
    for (let file = 0; file < files; file++) await sendFile(service, person);
    const before = service.residentMegabytes;
    service.forgetPeak();
    ours.push(await rate(() => exportAll(service, person)));
    grown.push(service.peakMegabytes - before);
    await scene.clear();
    bare.push(await bareZip());
  }
  return [
    {
      title: 'Export of 1 GB of files, sealed',
      unit: 'MB/s',
      ours,
      beside: 'a bare zip of as many bytes, from files to a file',
      others: bare,
      mark: { kind: 'at least', value: 0.5 },
      notes: ['From the request until it can be downloaded. The bare zip syncs its file too.'],
    },
    {
      title: 'Memory that an export of 1 GB adds to the server, at most',
      unit: 'MB',
      ours: grown,
      beside: 'the bytes of the files',
      others: grown.map(() => exported),
      ownMark: { kind: 'at most', value: 100 },
      notes: [`The peak of the resident memory above that before: ${shown(median(grown))} MB.`],
    },
  ];
}

async function rate(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return exported / ((performance.now() - began) / 1000);
}

async function sendFile(service: ServerProcess, person: Person): Promise<void> {
  const id = await upload(service, person);
  const content = { clientId: randomUUID(), body: '', attachmentIds: [id] };
  await ask(service, person, 'POST', `/api/conversations/${person.conversationId}/messages`, content);
}

async function exportAll(service: ServerProcess, person: Person): Promise<void> {
  const { id } = await ask(service, person, 'POST', '/api/exports', {});
  for (;;) {
    const { state } = await ask(service, person, 'GET', `/api/exports/${id}`);
    if (state === 'ready') return;
    if (state === 'failed') throw new Error('the export failed');
    await pause(20);
  }
}

async function ask(service: ServerProcess, { token }: Person, method: string, path: string, body?: unknown) {
  const answer = await fetch(service.url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as { id: string; state: string };
}

/** The same zip of files on the disk, without anything around it. */
async function bareZip(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'colloquio-zip-'));
  try {
    const piece = randomBytes(megabyte);
    for (let file = 0; file < files; file++) {
      const handle = await open(join(folder, `${file}.bin`), 'w');
      for (let written = 0; written < fileMegabytes; written++) await handle.write(piece);
      await handle.sync();
      await handle.close();
    }
    return await rate(async () => {
      const zip = new ZipFile();
      for (let file = 0; file < files; file++)
        zip.addFile(join(folder, `${file}.bin`), `${file}.bin`, { compress: false });
      zip.end();
      await pipeline(zip.outputStream, createWriteStream(join(folder, 'all.zip'), { flush: true }));
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
