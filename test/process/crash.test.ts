import { afterAll, beforeAll, describe, jest, test } from '@jest/globals';
import { Ordeal } from '../crash/ordeal.js';

/** Promise 3: killing the service or the database at any moment loses no acknowledged message and doubles none. */

jest.setTimeout(180_000);

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
let ordeal: Ordeal | undefined;

beforeAll(async () => {
  ordeal = await Ordeal.begin(seed);
});
afterAll(async () => {
  if (!ordeal) return;
  process.stderr.write(`${ordeal.kills} kills survived, ${ordeal.messages} messages checked (seed ${seed})\n`);
  await ordeal.end();
});

let sound = true;

/** Runs a misfortune, unless an earlier one was not survived, so that it gets no blame for that one. */
async function survive(misfortune: (ordeal: Ordeal) => Promise<void>): Promise<void> {
  if (!sound) throw new Error('an earlier misfortune was not survived');
  sound = false;
  await misfortune(ordeal!);
  await ordeal!.examine();
  sound = true;
}

describe('what was acknowledged is there once, and every device holds it, after', () => {
  test.each([
    ['before it stored messages', 'before-commit'],
    ['when messages were stored, before it knew', 'after-commit'],
    ['when messages were stored, before it acknowledged one', 'before-ack'],
    ['when it had just acknowledged a message', 'after-ack'],
    ['when the entries of a broadcast were made, before they were stored', 'in-chunk'],
    ['while it stored the entries of a broadcast', 'in-chunk-commit'],
    ['when the entries of a broadcast were stored, before anybody was told', 'after-chunk'],
    ['when it had read messages for the index, before that was stored', 'in-index'],
    ['while it stored the index of messages', 'in-index-commit'],
    ['when the index of messages was stored, before it knew', 'after-index'],
  ] as const)('the service was killed %s', (_, point) => survive((each) => each.killAt(point)));

  test('the service was killed together with PostgreSQL, while it stored messages', () =>
    survive((each) => each.killAt('in-commit', { withPostgres: true })));

  test('PostgreSQL was killed under the running service', () => survive((each) => each.killPostgres()));
});
