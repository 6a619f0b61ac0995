// Runs the example client in Python against a service of its own, and plays the business that it talks with.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { registrationOf } from '../test/support/names.ts';
import './build.mjs';

const root = join(import.meta.dirname, '..');
// A Python of one's own, first in PATH, does not see the packages of the system.
const python = ['python3', '/usr/bin/python3'].find(
  (each) => spawnSync(each, ['-c', 'import requests, socketio, websocket']).status === 0,
);
if (!python) {
  const packages = 'python3-socketio, python3-requests, python3-websocket';
  console.log(`Skipped: the example client in Python (needs python3 with ${packages}).`);
  process.exit(0);
}

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'colloquio-python-')));
if (process.getuid?.() === 0) chmodSync(folder, 0o755);
const probe = createServer().listen(0, '127.0.0.1');
await once(probe, 'listening');
const { port } = probe.address();
await new Promise((resolve) => probe.close(resolve));
const url = `http://127.0.0.1:${port}`;

const service = spawn(process.execPath, [join(root, 'dist/src/main.js')], {
  cwd: root,
  env: { PATH: process.env.PATH, DATA_DIR: join(folder, 'data'), PORT: String(port), LOG_LEVEL: 'error' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  await play();
  console.log('The example client in Python does what it shows.');
} finally {
  service.kill('SIGTERM');
  if (service.exitCode === null) await once(service, 'close');
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

async function play() {
  await heard(service.stdout, 'Colloquio is running.');
  const { items } = await ask('GET', '/api/policies/current?audience=subscriber');
  const { session } = await ask('POST', '/api/subscribers', registrationOf('bakery', 'forno.aurora', items));
  const owner = (method, path, body) => ask(method, path, body, session.token);
  const { code } = await owner('POST', '/api/invitations', { kind: 'open' });

  const client = spawn(python, ['-u', join(root, 'docs/examples/python/customer.py'), url, code], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await heard(client.stdout, 'away');
  const [head] = (await owner('GET', '/api/conversations')).items;
  for (const body of ['Buongiorno, fino alle 19.', 'A dopo!']) {
    await owner('POST', `/api/conversations/${head.id}/messages`, { clientId: body.replace(/\W/g, ''), body });
  }
  const ended = once(client, 'close');
  client.stdin.end('\n');
  const text = await all(client.stdout);
  const [status] = await ended;
  expect(status === 0, `the client ended with ${status}`);
  for (const line of [
    '1 interlocutor: Good morning, are you open today?',
    '2 subscriber: Buongiorno, fino alle 19.',
    '3 subscriber: A dopo!',
    'logged out',
  ]) {
    expect(text.includes(line), `the client did not print "${line}", but:\n${text}`);
  }
  const { other } = await owner('GET', `/api/conversations/${head.id}`);
  expect(other.seenSeq === 3, `the client has acknowledged up to ${other.seenSeq}, not 3`);
}

async function ask(method, path, body, token) {
  const answer = await fetch(url + path, {
    method,
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  expect(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.json();
}

/** Waits until a stream has said something; what comes later is kept for {@link all}. */
function heard(stream, words) {
  stream.setEncoding('utf8');
  stream.said ??= '';
  return new Promise((resolve, reject) => {
    stream.on('data', (text) => {
      stream.said += text;
      if (stream.said.includes(words)) resolve();
    });
    stream.once('end', () => reject(new Error(`it ended without "${words}":\n${stream.said}`)));
  });
}

async function all(stream) {
  if (!stream.readableEnded) await once(stream, 'end');
  return stream.said;
}

function expect(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}
