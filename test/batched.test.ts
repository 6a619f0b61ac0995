import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Adapter } from 'socket.io-adapter';
import { limits } from '../src/contract/limits.js';
import { webSocketOf } from '../src/platform/realtime/engine.js';
import { Realtime } from '../src/platform/realtime/realtime.js';
import { rooms } from '../src/platform/realtime/rooms.js';
import { type Device, expectStatus, type Person, settle, type Shop, unique, until, World } from './support/world.js';

/** Promise 3: what is sent at once is stored together, and still each by itself. */

let world: World;
let bakery: Shop;
let anna: Person;
let bruno: Person;

beforeAll(async () => {
  world = await World.shared();
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
  bruno = await world.join(bakery, 'bruno');
  for (const device of [bakery.owner, anna.device, bruno.device]) await device.connect();
});
afterAll(() => world.close());

const whileBusy = <Result>(conversationId: string, work: () => Promise<Result>) =>
  world.holding('SELECT FROM conversation WHERE id = $1 FOR UPDATE', [conversationId], work);

const seqsOf = async (conversationId: string) =>
  (
    await world.rows<{ seq: number }>('SELECT seq FROM message WHERE conversation_id = $1 ORDER BY seq', [
      conversationId,
    ])
  ).map(({ seq }) => seq);

test('a busy conversation waits alone, and its messages keep their order', async () => {
  let waiting: Promise<number[]>;
  const before = (await seqsOf(anna.contactId)).length;
  await whileBusy(anna.contactId, async () => {
    const sends = Array.from({ length: 5 }, (_, i) => anna.device.say(anna.contactId, `Aspetto ${i}`));
    let stored = false;
    waiting = Promise.all(sends).finally(() => (stored = true));
    for (let i = 0; i < 10; i++) await bruno.device.say(bruno.contactId, `Passo avanti ${i}`);
    expect(stored).toBe(false);
  });
  expect(await waiting!).toEqual([1, 2, 3, 4, 5].map((each) => before + each));
});

test('a message that the database refuses fails alone in its batch', async () => {
  await world.rows(`ALTER TABLE message ADD CONSTRAINT refuses CHECK (client_id NOT LIKE 'refuse%') NOT VALID`);
  const before = (await seqsOf(anna.contactId)).length;
  const path = `/api/conversations/${anna.contactId}/messages`;
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, i) =>
      bakery.owner.ask('POST', path, { clientId: `${i % 10 === 3 ? 'refuse' : 'take'}-${unique()}`, body: `n. ${i}` }),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual(answers.map((_, i) => (i % 10 === 3 ? 500 : 201)));
  const seqs = await seqsOf(anna.contactId);
  expect(seqs).toHaveLength(before + 27);
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  await world.rows('ALTER TABLE message DROP CONSTRAINT refuses');
});

test('devices get the messages of a conversation in the order of their seq', async () => {
  const heardBefore = bakery.owner.heard.length;
  const people = [anna, bruno];
  await Promise.all(
    Array.from({ length: 80 }, (_, i) => people[i % 2]!.device.say(people[i % 2]!.contactId, `Molti insieme ${i}`)),
  );
  await settle();
  for (const { contactId } of people) {
    const seqs = bakery.owner.heard
      .slice(heardBefore)
      .flatMap(({ event, payload }) =>
        event === 'message.sent' && payload.conversationId === contactId ? payload.seq : [],
      );
    expect(seqs).toHaveLength(40);
    expect(seqs).toEqual(seqs.map((_, index) => seqs[0]! + index));
  }
});

test('unread messages are counted up to 999', async () => {
  const carla = await world.join(bakery, 'carla');
  await carla.device.connect();
  const unread = async () => (await bakery.owner.ask('GET', `/api/conversations/${carla.contactId}`)).body.unread;
  for (let written = 0; written < 1_000; written += 40) {
    await Promise.all(Array.from({ length: 40 }, (_, i) => carla.device.say(carla.contactId, `${written + i}`)));
  }
  expect(await unread()).toBe(999);
  for (const [seenSeq, left] of [
    [1, 999],
    [2, 998],
    [1_000, 0],
  ] as const) {
    await bakery.owner.emit('receipt.send', { conversationId: carla.contactId, seenSeq });
    expect([seenSeq, await unread()]).toEqual([seenSeq, left]);
  }
});

describe('when the database cannot keep up', () => {
  const senders: Device[] = [];
  const perSocket = limits.socketEventsUnderWay;

  test('a message beyond the queue is refused with a time to retry, and no other is lost', async () => {
    const sockets = Math.ceil(limits.sendsWaiting / perSocket);
    while (senders.length < sockets) {
      const device = await world.signIn(anna.username);
      for (let i = 0; i < limits.socketsPerSession && senders.length < sockets; i++) {
        senders.push(await world.device(device.token, device.sessionId).connect());
      }
    }
    const before = (await seqsOf(anna.contactId)).length;
    let waiting: Promise<{ data?: { seq: number } }[]>;
    await world.holding('LOCK TABLE message IN ACCESS EXCLUSIVE MODE', [], async () => {
      const sends = senders.flatMap((device, index) =>
        Array.from({ length: Math.min(perSocket, limits.sendsWaiting - index * perSocket) }, () =>
          device.emit('message.send', { conversationId: anna.contactId, clientId: unique(), body: 'In coda' }, 60_000),
        ),
      );
      expect(sends).toHaveLength(limits.sendsWaiting);
      waiting = Promise.all(sends);
      const path = `/api/conversations/${bruno.contactId}/messages`;
      const ask = () => bruno.device.ask('POST', path, { clientId: unique(), body: 'Di troppo' });
      let refused = await Promise.race([ask(), settle()]);
      await until(async () => {
        refused ??= await Promise.race([ask(), settle()]);
        return refused !== undefined;
      }, 'the queue is full');
      expectStatus(refused!, 503);
      expect(refused!.body).toMatchObject({ code: 'overloaded', retryAfter: 1 });
      expect(refused!.headers.get('retry-after')).toBe('1');
    });
    const answers = await waiting!;
    expect(answers.every(({ data }) => data)).toBe(true);
    const seqs = await seqsOf(anna.contactId);
    expect(seqs).toHaveLength(before + limits.sendsWaiting);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  });
});

test('all data for a device in one turn leaves in one system call', async () => {
  const { server } = world.service.app.get(Realtime);
  const { conn } = [...server.sockets.sockets.values()].find((socket) =>
    socket.rooms.has(rooms.ofInterlocutor(anna.id)),
  )!;
  const socket = webSocketOf(conn)!._socket!;
  const writing = socket as unknown as Record<'_write' | '_writev', (...args: unknown[]) => void>;
  const [alone, together] = [jest.spyOn(writing, '_write'), jest.spyOn(writing, '_writev')];
  const heardBefore = anna.device.heard.length;
  for (let seq = 1; seq <= 5; seq++) {
    const moved = { conversationId: anna.contactId, party: 'subscriber', deliveredSeq: seq, seenSeq: seq } as const;
    world.service.app.get(Realtime).tell(rooms.ofInterlocutor(anna.id), 'receipt.changed', {
      ...moved,
      seenBefore: 0,
      at: new Date().toISOString(),
    });
  }
  await until(() => anna.device.heard.length === heardBefore + 5, 'all are heard');
  expect([alone.mock.calls.length, together.mock.calls.length]).toEqual([0, 1]);
  alone.mockRestore();
  together.mockRestore();
});

test('an event is passed to an adapter that spans several nodes, even if no device is connected here', async () => {
  const realtime = world.service.app.get(Realtime);
  const { sockets } = realtime.server;
  const { adapter } = sockets;
  const nobody = rooms.ofInterlocutor('00000000-0000-4000-8000-000000000000');
  expect(realtime.mayHear(nobody)).toBe(false);
  class SpanningAdapter extends Adapter {}
  const spanning = new SpanningAdapter(sockets);
  const broadcast = jest.spyOn(spanning, 'broadcast').mockReturnValue();
  Object.assign(sockets, { adapter: spanning });
  realtime.tell(nobody, 'labels.changed', { items: [] });
  Object.assign(sockets, { adapter });
  expect(broadcast).toHaveBeenCalledTimes(1);
});
