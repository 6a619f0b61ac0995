import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { limits } from '../src/contract/limits.js';
import { Realtime } from '../src/platform/realtime/realtime.js';
import { rooms } from '../src/platform/realtime/rooms.js';
import { Client, plain } from './support/client.js';
import { PollingDevice } from './support/polling-device.js';
import { SilentDevice } from './support/silent-device.js';
import { type Person, type Shop, until, World } from './support/world.js';

/** Promise 4: devices that do not keep up: they cost the service little, hold up nobody, and lose nothing. */

let world: World;
let bakery: Shop;
let anna: Person;

beforeAll(async () => {
  world = await World.shared();
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
  await bakery.owner.connect();
});
afterAll(() => world.close());

const pages = { heads: 10, messages: 100 };

/** Number of sockets of a device that the service holds. */
const socketsOf = async ({ sessionId }: { sessionId: string }) =>
  (await world.service.app.get(Realtime).server.in(rooms.ofSession(sessionId)).fetchSockets()).length;

test('a device that reads nothing is cut when too much data waits for it, and catches up when it reconnects', async () => {
  const phone = await anna.device.connect();
  const tablet = await (await world.signIn(anna.username)).connect();
  const client = await new Client(tablet, 'interlocutor', pages).load();
  tablet.disconnect();
  const silent = await SilentDevice.connect(world, tablet);
  expect(await socketsOf(tablet)).toBe(1);
  silent.stopReading();

  const body = '🥐'.repeat(limits.messageLength);
  const bytes = Buffer.byteLength(body);
  let sent = 0;
  // What the operating system takes for the device is not counted; it is a few times the limit at most.
  while ((await socketsOf(tablet)) > 0 && sent * bytes < 20 * limits.socketBytesWaiting) {
    await Promise.all(Array.from({ length: 10 }, () => bakery.owner.say(anna.contactId, body)));
    sent += 10;
  }
  expect(await socketsOf(tablet)).toBe(0);
  expect(sent * bytes).toBeGreaterThan(limits.socketBytesWaiting);
  silent.leave();

  await phone.hears('message.sent', ({ seq }) => seq === sent);
  await tablet.connect();
  await client.catchUp();
  const fresh = await new Client(tablet, 'interlocutor', pages).load();
  expect(client.held.messages.get(anna.contactId)!.size).toBe(sent);
  expect(plain(client.held)).toEqual(plain(fresh.held));
});

test('waiting data is counted in bytes', async () => {
  const polling = await PollingDevice.connect(world, await world.signIn(anna.username));
  // Four bytes each, and two units of a string.
  const body = '🥐'.repeat(limits.messageLength);
  const bytes = Buffer.byteLength(body);
  const fits = Math.floor(limits.socketBytesWaiting / (bytes + 1_000));
  for (let sent = 0; sent < fits; sent++) await bakery.owner.say(anna.contactId, body);
  expect(await socketsOf(polling)).toBe(1);
  for (let sent = fits * bytes; sent <= limits.socketBytesWaiting; sent += bytes) {
    await bakery.owner.say(anna.contactId, body);
  }
  await until(async () => (await socketsOf(polling)) === 0, 'it is cut');
  expect((await polling.poll()).status).toBe(400);
});
