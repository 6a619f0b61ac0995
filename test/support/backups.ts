import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { backUp } from '../../src/commands/backing-up.js';
import { restore } from '../../src/commands/restoring.js';
import { run } from './commands.js';
import { type Device, expectStatus, type Person, type Shop, unique, World } from './world.js';

/** An installation that is backed up, and others that it is restored to; for the file that imports it. */

export let world: World;
export let bakery: Shop;
export let anna: Person;
export let bruno: Person;
/** The folder of the backups, whose name has spaces. */
export let folder: string;
export let rest: string;

beforeAll(async () => {
  rest = await mkdtemp(join(tmpdir(), 'colloquio backups '));
  folder = join(rest, 'copie di riserva');
  world = await World.open();
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna', { promotions: true });
  bruno = await world.join(bakery, 'bruno', { promotions: true });
});
afterAll(async () => {
  await world.close();
  await rm(rest, { recursive: true, force: true });
});

export const back = (into = folder, ...more: string[]) => run(backUp, world.environment, into, ...more);
const databases = (of = folder) => readdir(join(of, 'databases'));
export const names = async (of = folder) => (await databases(of)).sort();
export const said = (name: string, output: { stdout: string }) =>
  Number(new RegExp(`${name}: (\\d+)`).exec(output.stdout)?.[1]);

export async function backedUp(into = folder, ...more: string[]) {
  const made = await back(into, ...more);
  expect(made).toMatchObject({ code: 0, stderr: '' });
  return made;
}

/** A new installation with the right master key, on which a service has been started once. */
export async function elsewhere(masterKeyOf: World | null = world): Promise<World> {
  const target = await World.open();
  await target.stop();
  if (masterKeyOf) await cp(keyFile(masterKeyOf, 'master.key'), keyFile(target, 'master.key'));
  return target;
}

export const keyFile = ({ dataDir }: World, name: string) => join(dataDir, 'keys', name);
export const restoreTo = (target: World, from = folder, ...more: string[]) =>
  run(restore, target.environment, from, ...more);

export async function restoredTo(target: World, from = folder, ...more: string[]) {
  const restored = await restoreTo(target, from, ...more);
  expect(restored).toMatchObject({ code: 0, stderr: '' });
  return restored;
}

export const messages = (person: Person) => `/api/conversations/${person.contactId}/messages`;

export async function say(device: Device, person: Person, content: Record<string, unknown>): Promise<number> {
  const answer = await device.ask('POST', messages(person), { clientId: unique(), body: '', ...content });
  expectStatus(answer, 201);
  return answer.body.seq as number;
}

/** The answers that somebody gets who looks at everything, without the times at which that is. */
export async function answers(device: Device, person: Person) {
  const paths = ['/api/me', '/api/conversations', `${messages(person)}?after=0&limit=200`, '/api/consents'];
  const bodies = [];
  for (const path of paths) {
    const answer = await device.ask('GET', path);
    expectStatus(answer, 200);
    const { syncedAt: _, ...body } = answer.body;
    bodies.push(body);
  }
  return bodies;
}
