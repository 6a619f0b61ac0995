import { readdir, readFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { errorCatalogue } from '../src/contract/errors.js';
import { variables } from '../src/platform/settings/variables.js';

const text = (path: string) => readFile(path, 'utf8');

/** Names in backquotes at the beginning of a table's rows. */
const rowsOf = (markdown: string) =>
  [...markdown.matchAll(/^\|\s*((?:`[\w.]+`(?:,\s*)?)+)\s*\|/gm)].flatMap(([, cell]) =>
    [...cell!.matchAll(/`([\w.]+)`/g)].map(([, name]) => name),
  );

describe('the documents keep up with the code', () => {
  test('the README lists every variable, and no other', async () => {
    const listed = rowsOf(await text('README.md')).filter((name) => /^[A-Z][A-Z0-9_]+$/.test(name!));
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

  test('docs/operations.md names only existing start errors', async () => {
    const [, table] = (await text('docs/operations.md')).split('## When it does not start');
    const rows = [...table!.split('\n## ')[0]!.matchAll(/^\| ((?![-`]|the line says).*?) +\|/gm)];
    const named = rows.flatMap(([, cell]) => cell!.split('; '));
    expect(named.length).toBeGreaterThan(25);
    const messages = await startMessages();
    expect(named.filter((line) => !messages.some((message) => begins(message, line)))).toEqual([]);
    expect(messages.some((message) => begins(message, 'The database is on holiday'))).toBe(false);
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

/** The texts in the code that a start can end with; … stands for what is put in. */
async function startMessages(): Promise<string[]> {
  const files = (await readdir('src', { recursive: true })).filter((file) => /(?<!\.spec)\.ts$/.test(file));
  const sources = [...files.map((file) => `src/${file}`), 'scripts/pinned-node.mjs', 'scripts/env-file.mjs'];
  const literals = (await Promise.all(sources.map(text))).flatMap((source) => [
    ...source.matchAll(/`((?:[^`\n$]|\$\{(?:[^`\n{}]|`[^`]*`)*\})*)`|'((?:[^'\\\n]|\\.)*)'/g),
  ]);
  const messages = literals.map(([, template, quoted]) =>
    (template ?? quoted!).replace(/\$\{(?:[^`{}]|`[^`]*`)*\}/g, '…'),
  );
  // A path that is put together is one thing to its reader.
  return messages.map((message) => message.replace(/(?:[\w/.-]*…)+(?:[\w/-]|\.\w)*/g, '…'));
}

/** Tells whether a message begins with a line, up to a word or a sign. */
function begins(message: string, line: string): boolean {
  const ends = [...message.matchAll(/[:,;.] | \(|\.?$/g)].map(({ index }) => message.slice(0, index));
  return ends.some((end) => matches(end, line));
}

function matches(message: string, line: string): boolean {
  if (message.replaceAll('…', '').length < 12) return false;
  const parts = message.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.+')}$`).test(line);
}
