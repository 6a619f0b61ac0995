import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import express from 'express';
import { builtFiles } from './built-files.js';

let folder: string;
let server: Server;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'colloquio-built-'));
  await mkdir(join(folder, 'assets'));
  const files = { 'index.html': 'a page', 'assets/a.js': 'plain', 'assets/a.js.br': 'br', 'assets/a.js.gz': 'gz' };
  const gone = { 'assets/gone.js': 'gone', 'assets/gone.js.br': 'gone' };
  for (const [name, text] of Object.entries({ ...files, ...gone, '.secret': 'no' }))
    await writeFile(join(folder, name), text);
  const serve = builtFiles(folder, (path) => ({ 'Cache-Control': path }));
  const app = express();
  app.use((request, response, next) => serve(request, response, request.path, next));
  app.use((_request, response) => void response.status(404).send('nothing'));
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

interface Got {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** Asks without changing the path, as a client of its own making may. */
async function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Got> {
  const asked = request({ port: (server.address() as AddressInfo).port, path, headers, method }).end();
  const [answer] = await once(asked, 'response');
  let text = '';
  for await (const piece of answer) text += String(piece);
  return { status: answer.statusCode, headers: answer.headers, text };
}

test.each([
  ['gzip, deflate, br', 'br', 'br'],
  ['gzip', 'gzip', 'gz'],
  ['br;q=0, gzip', 'gzip', 'gz'],
  ['identity', undefined, 'plain'],
  ['', undefined, 'plain'],
])('a client that takes "%s" gets the form in %s', async (accepted, encoding, text) => {
  const answer = await get('/assets/a.js', { 'accept-encoding': accepted });
  expect(answer).toMatchObject({ status: 200, text });
  expect(answer.headers['content-encoding']).toBe(encoding);
  expect(answer.headers['content-type']).toMatch(/^(text|application)\/javascript/);
  expect(answer.headers).toMatchObject({ vary: 'Accept-Encoding', 'cache-control': '/assets/a.js' });
});

test('an unchanged file is not sent again, and HEAD sends no content', async () => {
  const { headers } = await get('/index.html');
  expect(await get('/index.html', { 'if-none-match': headers['etag']! })).toMatchObject({ status: 304, text: '' });
  expect(await get('/index.html', {}, 'HEAD')).toMatchObject({ status: 200, text: '' });
});

test.each(['bytes=10-5', 'bytes=abc', 'bytes=-5', 'bytes=999-', 'bytes=0-0,2-3'])(
  'the range %s is answered with the whole file',
  async (range) => {
    expect(await get('/index.html', { range })).toMatchObject({ status: 200, text: 'a page' });
  },
);

test.each([
  '/',
  '/assets',
  '/assets/',
  '/.secret',
  '/assets/a.js.br',
  '/../package.json',
  '/%2e%2e/package.json',
  '/%',
])('%s is no file', async (path) => {
  expect(await get(path)).toMatchObject({ status: 404, text: 'nothing' });
});

test('a file removed by a new build is not found, and the service continues', async () => {
  await rm(join(folder, 'assets/gone.js'));
  await rm(join(folder, 'assets/gone.js.br'));
  for (const accepted of ['br', 'identity']) {
    const answer = await get('/assets/gone.js', { 'accept-encoding': accepted });
    expect(answer).toMatchObject({ status: 404, text: 'nothing' });
    expect(answer.headers['content-encoding']).toBeUndefined();
  }
});
