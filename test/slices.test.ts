import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { defaultInWords, variables } from '../src/platform/settings/variables.js';

interface SourceFile {
  path: string;
  text: string;
}
interface Change {
  slice: string;
  path: string;
  table: string;
}
type Slices = Map<string, SourceFile[]>;
type Uses = Map<string, string[]>;

interface Analysis {
  readSlices: (options?: { and: string[] }) => Slices;
  usesOf: (slices: Slices) => Uses;
  cyclicSlices: (uses: Uses) => string[];
  graphOf: (uses: Uses) => string;
  ownersOf: (slices: Slices) => Map<string, string>;
  changesOf: (slices: Slices) => Change[];
}
const load = (script: string) => import(`../scripts/${script}`) as Promise<unknown>;
const { readSlices, usesOf, cyclicSlices, graphOf, ownersOf, changesOf } = (await load('slices.mjs')) as Analysis;
const { generatedParts } = (await load('generated-parts.mjs')) as {
  generatedParts: (
    settings: typeof variables,
    defaultOf: typeof defaultInWords,
  ) => { file: string; replaced: (text: string) => string }[];
};

const written = (slice: string, text: string): Slices => new Map([[slice, [{ path: `${slice}/a.ts`, text }]]]);

describe('slices', () => {
  test('use each other in one direction', () => {
    const uses = usesOf(readSlices());
    expect(uses.get('conversations')).toContain('consents');
    expect(cyclicSlices(uses)).toEqual([]);
  });

  test('in a cycle are found', () => {
    const slices: Slices = new Map([
      ['a', [{ path: 'a/a.ts', text: "import type { B } from '../b/b.js';" }]],
      ['b', [{ path: 'b/b.ts', text: "import { C } from '../c/c.js';" }]],
      ['c', [{ path: 'c/c.ts', text: "const { A } = await import('../a/a.js');" }]],
      ['d', [{ path: 'd/d.ts', text: "import { A } from '../a/a.js';\nimport { D } from './other.js';" }]],
    ]);
    expect(cyclicSlices(usesOf(slices))).toEqual(['a', 'b', 'c']);
  });

  test('are drawn without implied arrows', () => {
    const uses: Uses = new Map([
      ['a', ['b', 'c']],
      ['b', ['c']],
      ['c', []],
    ]);
    expect(graphOf(uses)).toBe('```mermaid\nflowchart TD\n    a --> b\n    b --> c\n```');
  });
});

describe('a table', () => {
  /** Locks that no method of the owner can take, with the reason. */
  const exceptions = [
    // The statement that gives a contact its first labels takes the lock that their foreign key takes anyway.
    'address-book locks label',
  ];

  test('is written and locked by one slice, which declares its entity, if any', () => {
    const slices = readSlices({ and: ['platform'] });
    const owners = ownersOf(slices);
    const changes = changesOf(slices);
    expect(changes.length).toBeGreaterThan(30);
    const foreign = changes.filter(
      ({ slice, table }) => owners.get(table) !== slice && !exceptions.includes(`${slice} locks ${table}`),
    );
    expect(foreign.map(({ path, table }) => `${path}: ${table}`)).toEqual([]);
  });

  test.each([
    ['an INSERT', 'query(`INSERT INTO thing (id) VALUES ($1)`)'],
    ['an UPDATE', 'query(`WITH one AS (SELECT 1)\n UPDATE thing SET id = 1`)'],
    ['a DELETE', "query('DELETE FROM thing WHERE id = $1')"],
    ['a lock', "query('SELECT FROM thing WHERE id = $1 FOR NO KEY UPDATE')"],
    ['a lock among joins', 'query(`SELECT FROM other JOIN thing USING (id) FOR UPDATE OF thing SKIP LOCKED`)'],
    ['an insert by entity', 'manager.insert(Thing, { id })'],
    ['a query builder', 'manager.createQueryBuilder().insert().into(Thing).values(row)'],
    ['a lock by entity', "manager.findOneOrFail(Thing, { where: { id }, lock: { mode: 'pessimistic_write' } })"],
  ])('counts as changed by %s', (_, code) => {
    const entity = "@Entity('thing')\nexport class Thing {}";
    const slices = new Map([...written('owner', entity), ...written('stranger', code)]);
    expect(changesOf(slices)).toEqual([{ slice: 'stranger', path: 'stranger/a.ts', table: 'thing' }]);
  });

  test('is not changed by reading', () => {
    const code = "query('SELECT id FROM thing FOR EACH'); manager.findOneBy(Thing, { id }); manager.find(Thing, {});";
    expect(changesOf(written('a', `@Entity('thing')\nexport class Thing {}\n${code}`))).toEqual([]);
  });
});

describe('the documents', () => {
  test.each(generatedParts(variables, defaultInWords))(
    'have the parts of $file that are written from the code',
    async ({ file, replaced }) => {
      const text = await readFile(file, 'utf8');
      // Stale? `npm run docs` writes it.
      expect(text).toBe(replaced(text));
    },
  );
});
