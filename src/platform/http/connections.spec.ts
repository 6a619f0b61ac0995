import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { limits } from '../../contract/limits.js';
import { boundConnections } from './connections.js';

const server = createServer((_request, response) => {
  const more = () => {
    while (response.write('x'.repeat(64 * 1024)));
  };
  response.on('drain', more);
  more();
});
boundConnections(server, undefined);

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test('an answer that the client does not read is cut after two minutes, and one that it reads is not', async () => {
  expect(server.timeout).toBe(limits.stalledSeconds * 1000);
  expect(server.keepAliveTimeout).toBe(75_000);
  server.timeout = 300;
  const ask = async (): Promise<[Socket, Socket]> => {
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {});
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    return [socket, (await accepted)[0]];
  };
  const [read, taken] = await ask();
  read.resume();
  const [unread, stalled] = await ask();
  unread.pause();
  await once(stalled, 'close');
  expect(taken.destroyed).toBe(false);
  for (const socket of [read, unread]) socket.destroy();
});
