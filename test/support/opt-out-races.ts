import { expect } from '@jest/globals';
import { BroadcastRuns } from '../../src/broadcasts/broadcast-runs.service.js';
import { Chance } from '../crash/chance.js';
import { expectStatus, pause, type Person, unique, World } from './world.js';

/** A no is counted together with the yes of the next round, and an account may give and withdraw so many in an hour. */
const roundsAtMost = 25;

/**
 * Withdraws the consent to promotions this many times while a promotional broadcast is being sent. Nothing is sent after the
 * answer to a no: each person has at the end what it had when it was answered.
 */
export async function raceOptOuts(times: number, persons: number): Promise<{ sent: number; spared: number }> {
  const rounds = Math.ceil(times / persons);
  expect(rounds).toBeLessThanOrEqual(roundsAtMost);
  const world = await World.shared();
  const shop = await world.shop('bakery');
  const people: Person[] = [];
  for (let index = 0; index < persons; index++) people.push(await world.join(shop, 'bruno', { promotions: true }));
  const [policy] = (
    await people[0]!.device.ask('GET', `/api/policies/current?audience=interlocutor&contactId=${people[0]!.contactId}`)
  ).body.items;
  const consent = async ({ device, contactId }: Person, given: boolean) => {
    const saying = { policyId: policy.id, purpose: 'promotions', given, contactId };
    expectStatus(await device.ask('POST', '/api/consents', saying), 204);
  };
  const entriesOf = async (id: string, { contactId }: Person) => {
    const entries = await world.rows('SELECT FROM message WHERE broadcast_id = $1 AND conversation_id = $2', [
      id,
      contactId,
    ]);
    return entries.length;
  };
  const runs = world.service.app.get(BroadcastRuns);
  const chance = new Chance(Date.now() % 2 ** 31);
  const counts = { sent: 0, spared: 0 };
  for (let round = 0; round < rounds; round++) {
    const content = { clientId: unique(), kind: 'promotional', body: 'Oggi focaccia', audience: { all: true } };
    const later = new Date(Date.now() + 86_400_000).toISOString();
    const made = await shop.owner.ask('POST', '/api/broadcasts', { ...content, sendAt: later });
    expectStatus(made, 202);
    const { id } = made.body;
    // The service compares with its own clock, in whole milliseconds.
    await world.rows("UPDATE broadcast SET send_at = now() - interval '1 second' WHERE id = $1", [id]);
    // As its job does, without waiting for the job's turn.
    const sending = runs.proceed();
    const entries = await Promise.all(
      people.map(async (person) => {
        await pause(chance.between(0, 60));
        await consent(person, false);
        return entriesOf(id, person);
      }),
    );
    await sending;
    expect((await shop.owner.ask('GET', `/api/broadcasts/${id}`)).body.state).toBe('finished');
    for (const [index, person] of people.entries()) {
      expect({ round, index, entries: await entriesOf(id, person) }).toEqual({ round, index, entries: entries[index] });
      counts[entries[index] ? 'sent' : 'spared']++;
    }
    await Promise.all(people.map((person) => consent(person, true)));
  }
  return counts;
}
