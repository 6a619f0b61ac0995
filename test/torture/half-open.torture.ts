import { expect, jest, test } from '@jest/globals';
import { Realtime } from '../../src/platform/realtime/realtime.js';
import { rooms } from '../../src/platform/realtime/rooms.js';
import { until } from '../support/installation.js';
import { SilentDevice } from '../support/silent-device.js';
import { World } from '../support/world.js';
import { patience } from './length.js';

jest.setTimeout(patience);

test('a connection whose other end vanished is found within 45 seconds, and no other is cut', async () => {
  const world = await World.open();
  const bakery = await world.shop('bakery');
  const anna = await world.join(bakery, 'anna');
  const phone = await anna.device.connect();
  const tablet = await world.signIn(anna.username);
  const silent = await SilentDevice.connect(world, tablet);
  const { server } = world.service.app.get(Realtime);
  const socketsOf = async (sessionId: string) => (await server.in(rooms.ofSession(sessionId)).fetchSockets()).length;
  const connectedAt = Date.now();
  expect(await socketsOf(tablet.sessionId)).toBe(1);
  await until(async () => (await socketsOf(tablet.sessionId)) === 0, 'the silent device is found');
  expect(Date.now() - connectedAt).toBeLessThan(50_000);
  expect([phone.connected, await socketsOf(phone.sessionId)]).toEqual([true, 1]);
  silent.leave();
  await world.close();
});
