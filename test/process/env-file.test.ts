import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

/** The file `.env` beside package.json, on a copy of what reads it: tests are not to depend on the one of whoever runs them. */

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'colloquio-env-'));
  await mkdir(join(folder, 'scripts'));
  await copyFile('scripts/env-file.mjs', join(folder, 'scripts/env-file.mjs'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(environment: Record<string, string> = {}): Promise<string> {
  const code = `const { readEnvFile } = await import(${JSON.stringify(join(folder, 'scripts/env-file.mjs'))});
    readEnvFile();
    console.log(process.env.PORT, process.env.MAIL_FROM);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
    env: environment,
  });
  return stdout;
}

test('is not required', async () => {
  expect(await read()).toBe('undefined undefined\n');
});

test('is read and named, and the environment takes precedence', async () => {
  await writeFile(join(folder, '.env'), 'PORT=4000\n# a note\nMAIL_FROM="Forno <forno@example.com>"\n');
  const said = `Settings are read from ${join(folder, '.env')} too; the environment goes before it.\n`;
  expect(await read()).toBe(`${said}4000 Forno <forno@example.com>\n`);
  expect(await read({ PORT: '5000' })).toBe(`${said}5000 Forno <forno@example.com>\n`);
});

test('that cannot be read stops the start', async () => {
  await rm(join(folder, '.env'));
  await mkdir(join(folder, '.env'));
  await expect(read()).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be read') });
});
