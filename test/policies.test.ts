import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import ts from 'typescript';

/**
 * Every sentence of the policy texts, in both languages, with the tests that keep what it promises. The tables stand in
 * test/policies; a text that changes fails here until its table follows.
 */

/** A sentence as it stands in the text. */
interface Sentence {
  en: string;
  /** Empty where two English sentences are one in Italian. */
  it: string;
  /** Nothing, or something that people have to keep and no program can. */
  promises?: 'nothing' | 'people';
  /** Titles of the tests that keep it. */
  kept?: string[];
  /** Feature that it speaks of and the service does not have yet. */
  notYet?: string;
}

const documents = ['interlocutor/privacy', 'subscriber/privacy', 'subscriber/terms'];
const tables = new Map(
  documents.map((name) => [
    name,
    JSON.parse(readFileSync(`test/policies/${name.replace('/', '-')}.json`, 'utf8')) as Sentence[],
  ]),
);

/** The sentences of a text, without its head and the signs of Markdown. */
function sentencesOf(text: string): string[] {
  const lines = text.replace(/^---\n[\s\S]*?\n---\n/, '').split('\n');
  return lines
    .map((line) => line.replace(/^[#>\-\s]+/, '').trim())
    .filter(Boolean)
    .flatMap((line) => line.split(/(?<=[.!?:](?:\*\*)?)\s+(?=(?:\*\*)?[A-ZÀÈÉÌÒÙ{«])/));
}

const words = (sentences: readonly string[]) => sentences.join(' ').split(/\s+/);

function titlesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true }).flatMap((entry) => {
    if (!entry.isFile() || !/\.(test|long|spec)\.ts$/.test(entry.name)) return [];
    const source = ts.createSourceFile(
      'x.ts',
      readFileSync(join(entry.parentPath, entry.name), 'utf8'),
      ts.ScriptTarget.Latest,
    );
    const found: string[] = [];
    const look = (node: ts.Node): void => {
      if (ts.isCallExpression(node) && /^(test|describe)\b/.test(node.expression.getText(source))) {
        const [title] = node.arguments;
        if (title && ts.isStringLiteralLike(title)) found.push(title.text);
      }
      ts.forEachChild(node, look);
    };
    look(source);
    return found;
  });
}
const titles = new Set([...titlesIn('test'), ...titlesIn('src')]);

const versionsIn = (name: string) => readdirSync(`policies/${name}`).map((file) => Number(file.split('.')[0]));

describe.each(documents)('the text %s', (name) => {
  const table = tables.get(name)!;
  const text = (locale: 'en' | 'it') =>
    readFileSync(`policies/${name}/${Math.max(...versionsIn(name))}.${locale}.md`, 'utf8');

  test('has exactly the sentences of the table, in English and in Italian', () => {
    expect(table.map(({ en }) => en)).toEqual(sentencesOf(text('en')));
    expect(words(table.map(({ it }) => it).filter(Boolean))).toEqual(words(sentencesOf(text('it'))));
  });

  test('promises only what a test proves', () => {
    for (const sentence of table) {
      const said = [sentence.promises, sentence.kept, sentence.notYet].filter((each) => each !== undefined);
      expect({ sentence: sentence.en, said: said.length }).toEqual({ sentence: sentence.en, said: 1 });
      for (const title of sentence.kept ?? []) {
        expect({ sentence: sentence.en, title, exists: titles.has(title) }).toEqual({
          sentence: sentence.en,
          title,
          exists: true,
        });
      }
      if (sentence.kept) expect(sentence.kept.length).toBeGreaterThan(0);
    }
    expect(table.some(({ kept }) => kept !== undefined)).toBe(true);
  });
});

test('has few promises that wait for a feature, all of them listed', () => {
  const waiting = [...tables].flatMap(([name, table]) =>
    table.flatMap(({ en, notYet }) => (notYet === undefined ? [] : [`${notYet}: ${name}: ${en.slice(0, 90)}`])),
  );
  if (waiting.length > 0)
    process.stderr.write(`Promises of the policies not kept yet:\n  ${waiting.sort().join('\n  ')}\n`);
  expect(waiting.length).toBeLessThan(25);
});
