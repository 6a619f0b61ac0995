import { afterAll, beforeAll, test } from '@jest/globals';
import { Chance } from './chance.js';
import { Ordeal } from './ordeal.js';

type Misfortune = [title: string, happens: (ordeal: Ordeal) => Promise<void>];

const points = [
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
] as const;

export const endsOfTheService = points.map(([when, point]): Misfortune => [
  `the service was killed ${when}`,
  (ordeal) => ordeal.killAt(point),
]);

export const endsOfPostgres: Misfortune[] = [
  [
    'the service was killed together with PostgreSQL, while it stored messages',
    (ordeal) => ordeal.killAt('in-commit', { withPostgres: true }),
  ],
  ['PostgreSQL was killed under the running service', (ordeal) => ordeal.killPostgres()],
];

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
export const chance = new Chance(seed);

/** A test for each misfortune, one after the other on one installation. */
export function survive(misfortunes: Misfortune[]): void {
  let ordeal: Ordeal | undefined;
  let sound = true;

  beforeAll(async () => {
    ordeal = await Ordeal.begin(seed);
  });
  afterAll(async () => {
    if (!ordeal) return;
    process.stderr.write(`${ordeal.kills} kills survived, ${ordeal.messages} messages checked (seed ${seed})\n`);
    await ordeal.end();
  });

  test.each(misfortunes)('%s', async (_, happens) => {
    // Otherwise it would get the blame for the one before.
    if (!sound) throw new Error('an earlier misfortune was not survived');
    sound = false;
    await happens(ordeal!);
    await ordeal!.examine();
    sound = true;
  });
}
