import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import express, { type Response } from 'express';
import { compressAnswers, mayCompress } from './compression.js';

const open: Response[] = [];
const server = express()
  .use(compressAnswers())
  .get('/api/contacts/export', (_request, response) => {
    response.type('csv').write('name,'.repeat(10));
    (response as Response & { flush?: () => void }).flush?.();
    open.push(response);
  })
  .listen(0, '127.0.0.1');

beforeAll(async () => {
  if (!server.listening) await once(server, 'listening');
});
afterAll(() => void server.close());

async function download(): Promise<IncomingMessage> {
  const { port } = server.address() as AddressInfo;
  const asked = request({
    port,
    path: '/api/contacts/export',
    headers: { 'accept-encoding': 'br' },
    agent: false,
  }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.resume();
  return answer;
}

const encodings = (answers: IncomingMessage[]) => answers.map(({ headers }) => headers['content-encoding']);

test('only two answers are compressed at once, and the others are sent uncompressed', async () => {
  const answers = [await download(), await download(), await download()];
  expect(encodings(answers)).toEqual(['br', 'br', undefined]);
  for (const response of open) response.end();
  await Promise.all(answers.map((answer) => once(answer, 'close')));
  const [next] = [await download()];
  expect(encodings([next])).toEqual(['br']);
  open.at(-1)!.end();
  await once(next, 'close');
});

test.each([
  ['GET', '/api/conversations', true],
  ['GET', '/api/contacts?query=a', true],
  ['POST', '/api/contacts/search', true],
  ['GET', '/api/imports/1/report', true],
  ['POST', '/api/sessions', false],
  ['POST', '/api/subscribers', false],
  ['PATCH', '/api/me', false],
  ['GET', '/api/invitations', false],
  ['GET', '/API/Invitations/', false],
  ['GET', '/api/invitations?cursor=a', false],
  ['GET', '/api/invitations/by-code/a', false],
  ['GET', '/api/members', false],
  ['GET', '/api/imports/1/letters', false],
])('%s %s may be compressed: %j', (method, originalUrl, expected) => {
  expect(mayCompress({ method, originalUrl })).toBe(expected);
});
