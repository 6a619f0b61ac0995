import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EntityManager } from 'typeorm';
import { DataSource } from 'typeorm';
import type { Change, Consumer } from '../src/change-feed/consumers.js';
import { consumersInTurn, Feed } from '../src/change-feed/feed.js';
import { Log } from '../src/platform/log.js';
import { expectStatus, pause, type Person, type Shop, unique, until, World } from './support/world.js';

/** Work derived from messages sees every change, in order, whatever is lost and however many nodes there are. */

let world: World;
let shop: Shop;
let anna: Person;

beforeAll(async () => {
  world = await World.shared();
  shop = await world.shop('bakery');
  anna = await world.join(shop, 'anna');
});
afterAll(() => world.close());

/** A consumer that only remembers, on a node of its own. */
class Witness implements Consumer {
  readonly changes: Change[] = [];
  readonly broadcasts: string[] = [];
  failing = false;

  constructor(
    readonly name: string,
    readonly minInterval?: number,
  ) {}

  async see(_manager: EntityManager, changes: readonly Change[]): Promise<void> {
    if (this.failing) throw new Error('out of order');
    this.changes.push(...changes);
    await Promise.resolve();
  }

  async seeBroadcasts(_manager: EntityManager, broadcasts: readonly { id: string }[]): Promise<void> {
    this.broadcasts.push(...broadcasts.map(({ id }) => id));
    await Promise.resolve();
  }

  forget(): Promise<Record<string, never>> {
    return Promise.resolve({});
  }

  /** Revisions of a conversation, in the order in which they were seen. */
  revisions(conversationId: string): number[] {
    return this.changes.filter((change) => change.conversationId === conversationId).map(({ revision }) => revision);
  }
}

const quiet = new Log({ logLevel: 'silent' } as never);
const feedOf = (consumer: Consumer) => new Feed(consumer, world.service.app.get(DataSource), quiet);

async function say(person: Person, body: string): Promise<number> {
  const content = { clientId: unique(), body };
  const answer = await person.device.ask('POST', `/api/conversations/${person.contactId}/messages`, content);
  expectStatus(answer, 201);
  return answer.body.seq;
}

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** A hint of a message, as the service gives it right after the commit. */
const hintOf = (person: Person, seq: number, revision: number): Change => ({
  subscriberId: shop.id,
  conversationId: person.contactId,
  seq,
  revision,
  state: 'stored',
  sender: 'interlocutor',
  authorId: null,
  clientId: unique(),
  sentAt: new Date(),
  body: 'Ciao',
  files: [],
});

describe('a consumer', () => {
  test('that begins late sees all earlier messages, and withdrawn ones as withdrawn', async () => {
    const person = await world.join(shop, 'bruno');
    for (const body of ['Uno', 'Due', 'Tre']) await say(person, body);
    expectStatus(await person.device.ask('DELETE', `/api/conversations/${person.contactId}/messages/2`), 204);
    const witness = new Witness(`late ${unique()}`);
    const feed = feedOf(witness);
    feed.start();
    await until(() => witness.revisions(person.contactId).length >= 3, 'it has seen them');
    expect(witness.changes.filter(({ conversationId }) => conversationId === person.contactId)).toMatchObject([
      { seq: 1, revision: 1, state: 'stored' },
      { seq: 3, revision: 3, state: 'stored' },
      { seq: 2, revision: 4, state: 'withdrawn' },
    ]);
    await feed.end();
  });

  test('sees a message whose hint was lost before the later ones', async () => {
    const person = await world.join(shop, 'carla');
    const witness = new Witness(`gap ${unique()}`);
    const feed = feedOf(witness);
    feed.start();
    await until(() => feed.behindSeconds === 0, 'it is up to date');
    for (const body of ['Uno', 'Due', 'Tre']) await say(person, body);
    feed.hint(hintOf(person, 1, 1));
    feed.hint(hintOf(person, 3, 3));
    await until(() => witness.revisions(person.contactId).length >= 3, 'it has seen them');
    await until(() => feed.behindSeconds === 0, 'it is up to date');
    const seen = witness.revisions(person.contactId);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect([...new Set(seen)]).toEqual([1, 2, 3]);
    await feed.end();
  });

  test('that fails falls behind, and sees everything once it works again', async () => {
    const witness = new Witness(`failing ${unique()}`);
    witness.failing = true;
    const feed = feedOf(witness);
    feed.start();
    const seq = await say(anna, 'Ci sei?');
    feed.hint(hintOf(anna, seq, seq));
    await until(() => feed.behindSeconds > 0.2, 'it is behind');
    expect(witness.changes).toEqual([]);
    witness.failing = false;
    await until(() => witness.revisions(anna.contactId).includes(seq), 'it has seen it');
    await until(() => feed.behindSeconds === 0, 'it is up to date');
    await feed.end();
  });

  test('that can wait lets a batch grow', async () => {
    const person = await world.join(shop, 'bruno');
    await say(person, 'Uno');
    const witness = new Witness(`patient ${unique()}`, 120_000);
    const feed = feedOf(witness);
    witness.see = async (manager, changes) => {
      await Witness.prototype.see.call(witness, manager, changes);
      // While it is at the first one, another comes.
      if (witness.revisions(person.contactId).length === 1) feed.hint(hintOf(person, 2, 2));
    };
    feed.start();
    await until(() => witness.revisions(person.contactId).length > 0, 'it has seen the first one');
    await pause(400);
    expect(witness.revisions(person.contactId)).toEqual([1]);
    await feed.end();
  });

  test('is behind by its oldest change, not since changes began to come', async () => {
    const person = await world.join(shop, 'carla');
    const feed = feedOf(new Witness(`steady ${unique()}`));
    let last = 0;
    const since = performance.now();
    const coming = setInterval(() => feed.hint(hintOf(person, ++last, last)), 2);
    feed.start();
    await pause(2_000);
    const behind = feed.behindSeconds;
    const passed = (performance.now() - since) / 1000;
    clearInterval(coming);
    await feed.end();
    expect(behind).toBeLessThan(passed / 2);
  });

  test('has its turn after the others of its process', async () => {
    const person = await world.join(shop, 'carla');
    let [atWork, most] = [0, 0];
    const sawIt = new Set<string>();
    const turns = consumersInTurn();
    const feeds = [1, 2, 3].map((number) => {
      const witness = new Witness(`turn ${number} ${unique()}`);
      witness.see = async (_manager, changes) => {
        most = Math.max(most, ++atWork);
        await pause(50);
        atWork--;
        if (changes.some(({ conversationId }) => conversationId === person.contactId)) sawIt.add(witness.name);
      };
      return new Feed(witness, world.service.app.get(DataSource), quiet, turns);
    });
    for (const feed of feeds) feed.start();
    for (const feed of feeds) feed.hint(hintOf(person, 1, 1));
    await until(() => sawIt.size === 3, 'all have seen it');
    expect(most).toBe(1);
    await Promise.all(feeds.map((feed) => feed.end()));
  });

  test('on several nodes sees every change once, those of a conversation in their order', async () => {
    const person = await world.join(shop, 'osteria');
    const name = `nodes ${unique()}`;
    const witnesses = [new Witness(name), new Witness(name), new Witness(name)];
    // In the order in which they commit, because that is when they count.
    const order: number[] = [];
    for (const witness of witnesses) {
      const see = witness.see.bind(witness);
      witness.see = async (manager, changes) => {
        await see(manager, changes);
        order.push(
          ...changes.flatMap(({ conversationId, revision }) => (conversationId === person.contactId ? revision : [])),
        );
      };
    }
    const feeds = witnesses.map(feedOf);
    for (const feed of feeds) feed.start();
    for (let count = 1; count <= 40; count++) {
      const seq = await say(person, `Messaggio ${count}`);
      // Any node may have stored it, and now and then the hint is lost.
      if (count % 5) feeds[count % 3]!.hint(hintOf(person, seq, seq));
    }
    await until(() => order.length >= 40, 'all are seen');
    await until(() => feeds.every(({ behindSeconds }) => behindSeconds === 0), 'all are up to date');
    expect(order).toEqual(upTo(40));
    await Promise.all(feeds.map((feed) => feed.end()));
  });

  /** Transactions that are open hold back what is seen, also those of the service itself: waits until they have ended. */
  async function earlierTransactionsEnd(): Promise<void> {
    const [{ now }] = (await world.rows<{ now: string }>('SELECT clock_timestamp()::text AS now')) as [{ now: string }];
    const open = `SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND xact_start <= $1 AND datname = current_database()`;
    await until(async () => (await world.rows(open, [now])).length === 0, 'transactions end');
  }

  test('sees everything again after starting over', async () => {
    await earlierTransactionsEnd();
    const witness = new Witness(`anew ${unique()}`);
    const feed = feedOf(witness);
    await feed.catchUp();
    const before = witness.revisions(anna.contactId);
    expect(before.length).toBeGreaterThan(0);
    await feed.catchUp();
    expect(witness.revisions(anna.contactId)).toEqual(before);
    await feed.startOver();
    await feed.catchUp();
    expect(witness.revisions(anna.contactId)).toEqual([...before, ...before]);
  });

  test('sees a broadcast once, and none of its entries', async () => {
    const florist = await world.shop('florist');
    const person = await world.join(florist, 'anna');
    const answer = await florist.owner.ask('POST', '/api/broadcasts', {
      clientId: unique(),
      kind: 'service',
      reason: 'closure',
      body: 'Chiusi lunedì',
      audience: { all: true },
    });
    expectStatus(answer, 202);
    await until(async () => {
      const { body } = await florist.owner.ask('GET', `/api/broadcasts/${answer.body.id}`);
      return body.state === 'finished';
    }, 'the broadcast ends');
    await earlierTransactionsEnd();
    const witness = new Witness(`broadcasts ${unique()}`);
    const feed = feedOf(witness);
    await feed.catchUp();
    await feed.catchUp();
    expect(witness.broadcasts.filter((id) => id === answer.body.id)).toHaveLength(1);
    expect(witness.revisions(person.contactId)).toEqual([]);
    // A message after it is seen although the entry before it was passed over.
    const content = { clientId: unique(), body: 'Grazie' };
    expectStatus(await person.device.ask('POST', `/api/conversations/${person.contactId}/messages`, content), 201);
    await earlierTransactionsEnd();
    await feed.catchUp();
    expect(witness.revisions(person.contactId)).toEqual([2]);
  });
});
