import { expect } from '@jest/globals';
import type pg from 'pg';
import { io } from 'socket.io-client';
import { read } from './booted-shop.js';
import { home, running, shop } from './home.js';
import { isRunning, until } from './installation.js';
import { password, unique } from './world.js';

/** Stops the service by a signal while messages and requests are under way, and finds them finished. */
export async function stopInGoodOrder(signal: 'SIGTERM' | 'SIGINT'): Promise<void> {
  const service = await running();
  const postgres = home.postgresPid!;
  expect(isRunning(postgres)).toBe(true);
  await shop.owner.connect();
  const phone = io(service.url, {
    auth: { token: shop.anna.token },
    transports: ['websocket'],
    reconnectionDelay: 50,
  });
  await until(() => phone.connected, 'a phone is connected');
  const signIn = await service.begin('POST', '/api/sessions', { username: shop.username, password });
  const body = `Fino alla fine, ${signal}`;
  let sent: Promise<{ data?: { seq: number } }>;
  await home.onPostgres(async (client) => {
    await client.query('BEGIN');
    await client.query('LOCK TABLE message IN SHARE MODE');
    sent = shop.owner.emit('message.send', { conversationId: shop.conversationId, clientId: unique(), body });
    await until(() => waitsForLock(client), 'the message waits in the database');
    service.signal(signal);
    await until(async () => !(await service.listens()), 'nobody new comes in');
    expect(service.isRunning).toBe(true);
    await client.query('COMMIT');
  });

  expect((await sent!).data).toMatchObject({ seq: expect.any(Number) });
  expect(await signIn.finish()).toBe(201);
  expect(await service.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(service.stdout).toMatch(/Colloquio has stopped\.\n$/);
  expect(isRunning(postgres)).toBe(false);

  await running();
  expect((await read(shop.anna, shop.conversationId)).at(-1)).toMatchObject({ body });
  await until(() => phone.connected, 'the phone comes back by itself');
  phone.close();
}

async function waitsForLock(client: pg.Client): Promise<boolean> {
  const { rowCount } = await client.query(`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`);
  return rowCount === 1;
}
