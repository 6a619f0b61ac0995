// A process of its own: writes what the service writes for messages and receipts, with its statements, and does nothing else.
import { createHmac, randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import pg from 'pg';
import {
  type AppendedRow,
  type AppendValues,
  appendStatement,
  raiseStatement,
} from '../../src/conversations/conversations.queries.js';
import { messageContext } from '../../src/conversations/message-texts.js';
import { seal } from '../../src/platform/vault/sealing.js';
import { textOf } from './text.js';

export interface Writing {
  connection: string;
  /** Among so many conversations the messages are spread. */
  conversations: number;
  /** In one call, on average. */
  messages: number;
  receipts: number;
  warmUpSeconds: number;
  seconds: number;
}

interface Conversation {
  id: string;
  subscriberId: string;
  sealKey: Buffer;
  digestKey: Buffer;
}

interface Batch {
  conversations: Conversation[];
  clientIds: string[];
  digests: Buffer[];
  bodies: Buffer[];
}

interface Receipt {
  conversation: Conversation;
  seq: number;
}

process.once('message', (writing: Writing) => {
  void write(writing).then((perSecond) => process.send!(perSecond, () => process.exit()));
});

/** @returns messages with receipts, per second */
async function write(writing: Writing): Promise<number> {
  const [appending, raising] = await Promise.all([connect(writing), connect(writing)]);
  const conversations = await conversationsOf(appending, writing.conversations);
  const waiting: Receipt[] = [];
  let [written, ended] = [0, false];
  let wake: () => void = () => undefined;
  const changed = () => new Promise<void>((resolve) => (wake = resolve));

  const append = async () => {
    let next = sealed(conversations, writing.messages);
    while (!ended) {
      const batch = next;
      const answer = appending.query<AppendedRow>({ ...appendStatement, values: parametersOf(batch) });
      // What comes next is sealed while PostgreSQL writes, as the service does.
      next = sealed(conversations, writing.messages);
      for (const { place, outcome, seq } of (await answer).rows) {
        if (outcome !== 'stored') throw new Error(`a message was ${outcome}`);
        waiting.push({ conversation: batch.conversations[place - 1]!, seq: seq! });
      }
      wake();
      while (waiting.length > 4 * (writing.receipts + writing.messages) && !ended) await changed();
    }
  };
  const raise = async () => {
    while (!ended) {
      while (waiting.length < writing.receipts && !ended) await changed();
      const receipts = waiting.splice(0, writing.receipts);
      const values = [
        receipts.map(({ conversation }) => conversation.subscriberId),
        receipts.map(({ conversation }) => conversation.id),
        receipts.map(() => 'subscriber'),
        receipts.map(({ seq }) => seq),
        receipts.map(() => 0),
      ];
      await raising.query({ ...raiseStatement, values });
      written += receipts.length;
      wake();
    }
  };
  const work = Promise.all([append(), raise()]);
  await pause(writing.warmUpSeconds);
  const [began, before] = [performance.now(), written];
  await pause(writing.seconds);
  const perSecond = (written - before) / ((performance.now() - began) / 1000);
  ended = true;
  wake();
  await work;
  await Promise.all([appending.end(), raising.end()]);
  return perSecond;
}

async function connect({ connection }: Writing): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: connection });
  await client.connect();
  return client;
}

async function conversationsOf(client: pg.Client, count: number): Promise<Conversation[]> {
  const { rows } = await client.query<{ id: string; subscriber_id: string }>(
    'SELECT id, subscriber_id FROM conversation ORDER BY id LIMIT $1',
    [count],
  );
  return rows.map(({ id, subscriber_id: subscriberId }) => ({
    id,
    subscriberId,
    sealKey: randomBytes(32),
    digestKey: randomBytes(32),
  }));
}

let turn = 0;

function sealed(conversations: Conversation[], count: number): Batch {
  const batch: Batch = { conversations: [], clientIds: [], digests: [], bodies: [] };
  for (let i = 0; i < count; i++) {
    const conversation = conversations[turn % conversations.length]!;
    const clientId = `${process.pid}-${Date.now().toString(36)}-${turn++}`;
    const text = textOf(performance.now());
    const context = messageContext(conversation.subscriberId, conversation.id, 'interlocutor', clientId);
    batch.conversations.push(conversation);
    batch.clientIds.push(clientId);
    batch.digests.push(createHmac('sha256', conversation.digestKey).update(text, 'utf8').digest());
    batch.bodies.push(seal(conversation.sealKey, text, context));
  }
  return batch;
}

/** Nobody has to have accepted any version. */
function parametersOf({ conversations, clientIds, digests, bodies }: Batch): AppendValues {
  return [
    conversations.map(({ subscriberId }) => subscriberId),
    conversations.map(({ id }) => id),
    conversations.map(() => 'interlocutor'),
    conversations.map(() => null),
    clientIds,
    digests,
    bodies,
    0,
    0,
    0,
    false,
    conversations.map(() => 0),
    [],
    [],
  ];
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
