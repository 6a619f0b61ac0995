import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { answerUnreadable } from './unreadable-requests.js';

const server = createServer({ connectionsCheckingInterval: 20 }, (request, response) => {
  if (request.url === '/begun') response.write('begun');
  request.on('error', () => {});
});
server.headersTimeout = 100;
server.requestTimeout = 100;
answerUnreadable(server);

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => void server.close());

async function answerTo(bytes: string): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write(bytes);
  return text(socket).catch(() => '');
}

test.each([
  'GET / HTTP/1.1\r\nHost: localhost\r\n',
  'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{',
])('what takes too long to come in is answered with a problem: %j', async (half) => {
  const [head, body] = (await answerTo(half)).split('\r\n\r\n');
  expect(head).toMatch(/^HTTP\/1\.1 408 .*application\/problem\+json/s);
  expect(JSON.parse(body!)).toMatchObject({ status: 408, code: 'request_timeout' });
});

test('no problem is written in the middle of another answer', async () => {
  const answer = await answerTo('POST /begun HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{');
  expect(answer).toMatch(/^HTTP\/1\.1 200 .*begun\r\n$/s);
});
