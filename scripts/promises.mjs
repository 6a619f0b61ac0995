// Writes docs/promises.md, the index from promises to tests: npm run promises. With --check it only says whether it is fresh.
//
// A test file says in a comment which promises it holds: `/** Promise 3: … */` or `/** Promises 3 and 4: … */`, directly
// before a `describe` or `test` for that one alone, anywhere else for the whole file.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

const root = join(import.meta.dirname, '..');
const page = join(root, 'docs/promises.md');

const promises = [
  [
    'Isolation',
    'An interlocutor learns nothing about others, about businesses they are not linked to, or about anybody’s connection beyond what receipts disclose. What one may not see answers like what does not exist.',
  ],
  [
    'Consent first',
    'No contact exists without the acceptance of the policy in force, and promotions go only to those who said yes, checked again at the moment of sending.',
  ],
  [
    'Durability',
    'A message is acknowledged only after it is stored, once, and numbered without gaps. Killing the service or the database at any moment loses no acknowledged message and doubles none.',
  ],
  [
    'Delivery',
    'Every signed-in device of both parties gets every message and every change, live or at the next sync. What a device holds then equals a fresh load.',
  ],
  [
    'Nothing readable at rest',
    'No text that people write and nothing that identifies them stands in clear in the database, on disk, in logs, in jobs or in waiting mail.',
  ],
  [
    'Erasure',
    'Its key is destroyed first, so that what was erased is unreadable at once, also in dead rows, in the write-ahead log and in older backups.',
  ],
  [
    'Logout',
    'Once a logout has answered, that device hears nothing more; also when its session was ended from elsewhere, or has expired.',
  ],
  [
    'Attachments are private',
    'Only the two parties get the bytes, through an authenticated request that is checked every time.',
  ],
];

/** Additions to the names of files by their endings: the command that runs them, unless it is `npm test`. */
const runs = {
  'test.ts': '',
  'long.ts': ', in `npm run test:long`',
  'torture.ts': ', in `npm run test:torture`',
};

const tag = /^\/\*\*[\s*]*Promises? (\d(?:(?:, | and )\d)*)/;

/** The page as the tests have it now. */
export function indexOfPromises() {
  const held = promises.map(() => []);
  for (const path of testFiles('test')) {
    for (const [number, titles] of tagged(path)) held[number - 1].push([path, titles]);
  }
  const sections = promises.map(([name, text], index) => {
    const files = held[index].map(([path, titles]) => {
      const lines = titles.map((title) => `  - ${title}`).join('\n');
      const [, kind] = path.split(/\.(?=\w+\.ts$)/);
      return `- [${path}](../${path})${runs[kind]}\n${lines}`;
    });
    return `## ${index + 1}. ${name}\n\n${text}\n\n${files.join('\n') || 'No test yet: there is nothing that it is about.'}`;
  });
  const head =
    '# What is promised, and the tests that hold it\n\nWritten by `npm run promises` from the comments and titles in `test/`. `npm test` runs them, except where another command is named; `LONG=1 .ci/run` runs `npm test` and `npm run test:long`. Further tests are about what is not promised in these words.';
  return `${[head, ...sections].join('\n\n')}\n`;
}

function testFiles(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return testFiles(path);
      return /\.(test|long|torture)\.ts$/.test(path) ? [path] : [];
    });
}

/** The promises of a test file, each with the titles of the tests that hold it. */
function tagged(path) {
  const text = readFileSync(join(root, path), 'utf8');
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found = new Map();
  const all = source.statements.flatMap((statement) => titleOf(statement) ?? []);
  for (const statement of [...source.statements, source.endOfFileToken]) {
    const comments = ts.getLeadingCommentRanges(text, statement.getFullStart()) ?? [];
    comments.forEach(({ pos, end }, index) => {
      const [, numbers] = tag.exec(text.slice(pos, end)) ?? [];
      if (!numbers) return;
      const own = index === comments.length - 1 && !/\n\s*\n/.test(text.slice(end, statement.getStart()));
      const title = own ? titleOf(statement) : undefined;
      for (const number of numbers.match(/\d/g)) {
        if (number < 1 || number > promises.length) throw new Error(`${path}: there is no promise ${number}.`);
        found.set(number, [...(found.get(number) ?? []), ...(title ? [title] : all)]);
      }
    });
  }
  return found;
}

/** The title of a top-level `describe` or `test`, with or without `each`. */
function titleOf(statement) {
  if (!ts.isExpressionStatement(statement) || !ts.isCallExpression(statement.expression)) return undefined;
  const { expression, arguments: given } = statement.expression;
  if (!/^(describe|test)\b/.test(expression.getText())) return undefined;
  const [title] = given;
  return title && ts.isStringLiteralLike(title) ? title.text : undefined;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const now = indexOfPromises();
  if (!process.argv.includes('--check')) writeFileSync(page, now);
  else if (readFileSync(page, 'utf8') !== now) {
    console.error('docs/promises.md is stale: run npm run promises.');
    process.exitCode = 1;
  }
}
