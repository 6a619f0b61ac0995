import { expect, jest, test } from '@jest/globals';
import { Chance } from '../crash/chance.js';
import { Ordeal } from '../crash/ordeal.js';
import { killPoints } from '../crash/orders.js';
import { minutes, patience, seed } from './length.js';

jest.setTimeout(patience);

/** An examination reads everything; with more kills on one installation it would do little else. */
const killsOfOne = 25;

test('no crash of the service or of PostgreSQL, at any point and however often, loses or doubles an acknowledged message', async () => {
  const chance = new Chance(seed);
  const deadline = Date.now() + minutes * 60_000;
  let [kills, messages] = [0, 0];
  while (Date.now() < deadline) {
    const ordeal = await Ordeal.begin(chance.between(0, 2 ** 31));
    try {
      while (ordeal.kills < killsOfOne && Date.now() < deadline) {
        await misfortune(ordeal, chance);
        await ordeal.examine();
      }
    } finally {
      kills += ordeal.kills;
      messages += ordeal.messages;
      process.stderr.write(`${kills} kills survived, ${messages} messages checked (seed ${seed})\n`);
      await ordeal.end();
    }
  }
  expect(kills).toBeGreaterThan(0);
});

async function misfortune(ordeal: Ordeal, chance: Chance): Promise<void> {
  const kind = chance.next();
  if (kind < 0.15) return ordeal.killPostgres();
  if (kind < 0.3) return ordeal.killAnytime({ withPostgres: chance.happens(0.5), again: chance.happens(0.5) });
  return ordeal.killAt(chance.among(killPoints), { withPostgres: chance.happens(0.3) });
}
