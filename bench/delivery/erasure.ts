import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from 'pg';
import { v7 as uuid } from 'uuid';
import type { Figure } from './figure.js';
import { addContacts, type Shop } from './people.js';
import type { Scene } from './scene.js';
import type { ServerProcess } from './server-process.js';

const database = 'erasure';
const files = 1_000;
const filesInMessage = 10;
const sendEveryMilliseconds = 20;

/** Erasing one contact of many messages and files beside a bare DELETE and unlink of as much, and many contacts by a filter. */
export async function erasure(scene: Scene): Promise<Figure[]> {
  const stage = await scene.newDatabase(database);
  const { couples, market } = await scene.people();
  const { erasedMessages, erasedContacts, rounds } = scene.options;
  const client = await stage.connect(database);
  const folder = join(stage.dir, 'colloquio', 'files');
  await client.query(`INSERT INTO feed_consumer (name) VALUES ('search') ON CONFLICT DO NOTHING`);
  const doomed = market.people.slice(0, rounds).map(({ conversationId }) => conversationId);
  const bare = market.people.slice(rounds, 2 * rounds).map(({ conversationId }) => conversationId);
  for (const id of [...doomed, ...bare]) await fill(client, market, id, { messages: erasedMessages, folder });
  await client.query('ANALYZE');
  await addContacts(stage, database, couples[0]!.subscriberId, erasedContacts);
  const server = await scene.service(database);
  const [unreadable, gone, bareTimes]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds; round++) {
    bareTimes.push(await timed(() => deleteBare(client, market, bare[round]!, folder)));
    const begun = performance.now();
    const { erasureId } = await ask(server, market, 'DELETE', `/api/contacts/${doomed[round]!}`);
    unreadable.push((performance.now() - begun) / 1000);
    while (!(await isFinished(client, erasureId!))) await pause(20);
    gone.push((performance.now() - begun) / 1000);
  }
  const many = await eraseMany(server, { shop: couples[0]!, contacts: erasedContacts, bystander: couples[1]! });
  await client.end();
  const count = (number: number) => number.toLocaleString('en');
  const one = `a contact with ${count(erasedMessages)} messages and ${count(files)} files`;
  return [
    {
      ...{ title: `Erasing ${one}: unreadable`, unit: 's', ours: unreadable },
      ...{ beside: 'the mark', others: unreadable.map(() => 1), mark: { kind: 'at most', value: 1 }, notes: [] },
    },
    {
      ...{ title: `Erasing ${one}: gone`, unit: 's', ours: gone, beside: 'bare DELETE and unlink', others: bareTimes },
      ...{ mark: { kind: 'at most', value: 3 }, notes: [] },
    },
    {
      ...{
        title: `Erasing ${count(erasedContacts)} contacts by a filter: unreadable`,
        unit: 's',
        ours: [many.seconds],
      },
      ...{ beside: 'the mark', others: [5], mark: { kind: 'at most', value: 1 }, notes: [] },
    },
    {
      ...{ title: 'Sends of others meanwhile, p99', unit: 'ms', ours: [many.during], beside: 'before' },
      ...{ others: [many.before], mark: { kind: 'at most', value: 2 }, notes: [] },
    },
  ];
}

/** Writes the rows of messages, index entries, receipts and files, and an object for each file. */
async function fill(
  client: Client,
  { subscriberId }: Shop,
  contactId: string,
  { messages, folder }: { messages: number; folder: string },
): Promise<void> {
  const member = 'SELECT id FROM member WHERE subscriber_id = $1 LIMIT 1';
  await client.query(
    `INSERT INTO message (subscriber_id, conversation_id, seq, sender, author_id, client_id, digest, body, files, revision, sent_at)
     SELECT $1, $2, seq, 'subscriber', (${member}), 'bench-' || seq, '\\x00', decode(repeat(md5(seq::text), 4), 'hex'),
            CASE WHEN seq <= ${files / filesInMessage} THEN ${filesInMessage} ELSE 0 END, seq, now() - make_interval(secs => $3 - seq)
     FROM generate_series(1, $3::integer) AS seq`,
    [subscriberId, contactId, messages],
  );
  await client.query(
    `UPDATE conversation SET last_seq = $3, revision = $3, changed_at = now() - interval '1 hour' WHERE subscriber_id = $1 AND id = $2`,
    [subscriberId, contactId, messages],
  );
  await client.query(`INSERT INTO feed_progress VALUES ($1, $2, 'search', 1, $3) ON CONFLICT DO NOTHING`, [
    subscriberId,
    contactId,
    messages,
  ]);
  await makeMonths(client, subscriberId, contactId);
  await client.query(
    `INSERT INTO search_entry (subscriber_id, sent_at, conversation_id, seq, sender, tokens)
     SELECT subscriber_id, sent_at, conversation_id, seq, sender,
            ARRAY(SELECT hashtext((seq * n)::text) FROM generate_series(1, 12) AS n)
     FROM message WHERE subscriber_id = $1 AND conversation_id = $2`,
    [subscriberId, contactId],
  );
  await client.query(
    `INSERT INTO watermark_move (subscriber_id, conversation_id, party, minute, delivered_seq, seen_seq)
     SELECT $1, $2, 'interlocutor', now() - make_interval(mins => n), n, n FROM generate_series(1, 1000) AS n`,
    [subscriberId, contactId],
  );
  const [ids, objects] = [Array.from({ length: files }, () => uuid()), Array.from({ length: files }, () => uuid())];
  await client.query(
    `INSERT INTO attachment (subscriber_id, id, contact_id, sender, author_id, account_id, seq, place, state, size, family,
                             media_type, details, created_at)
     SELECT $1, file.id, $2, 'subscriber', (${member}), gen_random_uuid(), (number - 1) / ${filesInMessage} + 1,
            (number - 1) % ${filesInMessage}, 'ready', 4096, 'other', 'text/plain', '\\x00', now()
     FROM unnest($3::uuid[]) WITH ORDINALITY AS file (id, number)`,
    [subscriberId, contactId, ids],
  );
  await client.query(
    `INSERT INTO attachment_object (subscriber_id, id, attachment_id, part, start, size, key)
     SELECT $1, object, attachment, 'content', 0, 4096, '\\x00' FROM unnest($2::uuid[], $3::uuid[]) AS file (object, attachment)`,
    [subscriberId, objects, ids],
  );
  const bytes = randomBytes(4_096);
  for (const object of objects) {
    await mkdir(join(folder, object.slice(0, folderLetters)), { recursive: true });
    await writeFile(join(folder, object.slice(0, folderLetters), object), bytes);
  }
}

/** As the storage of the service names its folders. */
const folderLetters = 6;

async function makeMonths(client: Client, subscriberId: string, contactId: string): Promise<void> {
  const { rows } = await client.query<{ first: string; next: string }>(
    `SELECT DISTINCT to_char(date_trunc('month', sent_at AT TIME ZONE 'UTC'), 'YYYY-MM-DD') AS first,
            to_char(date_trunc('month', sent_at AT TIME ZONE 'UTC') + interval '1 month', 'YYYY-MM-DD') AS next
     FROM message WHERE subscriber_id = $1 AND conversation_id = $2`,
    [subscriberId, contactId],
  );
  for (const { first, next } of rows) {
    const name = `search_entry_${first.slice(0, 7).replace('-', '_')}`;
    await client.query(
      `CREATE TABLE IF NOT EXISTS ${name} PARTITION OF search_entry FOR VALUES FROM ('${first}T00:00:00Z') TO ('${next}T00:00:00Z')`,
    );
  }
}

/** The same rows and files as an erasure deletes, with nothing else. */
async function deleteBare(client: Client, { subscriberId }: Shop, contactId: string, folder: string): Promise<void> {
  const of = [subscriberId, contactId];
  const objects = await client.query<{ id: string }>(
    `DELETE FROM attachment_object USING attachment
     WHERE attachment.subscriber_id = $1 AND attachment.contact_id = $2 AND attachment_object.subscriber_id = $1
       AND attachment_id = attachment.id RETURNING attachment_object.id`,
    of,
  );
  await client.query('DELETE FROM attachment WHERE subscriber_id = $1 AND contact_id = $2', of);
  await client.query('DELETE FROM search_entry WHERE subscriber_id = $1 AND conversation_id = $2', of);
  for (const table of ['message', 'watermark_move', 'watermark'])
    await client.query(`DELETE FROM ${table} WHERE subscriber_id = $1 AND conversation_id = $2`, of);
  for (const { id } of objects.rows) await rm(join(folder, id.slice(0, folderLetters), id));
}

async function eraseMany(
  server: ServerProcess,
  { shop, contacts, bystander }: { shop: Shop; contacts: number; bystander: Shop },
): Promise<{ seconds: number; before: number; during: number }> {
  const [person] = bystander.people;
  let [sending, times]: [boolean, number[]] = [true, []];
  const sender = (async () => {
    for (let number = 0; sending; number++) {
      const body = { clientId: `bystander-${number}`, body: 'Buongiorno' };
      times.push(
        await timed(() =>
          ask(server, bystander, 'POST', `/api/conversations/${person!.conversationId}/messages`, body),
        ),
      );
      await pause(sendEveryMilliseconds);
    }
  })();
  await pause(5_000);
  const before = percentile99(times);
  times = [];
  const confirmation = { contacts: contacts + shop.people.length, businessName: 'Forno Aurora' };
  const seconds = await timed(() =>
    ask(server, shop, 'POST', '/api/erasures', { filter: { all: true }, confirmation }),
  );
  await pause(3_000);
  sending = false;
  await sender;
  return { seconds, before: before * 1000, during: percentile99(times) * 1000 };
}

async function ask(
  server: ServerProcess,
  { token }: Shop,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ erasureId?: string }> {
  const answer = await fetch(server.url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (answer.status >= 300) throw new Error(text);
  return JSON.parse(text) as { erasureId?: string };
}

async function isFinished(client: Client, erasureId: string): Promise<boolean> {
  const { rows } = await client.query('SELECT FROM erasure WHERE id = $1 AND finished_at IS NOT NULL', [erasureId]);
  return rows.length > 0;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}

const percentile99 = (times: readonly number[]) =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0;
const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
