import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { io } from 'socket.io-client';
import { type ConversationView, Engine, MemoryStore } from '../client/index.js';
import type { Party } from '../src/contract/events.js';
import { type Device, type Person, type Shop, unique, until, World } from './support/world.js';

/** Promises 3 and 4: the sync engine of clients on the real service, over real sockets. */

let world: World;
let bakery: Shop;
let anna: Person;
const engines: Engine[] = [];

beforeAll(async () => {
  world = await World.shared();
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
});
afterAll(async () => {
  await Promise.all(engines.map((engine) => engine.stop()));
  await world.close();
});

/** An engine as a host puts it together. */
function engineOf({ token, sessionId }: Device, party: Party, store = new MemoryStore()) {
  const socket = io(world.url, { auth: { token }, autoConnect: false, forceNew: true, transports: ['websocket'] });
  const engine = new Engine({
    party,
    sessionId,
    account: sessionId,
    http: (path, { headers, ...request }) =>
      fetch(world.url + path, { ...request, headers: { ...headers, authorization: `Bearer ${token}` } }),
    socket,
    clock: {
      now: Date.now,
      setTimeout: (work, milliseconds) => setTimeout(work, milliseconds),
      clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
    },
    random: { number: Math.random, id: unique },
    store,
  });
  engines.push(engine);
  return { engine, socket };
}

const isLive = (engine: Engine) => until(() => engine.view.value.link.name === 'live', 'it is live');
const bodies = ({ messages }: ConversationView) => messages.map(({ body }) => body);

test('two engines exchange messages, even after an absence, and equal a fresh load', async () => {
  const store = new MemoryStore();
  const shop = engineOf(bakery.owner, 'subscriber');
  const phone = engineOf(anna.device, 'interlocutor', store);
  const id = anna.contactId;
  await phone.engine.send(id, { body: 'Written before anything is connected' });
  await Promise.all([shop.engine.start(), phone.engine.start()]);
  await Promise.all([isLive(shop.engine), isLive(phone.engine)]);
  await Promise.all([shop.engine.open(id), phone.engine.open(id)]);
  const conversation = shop.engine.conversation(id);
  await until(() => bodies(conversation.value).length === 1, 'the first message is there');

  phone.socket.disconnect();
  await shop.engine.send(id, { body: 'Are you there?' });
  await shop.engine.send(id, { body: 'By mistake' });
  await until(() => conversation.value.outgoing.length === 0 && conversation.value.lastSeq === 3, 'they are sent');
  await shop.engine.withdraw(id, 3);
  phone.socket.connect();
  const own = phone.engine.conversation(id);
  await until(
    () => bodies(own.value).join() === 'Written before anything is connected,Are you there?,',
    'it catches up',
  );
  phone.engine.seen(id, 3);
  await until(() => conversation.value.head?.other.seenSeq === 3, 'it is told what was seen');
  await until(() => own.value.head?.own.seenSeq === 3, 'so are the own devices');

  for (const [device, engine] of [
    [bakery.owner, shop.engine],
    [anna.device, phone.engine],
  ] as const) {
    const { head, messages, outgoing } = engine.conversation(id).value;
    const path = `/api/conversations/${id}`;
    expect(head).toEqual((await device.ask('GET', path)).body);
    expect(messages).toEqual((await device.ask('GET', `${path}/messages`)).body.items);
    expect(outgoing).toEqual([]);
    expect(engine.view.value.unread).toBe(0);
  }
});

test('an engine whose session is ended elsewhere says so, and sends no more requests', async () => {
  const tablet = await world.signIn(anna.username);
  const { engine, socket } = engineOf(tablet, 'interlocutor');
  await engine.start();
  await isLive(engine);
  expect((await anna.device.ask('DELETE', `/api/sessions/${tablet.sessionId}`)).status).toBe(204);
  await until(() => engine.view.value.link.name === 'signed-out', 'it is signed out');
  expect(socket.active).toBe(false);
});
