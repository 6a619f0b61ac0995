import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartError } from '../start-error.js';
import { EpochKeys } from './epoch-keys.js';

const masterKey = randomBytes(32);
let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'colloquio-epoch-keys-'));
  path = join(folder, 'epoch.key');
});
afterEach(() => rm(folder, { recursive: true }));

const load = (key = masterKey) => EpochKeys.load(path, key);

describe('the epoch file', () => {
  test('is created once, with the first epoch', async () => {
    expect(await EpochKeys.exist(path)).toBe(false);
    const made = await load();
    expect(await EpochKeys.exist(path)).toBe(true);
    expect(made).toMatchObject({ known: [1], renewing: false });
    expect(made.current.key).toHaveLength(32);
    expect((await load()).current).toEqual(made.current);
  });

  test('is sealed under the master key', async () => {
    const { key } = (await load()).current;
    const text = await readFile(path, 'latin1');
    for (const encoding of ['latin1', 'base64', 'hex'] as const) expect(text).not.toContain(key.toString(encoding));
    await expect(load(randomBytes(32))).rejects.toThrow(StartError);
    await expect(load(randomBytes(32))).rejects.toThrow(`The master key does not open ${path}`);
    expect((await load()).current.key).toEqual(key);
  });

  test.each([
    ['nothing'],
    ['{"format":1,'],
    ['{}'],
    ['{"format":2,"epochs":[]}'],
    ['{"format":1,"epochs":[]}'],
    ['null'],
  ])('that holds %j is no epoch file, and is left as it is', async (content) => {
    await writeFile(path, content);
    await expect(load()).rejects.toThrow(StartError);
    await expect(load()).rejects.toThrow(`${path} holds no epoch key`);
    expect(await readFile(path, 'utf8')).toBe(content);
  });

  test('cannot pass one epoch off as another', async () => {
    await load();
    const file = JSON.parse(await readFile(path, 'utf8'));
    file.epochs[0].number = 2;
    await writeFile(path, JSON.stringify(file));
    await expect(load()).rejects.toThrow(StartError);
  });
});

describe('a renewal', () => {
  test('begins with a second epoch, and both open until it ends', async () => {
    const epochs = await load();
    const { key: first } = epochs.current;
    await epochs.beginRotation();
    const { key: second } = epochs.current;
    expect(second).not.toEqual(first);
    expect(epochs).toMatchObject({ known: [1, 2], renewing: true, oldest: { number: 1 } });
    expect([epochs.key(1), epochs.key(2)]).toEqual([first, second]);

    await epochs.finishRotation();
    expect(epochs).toMatchObject({ known: [2], renewing: false, oldest: { number: 2 } });
    expect(epochs.key(2)).toEqual(second);
    expect(() => epochs.key(1)).toThrow('epoch 1 is gone');
  });

  test('that was interrupted is found at the next start', async () => {
    const before = await load();
    await before.beginRotation();
    const after = await load();
    expect(after).toMatchObject({ known: [1, 2], renewing: true });
    expect([after.key(1), after.key(2)]).toEqual([before.key(1), before.key(2)]);
    await after.finishRotation();
    expect((await load()).known).toEqual([2]);
  });

  test('leaves nothing of the old epoch, neither on disk nor in memory', async () => {
    const epochs = await load();
    const { key } = epochs.current;
    const sealed: string = JSON.parse(await readFile(path, 'utf8')).epochs[0].sealed;
    const files = [await open(path)];
    await epochs.beginRotation();
    files.push(await open(path));
    await epochs.finishRotation();
    for (const file of files) {
      const { size } = await file.stat();
      const { buffer } = await file.read(Buffer.alloc(size), 0, size, 0);
      expect(buffer.toString('latin1')).not.toContain('sealed');
      await file.close();
    }
    expect(await readFile(path, 'utf8')).not.toContain(sealed);
    expect(key).toEqual(Buffer.alloc(32));
  });

  test('that was killed while writing leaves an epoch beside the file, which only the service destroys', async () => {
    const epochs = await load();
    const draft = `${path}.4711.0a1b2c3d`;
    await writeFile(draft, await readFile(path));
    await load();
    expect(await readFile(draft)).toEqual(await readFile(path));
    await epochs.shredRemains();
    await expect(readFile(draft)).rejects.toThrow('ENOENT');
    expect((await load()).current).toEqual(epochs.current);
  });
});
