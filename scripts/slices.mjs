// Reads the slices of src: what each uses of the others, and which tables it writes and locks.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';

const src = join(import.meta.dirname, '../src');
const shared = ['commands', 'contract', 'platform'];

/** @returns the text of every file of every slice, and of the shared folders that are named, by the name of the slice */
export function readSlices({ and = [] } = {}) {
  const slices = new Map();
  for (const path of readdirSync(src, { recursive: true })) {
    const [slice, ...rest] = path.split(sep);
    if (rest.length === 0 || (shared.includes(slice) && !and.includes(slice)) || !/(?<!\.spec|\.d)\.ts$/.test(path))
      continue;
    if (!slices.has(slice)) slices.set(slice, []);
    slices.get(slice).push({ path: path.replaceAll(sep, '/'), text: readFileSync(join(src, path), 'utf8') });
  }
  return new Map([...slices].sort());
}

/** @returns the other slices that each slice imports from, types included, by its name */
export function usesOf(slices) {
  const uses = new Map();
  for (const [slice, files] of slices) {
    const used = files.flatMap(({ path, text }) =>
      [...text.matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(
        ([, name]) => normalize(join(dirname(path), name)).split(sep)[0],
      ),
    );
    uses.set(slice, [...new Set(used)].filter((name) => name !== slice && slices.has(name)).sort());
  }
  return uses;
}

/** @returns the slices that can be reached from a slice along what each uses */
function reachable(uses, slice, found = new Set()) {
  for (const used of uses.get(slice)) {
    if (found.has(used)) continue;
    found.add(used);
    reachable(uses, used, found);
  }
  return found;
}

/** @returns the slices that use each other, directly or through others */
export function cyclicSlices(uses) {
  return [...uses.keys()].filter((slice) => reachable(uses, slice).has(slice));
}

/** Draws what each slice uses. An arrow that others imply is left out. */
export function graphOf(uses) {
  const lines = [];
  for (const [slice, used] of uses) {
    const drawn = used.filter((name) => !used.some((other) => other !== name && reachable(uses, other).has(name)));
    if (drawn.length > 0) lines.push(`    ${slice} --> ${drawn.join(' & ')}`);
  }
  return ['```mermaid', 'flowchart TD', ...lines, '```'].join('\n');
}

/** @returns the table of each entity, and the slice whose file declares it */
export function entitiesOf(slices) {
  return [...slices].flatMap(([slice, files]) =>
    files.flatMap(({ text }) =>
      [...text.matchAll(/@Entity\('(\w+)'\)\s+export class (\w+)/g)].map(([, table, name]) => ({ slice, table, name })),
    ),
  );
}

const literals = /`[^`]*`|'[^'\n]*'/g;
const writes = /\b(?:INSERT INTO|DELETE FROM|UPDATE(?! OF\b| SKIP\b| NOWAIT\b))\s+([a-z]\w*)/g;
const locks = /\bFOR (?:NO KEY UPDATE|KEY SHARE|UPDATE|SHARE)(?: OF (\w+))?/g;
const entityWrites = /\.(?:insert|update|delete|upsert|save|remove|softDelete|into|from)\(\s*([A-Z]\w*)\b/g;
const entityLocks = /\.findO\w+\(\s*([A-Z]\w*), \{[^;]*?\block: /g;

/** @returns the tables that each file writes or locks rows of, in SQL or through TypeORM */
export function changesOf(slices) {
  const tables = new Map(entitiesOf(slices).map(({ name, table }) => [name, table]));
  return [...slices].flatMap(([slice, files]) =>
    files.flatMap(({ path, text }) => {
      const changed = new Set();
      for (const pattern of [entityWrites, entityLocks]) {
        for (const [, name] of text.matchAll(pattern)) if (tables.has(name)) changed.add(tables.get(name));
      }
      for (const [sql] of text.matchAll(literals)) {
        for (const [, table] of sql.matchAll(writes)) changed.add(table);
        for (const { 1: named, index } of sql.matchAll(locks)) {
          const read = [...sql.slice(0, index).matchAll(/\bFROM\s+([a-z]\w*)/g)].at(-1);
          changed.add(named ?? read?.[1]);
        }
      }
      return [...changed].filter(Boolean).map((table) => ({ slice, path, table }));
    }),
  );
}

/** @returns the slice that each table belongs to: the one that declares its entity, or else writes it */
export function ownersOf(slices) {
  const owners = new Map(entitiesOf(slices).map(({ slice, table }) => [table, slice]));
  for (const { slice, table } of changesOf(slices)) if (!owners.has(table)) owners.set(table, slice);
  return owners;
}

/** @returns a line for each slice that reads tables of others in SQL, with their names */
export function readsOf(slices) {
  const owners = ownersOf(slices);
  return [...slices].flatMap(([slice, files]) => {
    const read = new Set();
    for (const [sql] of files.flatMap(({ text }) => [...text.matchAll(literals)])) {
      for (const [, table] of sql.matchAll(/\b(?:FROM|JOIN|USING)\s+([a-z]\w*)/g)) {
        if (owners.has(table) && owners.get(table) !== slice) read.add(table);
      }
    }
    const names = [...read].sort().map((table) => `\`${table}\``);
    return names.length > 0 ? [`- \`${slice}\` reads ${names.join(', ')}`] : [];
  });
}
