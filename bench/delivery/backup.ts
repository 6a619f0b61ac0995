import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { escapeIdentifier } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { Snapshot } from '../../src/backup/snapshot.js';
import type { CopiedTable } from '../../src/backup/manifest.js';
import { fillMessages } from './archive.js';
import type { Figure } from './figure.js';
import { median, shown } from './measures.js';
import type { Scene } from './scene.js';
import type { Stage } from './stage.js';

const database = 'backed_up';
const megabyte = 1024 * 1024;

/** The main database copied into a backup, beside a bare `COPY` of the same tables into nothing; and the memory of it. */
export async function backup(scene: Scene): Promise<Figure[]> {
  const stage = await scene.newDatabase(database);
  const stored = await fillMessages(stage, database, scene.options.stored);
  const [ours, bare, grown]: [number[], number[], number[]] = [[], [], []];
  let [text, written] = [0, 0];
  for (let round = 0; round < scene.options.rounds; round++) {
    const peak = new Peak();
    const began = performance.now();
    const tables = await copied(stage);
    const took = performance.now() - began;
    grown.push(peak.end());
    written = tables.reduce((sum, { bytes }) => sum + bytes, 0) / megabyte;
    const bareBegan = performance.now();
    text = (await copiedBare(stage, tables)) / megabyte;
    bare.push(text / ((performance.now() - bareBegan) / 1000));
    ours.push(text / (took / 1000));
  }
  return [
    {
      title: `Backup of a main database with ${stored.toLocaleString('en')} messages`,
      unit: 'MB/s',
      ours,
      beside: 'a bare COPY into nothing',
      others: bare,
      mark: { kind: 'at least', value: 0.5 },
      notes: [`Compressed, hashed and synced to the disk: ${shown(text)} MB of rows become ${shown(written)} MB.`],
    },
    {
      title: 'Memory that such a backup adds to its process, at most',
      unit: 'MB',
      ours: grown,
      beside: 'the rows',
      others: grown.map(() => text),
      ownMark: { kind: 'at most', value: 100 },
      notes: [`The peak of the resident memory above that before: ${shown(median(grown))} MB.`],
    },
  ];
}

async function copied(stage: Stage): Promise<CopiedTable[]> {
  const folder = join(stage.dir, 'backup');
  await mkdir(folder);
  const snapshot = await Snapshot.take(stage.url(database));
  try {
    return await snapshot.copy(folder, () => undefined);
  } finally {
    await snapshot.end();
    await rm(folder, { recursive: true });
  }
}

/** @returns bytes */
async function copiedBare(stage: Stage, tables: readonly CopiedTable[]): Promise<number> {
  const client = await stage.connect(database);
  let bytes = 0;
  try {
    for (const { name, columns } of tables) {
      const list = columns.map((each) => escapeIdentifier(each)).join(', ');
      const nothing = new Writable({
        write(piece: Buffer, _encoding, done) {
          bytes += piece.length;
          done();
        },
      });
      await pipeline(client.query(copyTo(`COPY ${escapeIdentifier(name)} (${list}) TO STDOUT`)), nothing);
    }
    return bytes;
  } finally {
    await client.end();
  }
}

/** Watches the resident memory of this process. */
class Peak {
  private readonly before = process.memoryUsage.rss();
  private most = this.before;
  private readonly timer = setInterval(() => (this.most = Math.max(this.most, process.memoryUsage.rss())), 20);

  /** @returns megabytes */
  end(): number {
    clearInterval(this.timer);
    return (this.most - this.before) / megabyte;
  }
}
