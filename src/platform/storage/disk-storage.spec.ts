import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskStorage } from './disk-storage.js';

let root: string;
beforeEach(async () => (root = await mkdtemp(join(tmpdir(), 'disk-storage-'))));
afterEach(() => rm(root, { recursive: true }));

async function* bytes(): AsyncGenerator<Buffer, void, undefined> {
  yield Buffer.from('sealed');
}

test('an object is stored even if the last other one in its folder is removed meanwhile', async () => {
  const storage = await DiskStorage.open(root);
  const storeAndRemove = async (writer: number) => {
    for (let turn = 0; turn < 100; turn++) {
      const name = `01998c-${writer}-${turn}`;
      await storage.write(name, bytes());
      await storage.remove(name);
    }
  };
  await Promise.all([1, 2, 3, 4].map(storeAndRemove));
  expect(await readdir(root)).toEqual([]);
});
