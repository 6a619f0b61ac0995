import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type BootedShop, openShop, read, Sender, signIn } from '../support/booted-shop.js';
import { Installation, until } from '../support/installation.js';

/**
 * Backup and restore as processes, with the embedded PostgreSQL: beside the service and without it, killed in the middle, and
 * by another user. What they do is in test/backup.test.ts.
 */

let home: Installation;
let shop: BootedShop;
let folder: string;

beforeAll(async () => {
  home = await Installation.make();
  folder = join(home.dataDir, '..', 'copie di riserva');
});
afterAll(() => home.remove());

const wholeOnes = async (): Promise<string[]> =>
  (await readdir(join(folder, 'databases')))
    .filter((name) => existsSync(join(folder, 'databases', name, 'manifest.json')))
    .sort();

test('a backup beside the running service restores every acknowledged message to an empty data directory', async () => {
  const service = await home.start({ RATE_MESSAGES: '100000' });
  shop = await openShop(service);
  const sender = new Sender(shop.anna, shop.conversationId);
  await until(() => sender.acknowledged.length > 5, 'messages are sent');
  const acknowledged = [...sender.acknowledged];
  const made = await home.command('backup', {}, folder);
  expect(made).toMatchObject({ code: 0, stderr: '' });
  expect(service.isRunning).toBe(true);
  await sender.finish();

  const other = await Installation.make();
  try {
    const early = await other.command('restore', {}, folder);
    expect(early).toMatchObject({ code: 1, stderr: expect.stringContaining('The master key is missing') });
    await mkdir(join(other.dataDir, 'keys'), { recursive: true });
    await cp(home.keyFile('master.key'), other.keyFile('master.key'));
    const restored = await other.command('restore', {}, folder);
    expect(restored).toMatchObject({ code: 0, stderr: '' });
    expect(other.postgresPid).toBeUndefined();
    const again = await other.command('restore', {}, folder);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('holds data already') });
    const there = await other.start();
    const kept = await read(await signIn(there, shop.username), shop.conversationId);
    expect(kept.slice(0, acknowledged.length)).toMatchObject(acknowledged);
  } finally {
    await other.remove();
  }
});

test('a backup killed at any moment leaves earlier ones intact, and the next one removes its remains', async () => {
  const before = await wholeOnes();
  for (const milliseconds of [600, 900, 1_300, 1_800]) {
    const child = home.launch('backup', {}, folder);
    await Promise.race([child.ended, new Promise((resolve) => setTimeout(resolve, milliseconds))]);
    child.kill();
    await child.ended;
    const names = await wholeOnes();
    expect(names.slice(0, before.length)).toEqual(before);
    const checked = await home.command('restore', {}, folder, '--check', '--backup', before[0]!);
    expect(checked).toMatchObject({ code: 0, stderr: '' });
  }
  expect(await home.command('backup', {}, folder, '--quiet')).toMatchObject({ code: 0, stdout: '', stderr: '' });
  expect(await readdir(join(folder, 'databases'))).toHaveLength((await wholeOnes()).length);
  const checked = await home.command('restore', {}, folder, '--check');
  expect(checked).toMatchObject({ code: 0, stderr: '' });
});

test('without the service, a backup starts PostgreSQL while it needs it, as does a rotation of the master key', async () => {
  const refused = await home.command('rotate-master-key');
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('Another Colloquio is running') });
  await home.stopAll();
  expect(home.postgresPid).toBeUndefined();
  expect(await home.command('rotate-master-key')).toMatchObject({ code: 0, stderr: '' });
  expect(home.postgresPid).toBeUndefined();
  expect(await home.command('backup', {}, folder, '--keep', '1')).toMatchObject({ code: 0, stderr: '' });
  expect(home.postgresPid).toBeUndefined();
  expect(await wholeOnes()).toHaveLength(1);
  expect(await home.command('restore', {}, folder, '--check')).toMatchObject({ code: 0, stderr: '' });
});

const asRoot = process.getuid?.() === 0;
const nobody = 65_534;

(asRoot ? test : test.skip)('an ordinary user restores what it may read, and is told what it may not', async () => {
  const other = await Installation.make();
  try {
    const own = join(other.dataDir, '..', 'backups');
    await cp(folder, own, { recursive: true });
    const closed = await other.as(nobody).command('restore', {}, own, '--check');
    expect(closed).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('run the command as the user of the service'),
    });
    expect(spawnSync('chown', ['-R', String(nobody), own]).status).toBe(0);
    await mkdir(join(other.dataDir, 'keys'), { recursive: true });
    await cp(home.keyFile('master.key'), other.keyFile('master.key'));
    for (const path of ['keys/master.key', 'keys', '.']) await chown(join(other.dataDir, path), nobody, nobody);
    for (const path of ['keys', '.']) await chmod(join(other.dataDir, path), 0o700);
    const restored = await other.as(nobody).command('restore', {}, own);
    expect(restored).toMatchObject({ code: 0, stderr: '' });
    expect(await other.as(nobody).command('backup', {}, own)).toMatchObject({ code: 0, stderr: '' });
    await chmod(own, 0o500);
    await rm(join(own, 'nothing'), { force: true });
    const unwritable = await other.as(nobody).command('backup', {}, join(own, 'new'));
    expect(unwritable).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot be written: this user may not'),
    });
  } finally {
    await other.remove();
  }
});
