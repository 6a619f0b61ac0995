import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DataSource, type QueryRunner } from 'typeorm';
import type { Party } from '../src/contract/events.js';
import {
  type AppendedRow,
  appendMessageStatement,
  appendStatement,
} from '../src/conversations/conversations.queries.js';
import { type Person, type Shop, unique, World } from './support/world.js';

/** A single message is stored by a shorter way than many at once, and by the same rules. */

let world: World;
let shop: Shop;
let anna: Person;
let memberId: string;
let runner: QueryRunner;

beforeAll(async () => {
  world = await World.shared();
  shop = await world.shop('bakery');
  anna = await world.join(shop, 'anna');
  [{ id: memberId }] = (await world.rows<{ id: string }>('SELECT id FROM member WHERE subscriber_id = $1', [
    shop.id,
  ])) as [{ id: string }];
  runner = world.service.app.get(DataSource).createQueryRunner();
});
afterAll(async () => {
  await runner.release();
  await world.close();
});

interface Draft {
  sender: Party;
  conversationId?: string;
  clientId?: string;
  digest?: Buffer;
  /** Versions that must have been accepted. */
  versions?: [contactPrivacy: number, subscriberTerms: number, subscriberPrivacy: number];
}

type Way = (draft: Required<Draft>) => Promise<AppendedRow[]>;

const alone: Way = ({ sender, conversationId, clientId, digest, versions }) =>
  runner.query(appendMessageStatement.text, [
    ...[shop.id, conversationId, sender, sender === 'subscriber' ? memberId : null, clientId],
    ...[digest, Buffer.from('sealed'), ...versions],
  ]);

const amongMany: Way = ({ sender, conversationId, clientId, digest, versions }) =>
  runner.query(appendStatement.text, [
    ...[[shop.id], [conversationId], [sender], [sender === 'subscriber' ? memberId : null], [clientId]],
    ...[[digest], [Buffer.from('sealed')], ...versions, false, [0], [], []],
  ]);

const states = [
  'SELECT * FROM message WHERE conversation_id = $1 ORDER BY seq',
  'SELECT * FROM conversation WHERE id = $1',
  'SELECT * FROM watermark WHERE conversation_id = $1 ORDER BY party',
  'SELECT * FROM watermark_move WHERE conversation_id = $1 ORDER BY party, minute',
];

/** Sends drafts one after the other, and gives the answers and what is stored; then everything is as before. */
async function outcomeOf(way: Way, drafts: Draft[], before: string[]) {
  await runner.startTransaction();
  try {
    for (const statement of before) await runner.query(statement.replaceAll('$1', `'${anna.contactId}'`));
    const answers: AppendedRow[][] = [];
    for (const draft of drafts) {
      const { conversationId = anna.contactId, clientId = unique(), digest = randomBytes(32) } = draft;
      answers.push(await way({ ...draft, conversationId, clientId, digest, versions: draft.versions ?? [1, 1, 1] }));
    }
    const stored: unknown[] = [];
    for (const state of states) stored.push(await runner.query(state, [anna.contactId]));
    return { answers, stored };
  } finally {
    await runner.rollbackTransaction();
  }
}

/** An outcome without its times, which differ from one call to the next. */
const withoutTimes = (outcome: unknown): unknown =>
  JSON.parse(JSON.stringify(outcome, (_, value: unknown) => (isTime(value) ? 'a time' : value)));
const isTime = (value: unknown) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value);

const [first, second] = [randomBytes(32), randomBytes(32)];
const fromAnna = (more: Partial<Draft> = {}): Draft => ({
  sender: 'interlocutor',
  clientId: 'uno',
  digest: first,
  ...more,
});
const fromShop = (more: Partial<Draft> = {}): Draft => ({
  sender: 'subscriber',
  clientId: 'due',
  digest: second,
  ...more,
});
const withdrawal = `
  CREATE FUNCTION withdraw() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN NEW.body := NULL; NEW.digest := NULL; NEW.changed := true; NEW.withdrawn_at := now(); RETURN NEW; END'`;
const restricted = `UPDATE conversation SET restricted_by_interlocutor = now() WHERE id = $1`;

const cases: [title: string, expected: AppendedRow['outcome'][], drafts: Draft[], before?: string[]][] = [
  ['a first message', ['stored'], [fromAnna()]],
  ['messages of one party', ['stored', 'stored'], [fromAnna(), fromAnna({ clientId: 'tre' })]],
  [
    'an answer, which counts as having seen',
    ['stored', 'stored', 'stored'],
    [fromAnna(), fromShop(), fromAnna({ clientId: 'tre' })],
  ],
  ['the same again', ['stored', 'repeated'], [fromAnna(), fromAnna()]],
  ['the same of the other party', ['stored', 'stored'], [fromAnna(), fromShop({ clientId: 'uno', digest: first })]],
  ['another text under a known id', ['stored', 'reused'], [fromAnna(), fromAnna({ digest: second })]],
  [
    'a withdrawn one again',
    ['stored', 'repeated'],
    [fromAnna(), fromAnna()],
    [withdrawal, 'CREATE TRIGGER withdraw BEFORE INSERT ON message FOR EACH ROW EXECUTE FUNCTION withdraw()'],
  ],
  [
    'a conversation that is not there',
    ['not_found'],
    [fromAnna({ conversationId: '01890000-0000-7000-8000-000000000000' })],
  ],
  ['a contact that has not accepted', ['consent_required'], [fromAnna({ versions: [99, 1, 1] })]],
  ['terms that the business has not accepted', ['consent_required'], [fromShop({ versions: [1, 99, 1] })]],
  ['a privacy policy that the business has not accepted', ['consent_required'], [fromShop({ versions: [1, 1, 99] })]],
  [
    'what only the other party has not accepted',
    ['stored', 'stored'],
    [fromAnna({ versions: [1, 99, 99] }), fromShop({ versions: [99, 1, 1] })],
  ],
  ['a known one that would be refused now', ['stored', 'repeated'], [fromAnna(), fromAnna({ versions: [99, 1, 1] })]],
  ['a restricted conversation', ['restricted', 'restricted'], [fromAnna(), fromShop()], [restricted]],
  ['a business that pauses', ['paused'], [fromAnna()], [`UPDATE subscriber SET paused_at = now()`]],
  [
    'a business that closes',
    ['closing'],
    [fromShop()],
    [`UPDATE subscriber SET closing_asked_at = now(), closes_at = now()`],
  ],
];

describe('alone and among many', () => {
  test.each(cases)('%s', async (_, expected, drafts, before = []) => {
    const one = await outcomeOf(alone, drafts, before);
    expect(one.answers.flat().map(({ outcome }) => outcome)).toEqual(expected);
    const many = await outcomeOf(amongMany, drafts, before);
    expect(withoutTimes(one)).toEqual(withoutTimes(many));
  });

  test.each([
    ['alone', alone],
    ['among many', amongMany],
  ])('%s, a conversation that another transaction has locked is deferred', async (_, way) => {
    const other = world.service.app.get(DataSource).createQueryRunner();
    await other.startTransaction();
    try {
      await other.query('SELECT FROM conversation WHERE id = $1 FOR NO KEY UPDATE', [anna.contactId]);
      const { answers } = await outcomeOf(way, [fromAnna()], []);
      expect(answers.flat()).toMatchObject([{ place: 1, outcome: 'deferred', seq: null }]);
    } finally {
      await other.rollbackTransaction();
      await other.release();
    }
  });
});
