import { describe, expect, test } from '@jest/globals';
import type { Party, Told } from '../src/contract/events.js';
import { draftStoredAfter } from './drafts.js';
import { Heads } from './heads.js';
import { movedOnEvery, shownOfflineAfter } from './link.js';
import { receiptsEvery } from './receipts.js';
import { SimulatedClock } from './simulation/clock.js';
import { chanceOf, Machine, Tab, type TabOptions } from './simulation/device.js';
import { Refusal, SimulatedService } from './simulation/service.js';
import { Timeline } from './timeline.js';

/** Promises 3 and 4: each rule that a client follows, by itself; engine.spec.ts has them all at once. */

const second = 1_000;

/** A service with one conversation, and a way to open tabs of one party. */
function begin(party: Party = 'subscriber') {
  const clock = new SimulatedClock();
  const service = new SimulatedService(clock);
  const machine = new Machine();
  const id = service.join();
  const other = party === 'subscriber' ? 'interlocutor' : 'subscriber';
  let sent = 0;
  let opened = 7;
  return {
    clock,
    service,
    machine,
    id,
    open: async (engine: TabOptions['engine'] = {}, isOnline = true) => {
      const tab = new Tab({
        clock,
        service,
        machine,
        party,
        chance: chanceOf(opened++),
        engine: { pages: {}, ...engine },
      });
      tab.isOnline = isOnline;
      await Promise.all([tab.engine.start(), clock.run(3 * second)]);
      return tab;
    },
    /** The other party writes. */
    hear: (conversationId = id) =>
      service.send(other, { conversationId, clientId: `other-${sent++}`, body: `Message ${sent}` }),
    /** The own party writes on another device. */
    say: () => service.send(party, { conversationId: id, clientId: `own-${sent++}`, body: `Message ${sent}` }),
    texts: () => service.texts(id, party),
    asked: ({ asked }: Tab, what: string) => asked.filter((each) => each.includes(what)),
  };
}

/** Waits for work of an engine while the clock runs. */
async function during<Result>(clock: SimulatedClock, work: Promise<Result>): Promise<Result> {
  const [result] = await Promise.all([work, clock.run(second)]);
  return result;
}

const texts = (tab: Tab, id: string) => tab.engine.conversation(id).value.messages.map(({ body }) => body);
const seqs = (tab: Tab, id: string) => tab.engine.conversation(id).value.messages.map(({ seq }) => seq);

describe('the link', () => {
  test('reconnects after the service has ended the connection', async () => {
    const { clock, open } = begin();
    const tab = await open();
    tab.socket.cut('io server disconnect');
    expect(tab.engine.view.value.link).toEqual({ name: 'connecting' });
    await clock.run(3 * second);
    expect(tab.engine.view.value.link).toEqual({ name: 'live' });
  });

  test('reports five seconds after the loss that it is offline, and since when', async () => {
    const { clock, open } = begin();
    const tab = await open();
    const since = clock.now();
    tab.isOnline = false;
    tab.socket.cut('transport close');
    await clock.run(shownOfflineAfter - 1);
    expect(tab.engine.view.value.link).toEqual({ name: 'connecting' });
    await clock.run(1);
    expect(tab.engine.view.value.link).toEqual({ name: 'offline', since });
  });

  test('waits as long as a refusal says, and ends with the session', async () => {
    const { clock, open } = begin();
    const tab = await open();
    tab.socket.refusal = new Refusal('rate_limited', { retryAfter: 30 });
    tab.socket.cut('transport close');
    await clock.run(2 * second);
    tab.socket.refusal = undefined;
    await clock.run(20 * second);
    expect(tab.engine.view.value.link).toMatchObject({ name: 'offline' });
    await clock.run(15 * second);
    expect(tab.engine.view.value.link).toEqual({ name: 'live' });
    tab.socket.refusal = new Refusal('unauthenticated');
    tab.socket.cut('transport close');
    await clock.run(5 * second);
    expect(tab.engine.view.value.link).toEqual({ name: 'signed-out' });
    expect(tab.socket.active).toBe(false);
  });

  test('never catches up twice at once, however often it is woken', async () => {
    const { clock, open, asked } = begin();
    const tab = await open();
    const before = asked(tab, 'GET /api/conversations?').length;
    for (let count = 0; count < 5; count++) tab.engine.poke();
    await clock.run(3 * second);
    expect(asked(tab, 'GET /api/conversations?')).toHaveLength(before + 2);
  });

  test('advances the time to sync from once the same connection has lasted another minute', async () => {
    const { clock, open, asked } = begin();
    const tab = await open();
    const begun = clock.now();
    const cut = async () => {
      tab.socket.cut('transport close');
      await clock.run(3 * second);
      const [path] = asked(tab, 'limit=200').slice(-1);
      return Date.parse(decodeURIComponent(/changedSince=([^&]*)/.exec(path!)![1]!));
    };
    await clock.run(movedOnEvery + 30 * second);
    expect(await cut()).toBeLessThan(begun);
    await clock.run(movedOnEvery + 90 * second);
    expect(await cut()).toBeGreaterThan(begun + 1.5 * movedOnEvery);
  });
});

describe('the list of conversations', () => {
  test('is sorted by the latest message, with empty conversations last', async () => {
    const { clock, service, id, open, hear } = begin();
    const [second, third] = [service.join(), service.join()];
    const { engine } = await open();
    hear(id);
    await clock.run(500);
    hear(second);
    await clock.run(500);
    expect(engine.view.value.heads.map((head) => head.id)).toEqual([second, id, third]);
  });

  test('counts unread messages by the watermark: new, withdrawn and seen elsewhere', async () => {
    const { clock, service, id, open, hear } = begin();
    const { engine } = await open();
    for (let count = 0; count < 4; count++) hear();
    await clock.run(second);
    expect(engine.view.value.unread).toBe(4);
    service.withdraw('interlocutor', id, 4);
    await clock.run(second);
    expect(engine.view.value.unread).toBe(3);
    service.receipt('subscriber', { conversationId: id, seenSeq: 2 });
    await clock.run(second);
    expect(engine.view.value.unread).toBe(1);
  });

  test('drops erased conversations, and an answer in progress does not bring them back', async () => {
    const { clock, service, id, open } = begin();
    const tab = await open();
    tab.engine.poke();
    const page = { ...service.head(id, 'subscriber') };
    service.erase(id);
    await clock.run(second);
    tab.engine.heads.take(page, tab.engine.heads.moment());
    expect(tab.engine.view.value.heads).toEqual([]);
  });

  test('still counts as incomplete if an event arrived after the request that is answered now', () => {
    const { service, id, hear } = begin();
    const heads = new Heads('subscriber');
    const moment = heads.moment();
    const answer = service.head(id, 'subscriber');
    hear();
    heads.messageSent({ conversationId: id, ...service.viewed(id, 'subscriber')[0]! });
    heads.take(answer, moment);
    expect(heads.isMissing(id)).toBe(true);
    heads.take(service.head(id, 'subscriber'), heads.moment());
    expect(heads.isMissing(id)).toBe(false);
  });

  test.each(['subscriber', 'interlocutor'] as const)(
    'miss what changed of a conversation of one %s before it was held, after it was asked for',
    (party) => {
      const { service, id } = begin(party);
      const heads = new Heads(party);
      service.listeners.set((event, payload) => {
        if (event === 'subscriber.changed') heads.subscriberChanged(payload as Told['subscriber.changed']);
      }, party);
      const [moment, answer] = [heads.moment(), service.head(id, party)];
      service.discloseSeenTimes(false);
      heads.take(answer, moment);
      expect(heads.isMissing(id)).toBe(true);
      heads.take(service.head(id, party), heads.moment());
      expect(heads.isMissing(id)).toBe(false);
      expect(heads.get(id)!.seenTimesSince).toBeNull();
    },
  );

  test('ignores seen times from before they were turned off', () => {
    const { service, id, say } = begin();
    const heads = new Heads('subscriber');
    say();
    const told: Told['receipt.changed'][] = [];
    service.listeners.set((event, payload) => {
      if (event === 'receipt.changed') told.push(payload as Told['receipt.changed']);
    }, 'subscriber');
    service.receipt('interlocutor', { conversationId: id, seenSeq: 1 });
    service.discloseSeenTimes(false);
    heads.take(service.head(id, 'subscriber'), heads.moment());
    expect(told).toMatchObject([{ seenSeq: 1 }]);
    heads.receiptChanged(told[0]!);
    expect(heads.get(id)).toMatchObject({ other: { deliveredSeq: 1, seenSeq: 0 } });
  });

  test('drops, after an absence, conversations that were erased meanwhile', async () => {
    const { clock, service, machine, id, open } = begin();
    const tab = await open({ keysOf: (each) => [`note/${each}`] });
    const other = service.join();
    for (const each of [id, other]) machine.values.set(`note/${each}`, '"Pays late"');
    tab.socket.cut('transport close');
    service.erase(id);
    await clock.run(3 * second);
    expect(tab.engine.view.value.heads.map((head) => head.id)).toEqual(service.ids);
    expect([...machine.values.keys()].filter((key) => key.startsWith('note/'))).toEqual([`note/${other}`]);
  });
});

describe('a timeline', () => {
  test('keeps a jump into the past as a separate range, until the gap is loaded', async () => {
    const { clock, id, open, hear, service } = begin();
    for (let count = 0; count < 40; count++) hear();
    service.receipt('subscriber', { conversationId: id, deliveredSeq: 40 });
    const tab = await open();
    const { engine } = tab;
    await during(clock, engine.open(id));
    expect(engine.conversation(id).value.ranges).toEqual([{ from: 11, to: 40 }]);
    engine.close(id, 5);
    await during(clock, engine.open(id, { around: 3 }));
    expect(engine.conversation(id).value.ranges).toEqual([
      { from: 1, to: 30 },
      { from: 36, to: 40 },
    ]);
    await during(clock, engine.load(id, 'newer', 30));
    expect(seqs(tab, id)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
    expect(engine.conversation(id).value.ranges).toEqual([{ from: 1, to: 40 }]);
  });

  test('applies events to a page that is loading', async () => {
    const { clock, service, id, open, hear } = begin();
    for (let count = 0; count < 3; count++) hear();
    const { engine } = await open();
    engine.close(id, 0);
    const stale = structuredClone(service.get('subscriber', `/api/conversations/${id}/messages?limit=30`));
    const slow = new Timeline(
      { get: async () => stale as never },
      'subscriber',
      { ...service.head(id, 'subscriber'), own: { deliveredSeq: 3, seenSeq: 0 } },
      { shown: 30, changed: 30 },
    );
    const loaded = slow.loadLatest();
    await Promise.resolve();
    slow.messageWithdrawn({
      ...{ conversationId: id, seq: 2, revision: 4, withdrawnAt: '2026-03-02T08:01:00.000Z', lastTurn: null },
    });
    await during(clock, loaded);
    expect(slow.message(2)).toMatchObject({ body: '', revision: 4 });
    expect(slow.revision).toBe(4);
  });

  test('keeps the state of a message with the higher revision, in either order', async () => {
    const { clock, service, id, open, hear } = begin();
    const tab = await open();
    hear();
    await clock.run(second);
    const [message] = service.viewed(id, 'subscriber');
    service.withdraw('interlocutor', id, 1);
    await clock.run(second);
    tab.socket['fire']('message.sent', { conversationId: id, ...message! });
    expect(tab.engine.conversation(id).value.messages).toMatchObject([{ seq: 1, body: '', revision: 2 }]);
  });

  test('loads changes after a gap, and only then holds the later revision', async () => {
    const { clock, service, id, open, hear, asked } = begin();
    const tab = await open();
    hear();
    await clock.run(second);
    await during(clock, tab.engine.open(id));
    // Two changes of which nothing is heard, and a third.
    const listeners = [...service.listeners];
    service.listeners.clear();
    hear();
    service.withdraw('interlocutor', id, 1);
    for (const [listener, party] of listeners) service.listeners.set(listener, party);
    hear();
    await clock.run(5 * second);
    expect(asked(tab, 'changedAfter=1')).toHaveLength(1);
    expect(tab.engine.conversation(id).value.messages).toEqual(service.viewed(id, 'subscriber'));
  });

  test('loads the times of missed receipts', async () => {
    const { clock, service, id, open, say } = begin();
    const tab = await open();
    say();
    say();
    await during(clock, tab.engine.open(id));
    tab.socket.cut('transport close');
    service.receipt('interlocutor', { conversationId: id, seenSeq: 1 });
    await clock.run(120 * second);
    service.receipt('interlocutor', { conversationId: id, seenSeq: 2 });
    await clock.run(second);
    const held = tab.engine.conversation(id).value.messages;
    expect(held).toEqual(service.viewed(id, 'subscriber'));
    expect(held[0]!.seenAt).not.toBe(held[1]!.seenAt);
  });

  test('drops seen times that are no longer disclosed', async () => {
    const { clock, service, id, open, say } = begin();
    const { engine } = await open();
    say();
    await during(clock, engine.open(id));
    service.receipt('interlocutor', { conversationId: id, seenSeq: 1 });
    await clock.run(second);
    expect(engine.conversation(id).value).toMatchObject({ messages: [{ seenAt: expect.any(String) }] });
    service.discloseSeenTimes(false);
    await clock.run(second);
    const { head, messages } = engine.conversation(id).value;
    expect(messages[0]!.seenAt).toBeUndefined();
    expect(head).toMatchObject({ other: { deliveredSeq: 1, seenSeq: 0 }, seenTimesSince: null });
  });
});

describe('the outbox', () => {
  test('stores a message before the first attempt, so that the next page sends one written offline', async () => {
    const { clock, id, open, texts } = begin();
    const tab = await open();
    tab.isOnline = false;
    tab.socket.cut('transport close');
    await during(clock, tab.engine.send(id, { body: 'Written offline' }));
    expect(tab.engine.conversation(id).value.outgoing).toMatchObject([{ body: 'Written offline' }]);
    tab.kill();
    expect(texts()).toEqual([]);
    await open();
    await clock.run(5 * second);
    expect(texts()).toEqual(['Written offline']);
  });

  test('retries a message without an answer, and it is stored once', async () => {
    const { clock, id, open, texts, asked } = begin();
    const tab = await open();
    await during(
      clock,
      tab.engine.send(id, { body: 'Once' }).then(() => clock.setTimeout(() => tab.socket.cut('transport close'), 81)),
    );
    await clock.run(60 * second);
    expect(asked(tab, 'message.send').length).toBeGreaterThanOrEqual(1);
    expect(texts()).toEqual(['Once']);
    expect(tab.engine.outbox.view.value.messages).toEqual([]);
  });

  test('sends messages of a conversation in their order, one at a time', async () => {
    const { clock, id, open, texts, service } = begin();
    const tab = await open();
    service.trouble = new Refusal('internal');
    for (const body of ['One', 'Two', 'Three']) await during(clock, tab.engine.send(id, { body }));
    expect(tab.asked.filter((each) => each === 'message.send').length).toBeLessThan(4);
    service.trouble = undefined;
    await clock.run(30 * second);
    expect(texts()).toEqual(['One', 'Two', 'Three']);
  });

  test('sends one message of a conversation at a time, over all tabs', async () => {
    const { clock, id, open, texts, asked } = begin();
    const tabs = [await open(), await open()];
    const bodies = ['One', 'Two', 'Three', 'Four'];
    const sent = bodies.map((body, index) => tabs[index % 2]!.engine.send(id, { body }));
    await during(clock, Promise.all(sent));
    await clock.run(10 * second);
    expect(texts().sort()).toEqual(bodies.sort());
    expect(tabs.flatMap((tab) => asked(tab, 'message.send'))).toHaveLength(bodies.length);
  });

  test('retries after 1, 2, 4 … and at most 60 seconds, with up to half as much jitter', async () => {
    const { clock, id, open, service, asked } = begin();
    const tab = await open();
    service.trouble = new Refusal('internal');
    await during(clock, tab.engine.send(id, { body: 'Soon' }));
    const attempts = () => asked(tab, 'message.send').length;
    await clock.run(2 * second);
    expect(attempts()).toBe(2);
    await clock.run(600 * second);
    // 1 + 2 + 4 + 8 + 16 + 32 + 60 …, each up to half as much longer.
    expect(attempts()).toBeGreaterThan(9);
    expect(attempts()).toBeLessThan(18);
  });

  test('waits as long as a refusal says', async () => {
    const { clock, id, open, service, texts, asked } = begin();
    const tab = await open();
    service.trouble = new Refusal('rate_limited', { retryAfter: 20 });
    await during(clock, tab.engine.send(id, { body: 'Later' }));
    service.trouble = undefined;
    await clock.run(18 * second);
    expect(asked(tab, 'message.send')).toHaveLength(1);
    await clock.run(3 * second);
    expect(texts()).toEqual(['Later']);
  });

  test('keeps a refused message with its problem, and sends the others', async () => {
    const { clock, id, open, service, texts } = begin();
    const elsewhere = service.join();
    const { engine } = await open();
    service.trouble = new Refusal('conversation_restricted');
    await during(clock, engine.send(id, { body: 'Refused' }));
    service.trouble = undefined;
    await during(clock, engine.send(id, { body: 'After it' }));
    await during(clock, engine.send(elsewhere, { body: 'Elsewhere' }));
    expect(texts()).toEqual(['After it']);
    expect(service.texts(elsewhere, 'subscriber')).toEqual(['Elsewhere']);
    const [failed, ...others] = engine.outbox.view.value.messages;
    expect(others).toEqual([]);
    expect(failed).toMatchObject({ body: 'Refused', state: 'failed', problem: { code: 'conversation_restricted' } });
    await during(clock, engine.outbox.retry(failed!.clientId));
    expect(texts()).toEqual(['After it', 'Refused']);
  });

  test('stops until a policy is accepted: entirely for a business, in one conversation for a person', async () => {
    for (const party of ['subscriber', 'interlocutor'] as const) {
      const { clock, id, open, service, texts } = begin(party);
      const elsewhere = service.join();
      const { engine } = await open();
      service.trouble = new Refusal('consent_required');
      await during(clock, engine.send(id, { body: 'Not yet' }));
      service.trouble = undefined;
      await during(clock, engine.send(elsewhere, { body: 'Elsewhere' }));
      expect(engine.outbox.view.value.rests).toMatchObject([{ problem: { code: 'consent_required' } }]);
      expect(service.texts(elsewhere, party)).toEqual(party === 'subscriber' ? [] : ['Elsewhere']);
      expect(texts()).toEqual([]);
      engine.outbox.resume(party === 'subscriber' ? undefined : id);
      await clock.run(second);
      expect(texts()).toEqual(['Not yet']);
      expect(service.texts(elsewhere, party)).toEqual(['Elsewhere']);
    }
  });

  test('treats a reused clientId with the same body as stored, and one with another body as failed', async () => {
    const { clock, id, open, service } = begin();
    const { engine } = await open();
    service.trouble = new Refusal('client_id_reused');
    const clientId = await during(clock, engine.send(id, { body: 'Another' }));
    const failed = () => engine.outbox.view.value.messages.map(({ state }) => state);
    expect(failed()).toEqual(['failed']);
    service.trouble = undefined;
    await during(clock, engine.outbox.retry(clientId));
    expect(service.viewed(id, 'subscriber').map((each) => each.clientId)).not.toContain(clientId);
    expect(failed()).toEqual([]);

    const send = service.send.bind(service);
    service.send = (party, ask) => {
      send(party, ask);
      throw new Refusal('client_id_reused');
    };
    await during(clock, engine.send(id, { body: 'The same' }));
    expect(failed()).toEqual([]);
  });
});

describe('receipts', () => {
  test('report a message as delivered once it is held, and as seen only once it was on the screen', async () => {
    const { clock, service, id, open, hear } = begin();
    const { engine } = await open();
    hear();
    await clock.run(second);
    expect(service.watermarks(id, 'subscriber')).toEqual({ deliveredSeq: 1, seenSeq: 0 });
    engine.seen(id, 1);
    await clock.run(3 * second);
    expect(service.watermarks(id, 'subscriber')).toEqual({ deliveredSeq: 1, seenSeq: 1 });
  });

  test('are sent at most every two seconds, with the highest watermark', async () => {
    const { clock, service, id, open, hear, asked } = begin();
    const tab = await open();
    for (let count = 0; count < 10; count++) {
      hear();
      await clock.run(receiptsEvery / 10);
    }
    await clock.run(2 * receiptsEvery);
    expect(asked(tab, 'receipt.send').length).toBeLessThanOrEqual(3);
    expect(service.watermarks(id, 'subscriber').deliveredSeq).toBe(10);
  });

  test('load no conversation whose only news is the own party’s broadcast', async () => {
    const { clock, service, id, open, asked, hear } = begin();
    service.broadcast([id], 'Domani siamo chiusi.');
    const tab = await open();
    await clock.run(5 * second);
    expect(asked(tab, '/messages')).toEqual([]);
    hear();
    service.broadcast([id], 'Domani siamo aperti.');
    await clock.run(5 * second);
    expect(asked(tab, '/messages').length).toBeGreaterThan(0);
    expect(service.watermarks(id, 'subscriber').deliveredSeq).toBeGreaterThanOrEqual(2);
  });

  test('never exceed the messages held without a gap', async () => {
    const { clock, service, id, open, hear } = begin();
    const clockless = await open();
    clockless.kill();
    for (let count = 0; count < 50; count++) hear();
    const tab = new Tab({
      ...clockless.options,
      engine: { pages: { shown: 3 }, loadsUndelivered: false },
    });
    await Promise.all([tab.engine.start(), clock.run(3 * second)]);
    await during(clock, tab.engine.open(id));
    tab.engine.seen(id, 50);
    await clock.run(5 * second);
    expect(service.watermarks(id, 'subscriber')).toEqual({ deliveredSeq: 0, seenSeq: 0 });
    await during(clock, tab.engine.open(id, { around: 2 }));
    await clock.run(5 * second);
    expect(service.watermarks(id, 'subscriber')).toEqual({ deliveredSeq: 3, seenSeq: 3 });
  });
});

describe('a draft', () => {
  const stored = (tab: Tab, id: string) => {
    const value = tab.options.machine.values.get(`draft/${id}`);
    return value && (JSON.parse(value) as { text: string }).text;
  };

  test('is stored shortly after the last key, or at once', async () => {
    const { clock, id, open } = begin();
    const tab = await open();
    tab.engine.drafts.set(id, 'Buong');
    await clock.run(draftStoredAfter - 10);
    tab.engine.drafts.set(id, 'Buongiorno');
    await clock.run(draftStoredAfter - 10);
    expect(stored(tab, id)).toBeUndefined();
    await clock.run(20);
    expect(stored(tab, id)).toBe('Buongiorno');
    tab.engine.drafts.set(id, 'Buonasera');
    await during(clock, tab.engine.drafts.flush());
    expect(stored(tab, id)).toBe('Buonasera');
  });

  test('from the tab that wrote last wins', async () => {
    const { clock, id, open } = begin();
    const [one, two] = [await open(), await open()];
    one.engine.drafts.set(id, 'First');
    await clock.run(100);
    two.engine.drafts.set(id, 'Second');
    await during(clock, two.engine.drafts.flush());
    await clock.run(second);
    expect(stored(one, id)).toBe('Second');
    await during(clock, one.engine.drafts.refresh());
    expect(one.engine.drafts.get(id)?.text).toBe('Second');
  });

  test('is replaced by the message that it becomes, in one write', async () => {
    const { clock, id, open, texts } = begin();
    const tab = await open();
    tab.engine.drafts.set(id, 'Eccomi');
    await during(clock, tab.engine.send(id, { body: 'Eccomi' }));
    await clock.run(second);
    expect(stored(tab, id)).toBe('');
    expect(tab.engine.drafts.get(id)).toBeUndefined();
    expect(texts()).toEqual(['Eccomi']);
  });
});

describe('stored state of a device', () => {
  const keeping = { keepsMessages: 2 };

  /** A device that has had a conversation open, and was left. */
  async function left() {
    const scene = begin('interlocutor');
    for (let count = 0; count < 3; count++) scene.hear();
    const tab = await scene.open(keeping);
    await during(scene.clock, tab.engine.open(scene.id));
    await scene.clock.run(3 * second);
    tab.kill();
    return scene;
  }

  test('includes the list and the latest messages, and is shown without a network', async () => {
    const { id, open } = await left();
    const tab = await open(keeping, false);
    expect(tab.engine.view.value.heads.map((head) => head.id)).toEqual([id]);
    expect(texts(tab, id)).toEqual(['Message 2', 'Message 3']);
    expect(tab.asked).toEqual([]);
  });

  test('is updated by loading only what has changed since', async () => {
    const { id, clock, service, hear, open, asked } = await left();
    service.withdraw('subscriber', id, 3);
    hear();
    const tab = await open(keeping);
    await clock.run(3 * second);
    expect(texts(tab, id)).toEqual(['Message 2', '', 'Message 4']);
    expect(asked(tab, '/api/conversations?').every((path) => path.includes('changedSince='))).toBe(true);
    expect(asked(tab, '/messages?').every((path) => path.includes('changedAfter='))).toBe(true);
  });

  test('becomes complete if it was stored while something was missing', async () => {
    const { id, clock, machine, open } = await left();
    // The list was kept once more after a change, and the messages were not.
    const [kept] = [
      JSON.parse(machine.values.get(`kept/timeline/${id}`)!) as { revision: number; messages: unknown[] },
    ];
    const older = { ...kept, revision: kept.revision - 1, lastSeq: 2, messages: kept.messages.slice(0, 1) };
    machine.values.set(`kept/timeline/${id}`, JSON.stringify(older));
    const heldSince = new Date(clock.now() + 120 * second).toISOString();
    machine.values.set('kept/synced', JSON.stringify({ version: 1, heldSince }));
    const tab = await open(keeping);
    await clock.run(3 * second);
    expect(texts(tab, id)).toEqual(['Message 2', 'Message 3']);
    expect(tab.engine.isComplete).toBe(true);
  });

  test('is deleted with the conversation', async () => {
    const { id, clock, service, machine, open } = await left();
    await open(keeping);
    service.erase(id);
    await clock.run(3 * second);
    expect([...machine.values.keys()].filter((key) => key.includes(id))).toEqual([]);
  });

  test('is written by one tab, until that is closed', async () => {
    const { id, clock, machine, hear, open } = await left();
    const [first, other] = [await open(keeping), await open({ keepsMessages: 1 })];
    const count = () =>
      (JSON.parse(machine.values.get(`kept/timeline/${id}`)!) as { messages: unknown[] }).messages.length;
    hear();
    await clock.run(3 * second);
    expect(count()).toBe(2);
    first.kill();
    hear();
    await clock.run(3 * second);
    expect(count()).toBe(1);
    expect(other.isAlive).toBe(true);
  });
});

describe('queued files', () => {
  test('wait offline with their message, survive the page, and are sent once', async () => {
    const { id, clock, service, machine, open } = begin('interlocutor');
    const tab = await open();
    tab.isOnline = false;
    tab.socket.goSilent(0);
    const file = { about: { name: 'cake.jpg' }, file: 'a cake' };
    await during(clock, tab.engine.send(id, { body: 'Like this', files: [file] }));
    tab.kill();
    const again = await open();
    await clock.run(10 * second);
    expect(service.files(id, 'interlocutor', 'Like this')).toEqual(['a cake']);
    expect(service.texts(id, 'interlocutor')).toEqual(['Like this']);
    expect(again.engine.outbox.view.value.messages).toEqual([]);
    expect([...machine.values.keys()].filter((key) => key.startsWith('file/'))).toEqual([]);
  });

  test('are returned with a message that is discarded', async () => {
    const { id, clock, service, open } = begin('interlocutor');
    const tab = await open();
    service.trouble = new Refusal('attachment_rejected');
    const clientId = await during(
      clock,
      tab.engine.send(id, { body: '', files: [{ about: { name: 'cake.jpg' }, file: 'a cake' }] }),
    );
    await clock.run(10 * second);
    expect(tab.engine.outbox.view.value.messages).toMatchObject([{ state: 'failed' }]);
    const content = await during(clock, tab.engine.outbox.discard(clientId));
    expect(content).toEqual({ body: '', files: [{ about: { name: 'cake.jpg' }, file: 'a cake' }] });
  });

  test('are uploaded again if the service has deleted them', async () => {
    const { id, clock, service, open } = begin('interlocutor');
    const tab = await open();
    let isFirst = true;
    const send = service.send.bind(service);
    service.send = (...parameters) => {
      if (isFirst) service.forgetUploads();
      isFirst = false;
      return send(...parameters);
    };
    await during(clock, tab.engine.send(id, { body: '', files: [{ about: {}, file: 'a cake' }] }));
    await clock.run(20 * second);
    expect(service.files(id, 'interlocutor', '')).toEqual(['a cake']);
  });
});
