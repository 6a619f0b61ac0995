import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { errorCatalogue } from '../src/contract/errors.js';
import { variables } from '../src/platform/config.js';

const text = (path: string) => readFile(path, 'utf8');

/** Names in backquotes at the beginning of a table's rows. */
const rowsOf = (markdown: string) =>
  [...markdown.matchAll(/^\|\s*((?:`[\w.]+`(?:,\s*)?)+)\s*\|/gm)].flatMap(([, cell]) =>
    [...cell!.matchAll(/`([\w.]+)`/g)].map(([, name]) => name),
  );

describe('the documents keep up with the code', () => {
  test('the README lists every variable, and no other', async () => {
    const listed = rowsOf(await text('README.md')).filter((name) => /^[A-Z_]+$/.test(name!));
    expect([...new Set(listed)].sort()).toEqual(Object.keys(variables).sort());
  });

  test('docs/events.md describes every event of the contract', async () => {
    const contract = await text('src/contract/events.ts');
    const names = [...contract.matchAll(/^ {2}'([a-z]+\.[a-z]+)':/gm)].map(([, name]) => name!);
    expect(names.length).toBeGreaterThan(6);
    const page = await text('docs/events.md');
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  test('the OpenAPI names every error code', async () => {
    const { components } = JSON.parse(await text('openapi.json')) as {
      components: { schemas: { Problem: { properties: { code: { enum: string[] } } } } };
    };
    expect(components.schemas.Problem.properties.code.enum.sort()).toEqual(Object.keys(errorCatalogue).sort());
  });

  test('docs/promises.md names the tests that hold each promise', async () => {
    const check = promisify(execFile)(process.execPath, ['scripts/promises.mjs', '--check']);
    expect(await check).toEqual({ stdout: '', stderr: '' });
  });

  test.each([
    'README.md',
    'SECURITY.md',
    'CONTRIBUTING.md',
    'docs/architecture.md',
    'docs/events.md',
    'docs/operations.md',
  ])('every file that %s names is there', async (page) => {
    const { access } = await import('node:fs/promises');
    const named = [
      ...(await text(page)).matchAll(
        /`((?:src|docs|test|scripts|demo|deploy|migrations|policies|mails|bench)\/[\w./-]+\.[a-z]+)`/g,
      ),
    ].map(([, path]) => path!);
    const missing: string[] = [];
    for (const path of named) await access(path).catch(() => missing.push(path));
    expect(missing).toEqual([]);
  });
});
