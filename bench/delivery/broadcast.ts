import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure } from './figure.js';
import { median, shown } from './measures.js';
import { type Shop, addContacts } from './people.js';
import type { Scene } from './scene.js';
import type { ServerProcess } from './server-process.js';
import type { Stage } from './stage.js';
import { textOf } from './text.js';

const database = 'broadcast';
const pollMilliseconds = 10;

interface Broadcast {
  id: string;
  /** From the request to the last entry, in milliseconds. */
  stored: number;
  /** Largest growth of the service's memory, in megabytes. */
  grown: number;
}

/** One text to everybody who is connected: all stored and all delivered, beside the same rows and the same emits alone. */
export async function broadcast(scene: Scene): Promise<Figure[]> {
  const stage = await scene.newDatabase(database);
  const server = await scene.service(database);
  const { market } = await scene.people();
  if (!(await knowsBroadcasts(server, market))) {
    console.log('Not available: this service knows no broadcasts.');
    return [];
  }
  const tokens = market.people.map(({ token }) => token);
  const bare = await scene.bareSocketIo();
  const [crowd, bareCrowd] = [await scene.crowd(), await scene.crowd()];
  await crowd.connect(server.port, tokens);
  await bareCrowd.connect(bare.port, tokens);
  const [ours, others, stores, inserts]: number[][] = [[], [], [], []];
  for (let round = 0; round < scene.options.rounds; round++) {
    await stage.query('postgres', 'CHECKPOINT');
    const heard = await crowd.listen(tokens.length);
    const began = performance.now();
    const [sent] = await Promise.all([send(stage, server, market), heard()]);
    ours!.push(performance.now() - began);
    stores!.push(sent.stored);

    await stage.query('postgres', 'CHECKPOINT');
    const inserted = await insertTheSame(stage, market, sent.id);
    const bareHeard = await bareCrowd.listen(tokens.length);
    const bareBegan = performance.now();
    await bare.ask({ kind: 'emit', event: 'message.sent', payload: toldOf(sent.id) });
    await bareHeard();
    others!.push(inserted + performance.now() - bareBegan);
    inserts!.push(inserted);
  }
  return [
    {
      title: `A broadcast to ${tokens.length.toLocaleString('en')} connected interlocutors, stored and delivered`,
      unit: 'ms',
      ours: ours!,
      beside: 'the same rows inserted, then as many emits by Socket.IO alone',
      others: others!,
      mark: { kind: 'at most', value: 2 },
      notes: [
        `All stored after ${shown(median(stores!))} ms; of the other, inserting took ${shown(median(inserts!))} ms.`,
      ],
    },
  ];
}

/** A broadcast to more contacts than a crowd of devices could play: its ledger and its entries alone. */
export async function ledger(scene: Scene): Promise<Figure[]> {
  const stage = await scene.newDatabase(database);
  const { market } = await scene.people();
  const count = scene.options.recipients;
  await addContacts(stage, database, market.subscriberId, count - market.people.length);
  await stage.settle(database);
  const server = await scene.service(database);
  if (!(await knowsBroadcasts(server, market))) {
    console.log('Not available: this service knows no broadcasts.');
    return [];
  }
  const [ours, others, growths]: number[][] = [[], [], []];
  for (let round = 0; round < scene.options.rounds; round++) {
    await stage.query('postgres', 'CHECKPOINT');
    const { id, stored, grown } = await send(stage, server, market);
    ours!.push(stored);
    growths!.push(grown);
    await stage.query('postgres', 'CHECKPOINT');
    others!.push(await insertTheSame(stage, market, id));
  }
  await stage.query('postgres', 'CHECKPOINT');
  const personal = await send(stage, server, market, 'Ciao {{firstName}}: ');
  return [
    {
      title: `Ledger and entries of a broadcast to ${count.toLocaleString('en')} contacts`,
      unit: 'ms',
      ours: ours!,
      beside: 'one INSERT … SELECT of the same rows into each table',
      others: others!,
      mark: { kind: 'at most', value: 2 },
      notes: [
        `What the service holds in memory grew meanwhile by ${shown(median(growths!))} MB at most. ` +
          `A text with everybody's first name, sealed for each: ${shown(personal.stored)} ms, ${shown(personal.grown)} MB.`,
      ],
    },
  ];
}

async function knowsBroadcasts(server: ServerProcess, { token }: Shop): Promise<boolean> {
  const { status } = await fetch(`${server.url}/api/broadcasts`, { headers: { authorization: `Bearer ${token}` } });
  return status !== 404;
}

/** Sends a broadcast to everybody, and waits until it is finished; asking the database for that is what disturbs least. */
async function send(stage: Stage, server: ServerProcess, { token }: Shop, salutation = ''): Promise<Broadcast> {
  const client = await stage.connect(database);
  try {
    const before = server.residentMegabytes;
    let grown = 0;
    const began = performance.now();
    const answer = await fetch(`${server.url}/api/broadcasts`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        clientId: `bench-${Date.now()}`,
        kind: 'service',
        reason: 'other',
        body: salutation + textOf(began),
        audience: { all: true },
      }),
    });
    const { id } = (await answer.json()) as { id: string };
    if (answer.status !== 202) throw new Error(`a broadcast was answered with ${answer.status}`);
    for (;;) {
      grown = Math.max(grown, server.residentMegabytes - before);
      const { rows } = await client.query<{ state: string }>('SELECT state FROM broadcast WHERE id = $1', [id]);
      const { state } = rows[0]!;
      if (state === 'finished') return { id, stored: performance.now() - began, grown };
      if (state !== 'running' && state !== 'scheduled') throw new Error(`a broadcast is ${state}`);
      await sleep(pollMilliseconds);
    }
  } finally {
    await client.end();
  }
}

/**
 * Writes the rows of a broadcast again, as those of another one, one statement for each table. What is prepared before, and
 * the conversations' numbers after it, do not count.
 * @returns milliseconds
 */
async function insertTheSame(stage: Stage, { subscriberId }: Shop, broadcastId: string): Promise<number> {
  const client = await stage.connect(database);
  try {
    const own = [subscriberId, broadcastId];
    await client.query('CREATE TEMP TABLE again AS SELECT gen_random_uuid() AS id');
    for (const table of ['broadcast', 'message', 'broadcast_recipient']) {
      const column = table === 'broadcast' ? 'id' : 'broadcast_id';
      await client.query(
        `CREATE TEMP TABLE ${table}_again AS SELECT * FROM ${table} WHERE subscriber_id = $1 AND ${column} = $2`,
        own,
      );
      await client.query(`UPDATE ${table}_again SET ${column} = again.id FROM again`);
    }
    await client.query(`UPDATE broadcast_again SET client_id = client_id || '-again'`);
    await client.query(
      `UPDATE message_again SET seq = seq + 1, revision = revision + 1, client_id = client_id || '-again'`,
    );
    await client.query('UPDATE broadcast_recipient_again SET seq = seq + 1');
    await client.query('INSERT INTO broadcast SELECT * FROM broadcast_again');
    await client.query('ANALYZE message_again, broadcast_recipient_again');
    const began = performance.now();
    await client.query('INSERT INTO broadcast_recipient SELECT * FROM broadcast_recipient_again');
    await client.query('INSERT INTO message SELECT * FROM message_again');
    const lasted = performance.now() - began;
    await client.query(
      `UPDATE conversation SET last_seq = again.seq, revision = again.revision
       FROM message_again AS again
       WHERE conversation.subscriber_id = again.subscriber_id AND conversation.id = again.conversation_id`,
    );
    return lasted;
  } finally {
    await client.end();
  }
}

/** As large as what the service tells. */
function toldOf(id: string): unknown {
  return {
    conversationId: id,
    seq: 1,
    revision: 1,
    sender: 'subscriber',
    clientId: id,
    body: textOf(performance.now()),
    attachments: [],
    broadcastId: id,
    broadcast: { kind: 'service', reason: 'other' },
    sentAt: new Date().toISOString(),
  };
}
