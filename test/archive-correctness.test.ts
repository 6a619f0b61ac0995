import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import snowball from 'snowball-stemmers';
import { fold } from '../src/platform/folding.js';
import { Chance } from './crash/chance.js';
import { type Device, expectStatus, type Person, type Shop, until, World } from './support/world.js';
import { vocabulary, zipfText } from './support/zipf.js';

/** A search finds all that a scan of the clear texts finds, and nothing else. */

/** Debian's package fortunes-it; .ci/run installs it where it can. */
const fortunes = '/usr/share/games/fortunes/it';
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const messagesGenerated = 500;
const fortunesSent = 300;
const sentAtOnce = 20;

let world: World;
beforeAll(async () => {
  world = await World.shared();
  process.stderr.write(`seed of the archive: ${seed}\n`);
});
afterAll(() => world.close());

interface Sent {
  person: Person;
  text: string;
  /** Its words, folded, and their stems. */
  words: string[];
  stems: Set<string>;
}

/** An archive of which everything is known in clear. */
class KnownArchive {
  readonly sent: Sent[] = [];

  constructor(
    readonly shop: Shop,
    readonly people: Person[],
  ) {}

  static async open(): Promise<KnownArchive> {
    const shop = await world.shop('bakery');
    const people = [await world.join(shop, 'anna'), await world.join(shop, 'bruno'), await world.join(shop, 'carla')];
    for (const device of [shop.owner, ...people.map((each) => each.device)]) await device.connect();
    return new KnownArchive(shop, people);
  }

  /** Sends texts and waits until they are in the index. */
  async send(texts: readonly string[], chance: Chance): Promise<void> {
    for (let first = 0; first < texts.length; first += sentAtOnce)
      await Promise.all(texts.slice(first, first + sentAtOnce).map((text) => this.sendOne(text, chance)));
    await until(async () => {
      const [row] = await world.rows<{ count: number }>(
        'SELECT count(*)::integer AS count FROM search_entry WHERE subscriber_id = $1',
        [this.shop.id],
      );
      return row!.count >= this.sent.length;
    }, 'everything is indexed');
  }

  private async sendOne(text: string, chance: Chance): Promise<void> {
    const person = chance.among(this.people);
    const device = chance.happens(0.5) ? person.device : this.shop.owner;
    await device.say(person.contactId, text);
    const words = wordsIn(text);
    this.sent.push({ person, text, words, stems: new Set(words.map(stem)) });
  }

  /** Says how a search compares with a scan of the clear texts. */
  async compare(reader: 'shop' | Person, asked: Asked): Promise<{ asked: string; missing: string[]; wrong: string[] }> {
    const device = reader === 'shop' ? this.shop.owner : reader.device;
    const own = this.sent.filter(({ person }) => reader === 'shop' || person === reader);
    const right = own.filter((each) => matches(each, asked)).map(({ text }) => text);
    const found = await searchAll(device, queryOf(asked));
    const rest = [...found];
    const missing = right.filter((text) => !rest.some((each, index) => each === text && rest.splice(index, 1)));
    return { asked: queryOf(asked), missing, wrong: rest };
  }
}

interface Asked {
  words: string[];
  phrase?: string[];
  without?: string;
}

const queryOf = ({ words, phrase, without }: Asked) =>
  [...words, ...(phrase ? [`"${phrase.join(' ')}"`] : []), ...(without ? [`-${without}`] : [])].join(' ');

const stemmer = snowball.newStemmer('italian');
const wordsIn = (text: string) =>
  fold(text)
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);
const stem = (word: string) => (word.length < 3 || /\d/.test(word) ? word : stemmer.stem(word));

/** The scan of a text in clear, by the words and stems in it alone. */
function matches({ words: there, stems }: Sent, { words, phrase, without }: Asked): boolean {
  return (
    words.every((word) => stems.has(stem(word))) &&
    (!phrase || ` ${there.join(' ')} `.includes(` ${phrase.join(' ')} `)) &&
    !(without && stems.has(stem(without)))
  );
}

/** The texts that a search finds, of all its pages. */
async function searchAll(device: Device, q: string): Promise<string[]> {
  const texts: string[] = [];
  let cursor: string | null = null;
  do {
    const answer = await device.ask(
      'POST',
      '/api/archive/searches',
      cursor ? { cursor, limit: 200 } : { q, limit: 200 },
    );
    expectStatus(answer, 200);
    for (const { conversationId, seq } of answer.body.items) texts.push(await textOf(device, conversationId, seq));
    cursor = answer.body.nextCursor;
  } while (cursor);
  return texts;
}

const known = new Map<string, string>();
async function textOf(device: Device, conversationId: string, seq: number): Promise<string> {
  const place = `${conversationId} ${seq}`;
  if (!known.has(place)) {
    const { body } = await device.ask('GET', `/api/conversations/${conversationId}/messages?around=${seq}&limit=200`);
    for (const item of body.items) known.set(`${conversationId} ${item.seq}`, item.body);
  }
  return known.get(place)!;
}

/** Searches of all kinds for what stands in the texts, and for what does not. */
function searchesFor(texts: readonly string[], chance: Chance, count: number): Asked[] {
  const pick = <Item>(items: readonly Item[]) => items[chance.between(0, items.length - 1)]!;
  const plain = () => wordsIn(pick(texts));
  const some = (number: number): string[] => {
    for (;;) {
      const words = plain();
      if (words.length >= number + 1) return Array.from({ length: number }, () => pick(words));
    }
  };
  const neighbours = (): string[] => {
    for (;;) {
      const words = wordsIn(pick(texts));
      if (words.length < 4) continue;
      const first = chance.between(0, words.length - 3);
      return words.slice(first, first + chance.between(2, 3));
    }
  };
  return Array.from({ length: count }, (_, number) => {
    switch (number % 6) {
      case 0:
        return { words: some(1) };
      case 1:
        return { words: some(2) };
      case 2:
        return { words: [...some(1), ...some(1)] };
      case 3:
        return { words: [], phrase: neighbours() };
      case 4:
        return { words: some(1), without: some(1)[0]! };
      default:
        return { words: some(1), phrase: neighbours() };
    }
  });
}

async function expectNoDifference(archive: KnownArchive, asked: readonly Asked[]): Promise<void> {
  const differing = [];
  for (const [index, each] of asked.entries()) {
    const reader = index % 3 === 2 ? archive.people[0]! : 'shop';
    const { missing, wrong, ...what } = await archive.compare(reader, each);
    if (missing.length > 0 || wrong.length > 0) differing.push({ ...what, missing, wrong });
  }
  expect(differing).toEqual([]);
}

describe('a search finds exactly what a scan of the clear texts finds', () => {
  test('in an Italian archive with realistic word frequencies', async () => {
    const chance = new Chance(seed);
    const archive = await KnownArchive.open();
    const words = vocabulary(chance, 3_000);
    const texts = Array.from({ length: messagesGenerated }, () => zipfText(chance, words));
    await archive.send(texts, chance);
    await expectNoDifference(archive, [...searchesFor(texts, chance, 40), { words: ['zzquagga'] }]);
  });

  (existsSync(fortunes) ? test : test.skip)('in the texts of the Debian package fortunes-it', async () => {
    const chance = new Chance(seed);
    const texts = readdirSync(fortunes)
      .filter((name) => !/\.(dat|u8)$/.test(name))
      .flatMap((name) => readFileSync(join(fortunes, name), 'utf8').split(/\n%\n/))
      .filter((text) => text.trim().length > 2 && text.length < 2_000 && !text.includes('�') && !text.includes('\0'));
    expect(texts.length).toBeGreaterThan(fortunesSent);
    const from = chance.between(0, texts.length - fortunesSent);
    const some = texts.slice(from, from + fortunesSent);
    const archive = await KnownArchive.open();
    await archive.send(some, chance);
    await expectNoDifference(archive, searchesFor(some, chance, 40));
  });
});
