import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, link, mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartError } from '../start-error.js';
import { createPrivateFile, readIfThere, replacePrivateFile, shredRemains } from './key-files.js';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'colloquio-key-files-')), 'keys');
  path = join(folder, 'epoch.key');
});
afterEach(() => rm(join(folder, '..'), { recursive: true }));

/** Bytes left in the place of a file, whatever has become of its name. */
async function remainsOf(file: FileHandle): Promise<string> {
  const { size } = await file.stat();
  const { buffer } = await file.read(Buffer.alloc(size), 0, size, 0);
  await file.close();
  return buffer.toString('latin1');
}

describe('a private file', () => {
  test('can be read by its owner alone, and so can its folder', async () => {
    expect(await createPrivateFile(path, 'first')).toBe(true);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    await replacePrivateFile(path, 'second');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('is created once, even by concurrent callers', async () => {
    const contents = Array.from({ length: 8 }, (_, index) => `content ${index}`);
    const made = await Promise.all(contents.map((content) => createPrivateFile(path, content)));
    expect(made.filter(Boolean)).toHaveLength(1);
    expect(await readIfThere(path)).toBe(contents[made.indexOf(true)]);
    expect(await createPrivateFile(path, 'later')).toBe(false);
    expect(await readdir(folder)).toEqual(['epoch.key']);
  });

  test('is undefined if it is missing, and an error if it cannot be read', async () => {
    expect(await readIfThere(path)).toBeUndefined();
    await mkdir(path, { recursive: true });
    await expect(readIfThere(path)).rejects.toThrow(StartError);
    await expect(readIfThere(path)).rejects.toThrow(`${path} cannot be read (EISDIR)`);
  });
});

describe('replacing it', () => {
  test('puts the new content in its place and overwrites the bytes of the old', async () => {
    await createPrivateFile(path, 'the old epoch');
    const old = await open(path);
    await replacePrivateFile(path, 'a new epoch, somewhat longer');
    expect(await readIfThere(path)).toBe('a new epoch, somewhat longer');
    expect(await remainsOf(old)).not.toMatch(/old|epoch/);
    expect(await readdir(folder)).toEqual(['epoch.key']);
  });

  test('creates it if it was removed', async () => {
    await createPrivateFile(path, 'old');
    await rm(path);
    await replacePrivateFile(path, 'new');
    expect(await readIfThere(path)).toBe('new');
    expect(await readdir(folder)).toEqual(['epoch.key']);
  });

  test('keeps one content or the other whole when the process is killed at any point', async () => {
    await createPrivateFile(path, 'content 0');
    const module = new URL('../../../dist/src/platform/vault/key-files.js', import.meta.url);
    const script = `
      const { replacePrivateFile } = await import(${JSON.stringify(module.href)});
      console.log('ready');
      for (let number = 1; ; number++) await replacePrivateFile(${JSON.stringify(path)}, 'content ' + number);`;
    for (let round = 0; round < 8; round++) {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
        stdio: ['ignore', 'pipe', 2],
      });
      await once(child.stdout!, 'data');
      await new Promise((resolve) => setTimeout(resolve, 5 + 3 * round));
      child.kill('SIGKILL');
      await once(child, 'close');
      const content = await readFile(path, 'utf8');
      expect(content).toMatch(/^content \d+$/);
      await shredRemains(path);
      expect(await readFile(path, 'utf8')).toBe(content);
      expect(await readdir(folder)).toEqual(['epoch.key']);
    }
  });
});

describe('what a crash left beside it', () => {
  test('is overwritten and removed', async () => {
    await createPrivateFile(path, 'the file itself');
    const draft = `${path}.4711.0a1b2c3d`;
    await writeFile(draft, 'an epoch nobody needs');
    const remains = await open(draft);
    await shredRemains(path);
    expect(await remainsOf(remains)).not.toContain('epoch');
    expect(await readdir(folder)).toEqual(['epoch.key']);
    expect(await readIfThere(path)).toBe('the file itself');
  });

  test('loses only its second name if it is the file itself', async () => {
    await createPrivateFile(path, 'the file itself');
    await link(path, `${path}.4711.0a1b2c3d`);
    await shredRemains(path);
    expect(await readdir(folder)).toEqual(['epoch.key']);
    expect(await readIfThere(path)).toBe('the file itself');
  });

  test('is not confused with an operator’s files', async () => {
    await createPrivateFile(path, 'the file itself');
    const kept = ['epoch.key.old', 'epoch.key.2026', 'master.key', 'master.key.4711.0a1b2c3d'];
    for (const name of kept) await writeFile(join(folder, name), 'kept');
    await shredRemains(path);
    expect((await readdir(folder)).sort()).toEqual(['epoch.key', ...kept].sort());
  });
});
