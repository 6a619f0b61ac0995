import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { within } from '../../src/platform/deadline.js';
import { read } from '../support/booted-shop.js';
import { home, running, settings, shop, stopped } from '../support/home.js';
import { type Service, until } from '../support/installation.js';
import { stopInGoodOrder } from '../support/stopping.js';
import { expectStatus, password, unique } from '../support/world.js';

/** The built service as a process: it stops in good order whatever hangs, and goes on when PostgreSQL does. */

describe('stopping', () => {
  test('by SIGINT finishes work in progress, PostgreSQL last', () => stopInGoodOrder('SIGINT'));

  test('does not wait for clients without work in progress, or that will never finish', async () => {
    const service = await running();
    const idle = await service.dial('GET /api/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const upgrade =
      'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n' +
      'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
    const mute = await service.dial(upgrade);
    const half = await service.begin('POST', '/api/sessions', { username: shop.username, password });
    expect(await service.stop()).toMatchObject({ code: 0, stderr: '' });
    expect(home.postgresPid).toBeUndefined();
    half.drop();
    for (const socket of [idle, mute]) socket.destroy();
  });

  test('works during the start', async () => {
    await stopped();
    const service = home.spawn(settings);
    await until(() => home.postgresPid !== undefined, 'PostgreSQL runs');
    expect(await service.stop()).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(home.postgresPid).toBeUndefined();
  });

  test('works while the service restarts PostgreSQL', async () => {
    const service = await running();
    process.kill(home.postgresPid!, 'SIGKILL');
    await until(async () => (await service.ask('GET', '/api/health/ready')).status !== 200, 'PostgreSQL is missed');
    expect(await service.stop()).toMatchObject({ code: 0, signal: null });
    expect(home.postgresPid).toBeUndefined();
  });
});

describe('when PostgreSQL is halted and answers nothing', () => {
  /** It is told long before a statement is given up, after thirty seconds. */
  const readiness = (service: Service) => within(20_000, service.ask('GET', '/api/health/ready'), 'readiness');

  test('readiness reports it in time, sends are eventually refused, and all continues when PostgreSQL does', async () => {
    const service = await running();
    await shop.owner.connect();
    const content = { clientId: unique(), body: 'Ci siete?' };
    home.signalPostgres('SIGSTOP');
    try {
      const [one, ...others] = await Promise.all([1, 2, 3].map(() => readiness(service)));
      expect(one).toMatchObject({ status: 503, body: { detail: 'The database does not answer in time.' } });
      expect(others.map(({ status }) => status)).toEqual([503, 503]);
      expectStatus(await service.ask('GET', '/api/health/live'), 200);
      const { error } = await shop.owner.emit(
        'message.send',
        { conversationId: shop.conversationId, ...content },
        60_000,
      );
      expect(error).toMatchObject({ code: 'unavailable', status: 503, retryAfter: expect.any(Number) });
    } finally {
      home.signalPostgres('SIGCONT');
    }
    await until(async () => (await readiness(service)).status === 200, 'it is ready again');
    let sent: Awaited<ReturnType<typeof shop.owner.ask>>;
    const path = `/api/conversations/${shop.conversationId}/messages`;
    await until(
      async () => (sent = await shop.owner.ask('POST', path, content)).status < 300,
      'the same message is taken',
    );
    const stored = (await read(shop.anna, shop.conversationId)).filter(({ clientId }) => clientId === content.clientId);
    expect(stored).toEqual([expect.objectContaining({ seq: sent!.body.seq })]);
    shop.owner.disconnect();
  });
});

test('the service stops although an SMTP server has greeted it and then falls silent', async () => {
  await stopped();
  const greeted: Socket[] = [];
  const silent = createServer((socket) => void greeted.push(socket.on('error', () => {}))).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  silent.on('connection', (socket: Socket) => socket.write('220 mail.example ESMTP\r\n'));
  const { port } = silent.address() as AddressInfo;
  const service = await home.start({ ...settings, SMTP_URL: `smtp://127.0.0.1:${port}` });
  await until(() => greeted.length > 0, 'a mail is handed over');
  expect(await service.stop()).toMatchObject({ code: 0, signal: null, stderr: '' });
  for (const socket of greeted) socket.destroy();
  silent.close();
});
