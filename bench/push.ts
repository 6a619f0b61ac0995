import { createECDH, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { loadConfig } from '../src/platform/config.js';
import { Vault } from '../src/platform/vault/vault.js';
import { type SealedSubscription, subscriptionContext } from '../src/push/sealed-subscription.js';
import { type RunningService, startService } from '../src/service.js';
import { password, registrationOf } from '../test/support/names.js';

/**
 * Costs of notifications: the time from the end of the wait to the hand-over, sends with them and without, and memory with many
 * devices. `npm run bench:push`, with the numbers of people, messages and devices as arguments.
 */

const [people = 100, messages = 5_000, devices = 100_000] = process.argv.slice(2).map(Number);
const waitSeconds = 1;
const sendersAtOnce = 16;

const support = (name: string) => join(import.meta.dirname, '../test/support', name);
const certificate = support('tests-only.cert.pem');

/** A push service that takes everything, and notes when. */
class Taker {
  readonly taken = new Map<string, number>();
  pushes = 0;
  private readonly keys = createECDH('prime256v1');
  private readonly server = createServer(
    { cert: readFileSync(certificate), key: readFileSync(support('tests-only.key.pem')) },
    (request, response) => {
      this.pushes++;
      this.taken.set(request.url!, Date.now());
      request.resume().once('end', () => response.writeHead(201).end());
    },
  );

  async open(): Promise<void> {
    this.keys.generateKeys();
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  subscription(path: string): SealedSubscription {
    const { port } = this.server.address() as AddressInfo;
    return {
      endpoint: `https://localhost:${port}${path}`,
      keys: { p256dh: this.keys.getPublicKey('base64url'), auth: randomBytes(16).toString('base64url') },
    };
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

interface Somebody {
  token: string;
  /** The id of the interlocutor. */
  id: string;
  contactId: string;
}

async function main(): Promise<void> {
  const [cpu] = cpus();
  console.log(
    `Node ${process.version}, ${cpus().length} × ${cpu!.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB\n`,
  );
  const dataDir = await mkdtemp(join(tmpdir(), 'colloquio-bench-'));
  const taker = new Taker();
  await taker.open();
  const service = await startService(
    loadConfig({
      ...{ DATA_DIR: dataDir, PORT: '0', REGISTRATION: 'open', LOG_LEVEL: 'error', PUSH_TEST_CA: certificate },
      ...{ PUSH_WAIT_SECONDS: String(waitSeconds), RATE_MESSAGES: '1000000', RATE_JOIN: '1000000' },
    }),
  );
  try {
    const shop = await register(service);
    const all: Somebody[] = [];
    for (let index = 0; index < people; index++) all.push(await joined(service, shop, index));
    const before = await rate(service, shop, all);
    for (const { token, contactId } of all) {
      await ask(service, 'POST', '/api/push-subscriptions', token, taker.subscription(`/${contactId}`));
    }
    const after = await rate(service, shop, all);
    console.log(`sends without notifications   ${before.toFixed(0)} a second`);
    console.log(
      `sends with notifications      ${after.toFixed(0)} a second (${(after / before).toFixed(2)}, mark at least 0.9)`,
    );
    await latency(service, shop, all, taker);
    await memory(service, shop, all[0]!, taker);
  } finally {
    await service.stop();
    await taker.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Messages stored in a second, of some senders at once. */
async function rate(service: RunningService, shop: string, all: Somebody[]): Promise<number> {
  const began = performance.now();
  let next = 0;
  const sender = async () => {
    while (next < messages) await say(service, shop, all[next++ % all.length]!);
  };
  await Promise.all(Array.from({ length: sendersAtOnce }, sender));
  return messages / ((performance.now() - began) / 1000);
}

/** Time from the end of the wait to the hand-over, with one message for each person, twenty a second. */
async function latency(service: RunningService, shop: string, all: Somebody[], taker: Taker): Promise<void> {
  // All that was sent before is told, and then read, so that each of these is told at once.
  await quiet(taker);
  for (const { token, contactId } of all) {
    const { lastSeq } = await ask<{ lastSeq: number }>(service, 'GET', `/api/conversations/${contactId}`, token);
    await ask(service, 'PUT', `/api/conversations/${contactId}/receipt`, token, { seenSeq: lastSeq });
  }
  taker.taken.clear();
  const due = new Map<string, number>();
  for (const somebody of all) {
    await say(service, shop, somebody);
    due.set(`/${somebody.contactId}`, Date.now() + waitSeconds * 1000);
    await sleep(50);
  }
  while (taker.taken.size < all.length) await sleep(50);
  const late = [...due].map(([path, at]) => taker.taken.get(path)! - at).sort((a, b) => a - b);
  const at = (share: number) => late[Math.min(late.length - 1, Math.floor(late.length * share))]!;
  console.log(`hand-over after the wait      p50 ${at(0.5)} ms, p95 ${at(0.95)} ms (mark at most 1,000 ms)`);
}

/** Memory while every one of many devices of a person is told. */
async function memory(service: RunningService, shop: string, somebody: Somebody, taker: Taker): Promise<void> {
  const database = service.app.get(DataSource);
  const vault = service.app.get(Vault);
  const [account] = await database.query<[{ id: string }]>('SELECT account_id AS id FROM interlocutor WHERE id = $1', [
    somebody.id,
  ]);
  for (let made = 0; made < devices; made += 1_000) {
    const ids = Array.from({ length: Math.min(1_000, devices - made) }, () => uuid());
    const sealed = await vault.sealMany(
      'interlocutor',
      ids.map((id) => ({
        id: somebody.id,
        text: JSON.stringify(taker.subscription(`/many/${id}`)),
        context: subscriptionContext(id),
      })),
    );
    await database.query(
      `INSERT INTO session (id, account_id, token_hash, created_at, used_at, expires_at)
       SELECT id, $2, sha256(id::text::bytea), now(), now(), now() + interval '1 day' FROM unnest($1::uuid[]) AS id`,
      [ids, account.id],
    );
    await database.query(
      `INSERT INTO push_subscription (session_id, receiver_id, endpoint_hash, sealed, renewed_at)
       SELECT id, $2, sha256(id::text::bytea), sealed, now() FROM unnest($1::uuid[], $3::bytea[]) AS made (id, sealed)`,
      [ids, somebody.id, sealed],
    );
  }
  const { lastSeq } = await ask<{ lastSeq: number }>(
    service,
    'GET',
    `/api/conversations/${somebody.contactId}`,
    somebody.token,
  );
  await ask(service, 'PUT', `/api/conversations/${somebody.contactId}/receipt`, somebody.token, { seenSeq: lastSeq });
  const before = process.memoryUsage().rss;
  const already = taker.pushes;
  const began = performance.now();
  let peak = before;
  await say(service, shop, somebody);
  while (taker.pushes - already < devices) {
    peak = Math.max(peak, process.memoryUsage().rss);
    await sleep(200);
  }
  const seconds = (performance.now() - began) / 1000 - waitSeconds;
  const megabytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
  console.log(
    `${devices.toLocaleString('en')} devices told              ${(devices / seconds).toFixed(0)} a second; memory ${megabytes(before)} MB before, ${megabytes(peak)} MB at most`,
  );
}

/** Waits until nothing more is handed over. */
async function quiet(taker: Taker): Promise<void> {
  for (let before = -1; before !== taker.pushes;) {
    before = taker.pushes;
    await sleep((waitSeconds + 1) * 1000);
  }
}

const say = (service: RunningService, shop: string, { contactId }: Somebody) =>
  ask(service, 'POST', `/api/conversations/${contactId}/messages`, shop, {
    clientId: uuid(),
    body: 'Il pane è pronto.',
  });

async function register(service: RunningService): Promise<string> {
  const policies = await ask<Policies>(service, 'GET', '/api/policies/current?audience=subscriber&locale=it');
  const { session } = await ask<{ session: { token: string } }>(service, 'POST', '/api/subscribers', undefined, {
    ...registrationOf('bakery', 'forno-aurora', policies.items!),
  });
  return session.token;
}

interface Policies {
  items?: { id: string; purpose: string }[];
  policies?: { id: string }[];
}

async function joined(service: RunningService, shop: string, index: number): Promise<Somebody> {
  const { code } = await ask<{ code: string }>(service, 'POST', '/api/invitations', shop, { kind: 'open' });
  const { policies } = await ask<Policies>(service, 'GET', `/api/invitations/by-code/${code}?locale=it`);
  const accepted = await ask<{ session: { token: string }; interlocutor: { id: string }; contact: { id: string } }>(
    ...([service, 'POST', `/api/invitations/by-code/${code}/acceptance`, undefined] as const),
    {
      ...{ firstName: 'Anna', surname: 'Rossi', email: `anna+${index}@mail.example`, password, ageConfirmed: true },
      ...{ locale: 'it', consents: [{ policyId: policies![0]!.id, purpose: 'privacy' }] },
    },
  );
  return { token: accepted.session.token, id: accepted.interlocutor.id, contactId: accepted.contact.id };
}

async function ask<Body>(
  { url }: RunningService,
  method: string,
  path: string,
  token?: string,
  body?: unknown,
): Promise<Body> {
  const answer = await fetch(url + path, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return (text ? JSON.parse(text) : undefined) as Body;
}

await main();
