import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { BroadcastRuns } from '../src/broadcasts/broadcast-runs.service.js';
import { HotStatements } from '../src/platform/hot-statements.js';
import { Client, plain } from './support/client.js';
import { Chance } from './crash/chance.js';
import { crowd, disperse } from './support/crowd.js';
import {
  type Answer,
  type Device,
  expectStatus,
  password,
  pause,
  type Person,
  settle,
  type Shop,
  unique,
  until,
  World,
} from './support/world.js';

/** Promise 3 when everything happens at once: each message is stored once, and everybody is told the same of it. */

let world: World;
let bakery: Shop;
let anna: Person;

beforeAll(async () => {
  world = await World.shared();
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
  await bakery.owner.connect();
  await anna.device.connect();
});
afterAll(() => world.close());

/** Answer to a send, over either way. */
interface Answered {
  data?: { seq: number; sentAt: string };
  code?: string;
}

type Send = (message: { clientId: string; body: string }) => Promise<Answered>;

const overHttp =
  (device: Device, conversationId = anna.contactId): Send =>
  async (message) => {
    const path = `/api/conversations/${conversationId}/messages`;
    const { status, body }: Answer = await device.ask('POST', path, message);
    return status < 300 ? { data: body } : { code: body.code };
  };

const overSocket =
  (device: Device, conversationId = anna.contactId): Send =>
  async (message) => {
    const { data, error } = await device.emit('message.send', { conversationId, ...message });
    return { data, code: error?.code };
  };

const storedUnder = (clientId: string) =>
  world.rows<{ seq: number; sender: string }>('SELECT seq, sender FROM message WHERE client_id = $1 ORDER BY seq', [
    clientId,
  ]);

describe('one clientId from 24 sockets and 24 requests of four sessions at once', () => {
  let ways: Send[];

  beforeAll(async () => {
    ways = [];
    for (const session of [anna.device, ...(await Promise.all([1, 2, 3].map(() => world.signIn(anna.username))))]) {
      for (let i = 0; i < 6; i++) {
        const socket = await world.device(session.token, session.sessionId).connect();
        ways.push(overSocket(socket), overHttp(session));
      }
    }
    expect(ways).toHaveLength(48);
  });

  test('with the same content is one message, and every answer is the same', async () => {
    const message = { clientId: unique(), body: 'Una dozzina di uova' };
    const answers = await Promise.all(ways.map((send) => send(message)));
    expect(answers[0]!.data).toEqual({ seq: expect.any(Number), sentAt: expect.any(String) });
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(await storedUnder(message.clientId)).toEqual([{ seq: answers[0]!.data!.seq, sender: 'interlocutor' }]);
    await bakery.owner.hears('message.sent', ({ clientId }) => clientId === message.clientId);
    const told = bakery.owner.heard.filter(
      ({ event, payload }) => event === 'message.sent' && payload.clientId === message.clientId,
    );
    expect(told).toHaveLength(1);
  });

  test('with different contents is stored for one of them, and refused to all others', async () => {
    const clientId = unique();
    const answers = await Promise.all(ways.map((send, index) => send({ clientId, body: `Uova: ${index}` })));
    const winner = answers.findIndex(({ data }) => data);
    const others = answers.filter((_, index) => index !== winner);
    expect(others.map(({ code }) => code)).toEqual(others.map(() => 'client_id_reused'));
    expect(await storedUnder(clientId)).toHaveLength(1);
    const told = await bakery.owner.hears('message.sent', (each) => each.clientId === clientId);
    expect(told).toMatchObject({ seq: answers[winner]!.data!.seq, body: `Uova: ${winner}` });
  });

  test('from both parties is two messages', async () => {
    const message = { clientId: unique(), body: 'A domani' };
    const own = [overSocket(bakery.owner), overHttp(bakery.owner)];
    const answers = await Promise.all([...ways, ...own].map((send) => send(message)));
    expect(new Set(answers.map(({ data }) => data!.seq)).size).toBe(2);
    const stored = await storedUnder(message.clientId);
    expect(stored.map(({ sender }) => sender).sort()).toEqual(['interlocutor', 'subscriber']);
  });

  test('with withdrawals in between is still one message, and it stays withdrawn', async () => {
    const message = { clientId: unique(), body: 'Anzi no' };
    const { data } = await ways[0]!(message);
    const path = `/api/conversations/${anna.contactId}/messages/${data!.seq}`;
    const withdrawals = [1, 2, 3].map(() => anna.device.ask('DELETE', path));
    const answers = await Promise.all(ways.map((send) => send(message)));
    for (const { status } of await Promise.all(withdrawals)) expect(status).toBe(204);
    for (const answer of answers) expect(answer.data).toEqual(data);
    expect(await storedUnder(message.clientId)).toHaveLength(1);
    const { body: page } = await bakery.owner.ask('GET', path.replace(/\/\d+$/, '?limit=1'));
    expect(page.items[0]).toMatchObject({ seq: data!.seq, body: '', withdrawnAt: expect.any(String) });
  });
});

describe('while a broadcast is being sent', () => {
  const promotional = { kind: 'promotional', body: 'Oggi la focaccia è in offerta', audience: { all: true } };

  async function begin(content: Record<string, unknown>): Promise<string> {
    const answer = await bakery.owner.ask('POST', '/api/broadcasts', { clientId: unique(), ...content });
    expectStatus(answer, 202);
    return answer.body.id;
  }

  const viewOf = async (id: string) => (await bakery.owner.ask('GET', `/api/broadcasts/${id}`)).body;
  const begun = (id: string) => until(async () => (await viewOf(id)).sent > 0, 'the broadcast has begun');
  const finished = (id: string) =>
    until(async () => (await viewOf(id)).state === 'finished', 'the broadcast has reached everybody');

  async function entriesOf(id: string, contactId: string): Promise<number> {
    const [row] = await world.rows<{ entries: number }>(
      'SELECT count(*)::integer AS entries FROM message WHERE broadcast_id = $1 AND conversation_id = $2',
      [id, contactId],
    );
    return row!.entries;
  }

  async function consent({ device, contactId }: Person, given: boolean): Promise<void> {
    const path = `/api/policies/current?audience=interlocutor&contactId=${contactId}`;
    const [policy] = (await device.ask('GET', path)).body.items;
    const saying = { policyId: policy.id, purpose: 'promotions', given, contactId };
    expectStatus(await device.ask('POST', '/api/consents', saying), 204);
  }

  test('a message and its retries wait for the chunk that holds their conversation, and are one message after it', async () => {
    const message = { clientId: unique(), body: 'Ci sarà anche domenica?' };
    let answered = 0;
    let sends: Promise<Answered>[] = [];
    let id = '';
    // The chunk makes its entries, and cannot write into the ledger.
    await world.holding('LOCK TABLE broadcast_recipient IN SHARE MODE', [], async () => {
      id = await begin({ kind: 'service', reason: 'closure', body: 'Domani siamo chiusi', audience: { all: true } });
      await until(async () => {
        const waiting = `SELECT FROM pg_locks WHERE NOT granted AND relation = 'broadcast_recipient'::regclass`;
        return (await world.rows(waiting)).length === 1;
      }, 'the chunk waits');
      sends = [overSocket, overHttp, overHttp].map(async (over) => {
        const answer = await over(anna.device)(message);
        answered++;
        return answer;
      });
      await settle();
      expect(answered).toBe(0);
    });
    const answers = await Promise.all(sends);
    await finished(id);
    expect(answers[0]!.data).toBeDefined();
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    const { body } = await anna.device.ask('GET', `/api/conversations/${anna.contactId}/messages?limit=2`);
    expect(body.items).toEqual([
      expect.objectContaining({ broadcastId: id, seq: answers[0]!.data!.seq - 1 }),
      expect.objectContaining({ clientId: message.clientId, seq: answers[0]!.data!.seq }),
    ]);
  });

  test('people opt out, join and write: nothing promotional follows the answer to an opt-out, and the others get it once', async () => {
    const chance = new Chance(Date.now() % 2 ** 31);
    const join = () => world.join(bakery, 'bruno', { promotions: true });
    const early = await Promise.all([1, 2, 3, 4].map(join));
    // Several chunks lie between those who come first and those who come last.
    const many = await crowd(world, bakery, 1_200);
    const people = [...early, ...(await Promise.all([1, 2, 3, 4].map(join)))];
    for (const { device } of people) await device.connect();
    // Of a slow machine, so that there is time to do something meanwhile.
    await world.rows(`
      CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.0005); RETURN NEW; END';
      CREATE TRIGGER linger BEFORE INSERT ON broadcast_recipient FOR EACH ROW EXECUTE FUNCTION linger()`);

    for (let round = 0; round < 2; round++) {
      const id = await begin(promotional);
      const joining = join();
      const outcomes = await Promise.all(
        people.map(async (person, index) => {
          await begun(id);
          await pause(chance.between(0, 800));
          const message = { clientId: unique(), body: 'Che buona' };
          const [one, other] = [overSocket, overHttp].map((over) => over(person.device, person.contactId)(message));
          const no = index % 2 === round % 2;
          if (no) await consent(person, false);
          // Whatever came before the answer may stay, and nothing comes after it.
          const entries = no ? await entriesOf(id, person.contactId) : 1;
          expect((await one!).data).toBeDefined();
          expect(await one).toEqual(await other);
          return { person, no, entries };
        }),
      );
      const late = await join();
      await finished(id);
      for (const { person, entries } of outcomes) expect(await entriesOf(id, person.contactId)).toBe(entries);
      // Who joins between the making and the beginning may be among the recipients.
      expect(await entriesOf(id, (await joining).contactId)).toBeLessThanOrEqual(1);
      expect(await entriesOf(id, late.contactId)).toBe(0);
      const [ledger] = await world.rows<{ sent: number }>(
        `SELECT count(*)::integer AS sent FROM broadcast_recipient JOIN message USING (subscriber_id, broadcast_id, seq)
         WHERE broadcast_id = $1 AND contact_id = conversation_id AND contact_id = ANY ($2::uuid[])`,
        [id, many],
      );
      expect(ledger!.sent).toBe(many.length);
      for (const { person, no } of outcomes) if (no) await consent(person, true);
    }
    await world.rows('DROP FUNCTION linger CASCADE');
    const gaps = await world.rows(
      `SELECT conversation.id FROM conversation JOIN message ON message.conversation_id = conversation.id
       GROUP BY conversation.id, conversation.last_seq, conversation.revision
       HAVING count(*) <> conversation.last_seq OR max(seq) <> conversation.last_seq OR max(message.revision) <> conversation.revision`,
    );
    expect(gaps).toEqual([]);
    await disperse(world, many);
  });
});

describe('a change whose commit was not answered by the database reaches every connected device:', () => {
  let bruno: Person;
  let stranger: Person;
  let clients: [Client, Device][];

  beforeEach(async () => {
    bruno = await world.join(bakery, 'bruno', { promotions: true });
    stranger = await world.join(await world.shop('florist'), 'carla');
    const counter = await world.signIn(bakery.username);
    clients = [];
    for (const device of [counter, bruno.device, stranger.device]) {
      await device.connect();
      clients.push([await new Client(device, device === counter ? 'subscriber' : 'interlocutor').load(), device]);
    }
  });

  /** Leaves out the work that goes on beside requests, which has transactions too: its slices stand in the stack. */
  const isOfARequest = () => !/\/dist\/src\/(change-feed|push|unread-mails)\//.test(new Error().stack!);

  /** The next call of this kind is answered by a connection that has broken, after it has done what it was to do. */
  function loseTheAnswer<Name extends string>(
    of: Record<Name, (...values: never[]) => Promise<unknown>>,
    name: Name,
    isMeant: (first: { name?: string }) => boolean = isOfARequest,
  ) {
    const real = of[name];
    of[name] = async (...values: never[]) => {
      if (!isMeant(values[0]!)) return real.apply(of, values);
      of[name] = real;
      await real.apply(of, values);
      throw new Error('Connection terminated unexpectedly');
    };
  }

  async function everybodyLearnsOfIt(): Promise<void> {
    const [[, counter], [, phone], [, other]] = clients as [[Client, Device], [Client, Device], [Client, Device]];
    await until(() => !counter.connected && !phone.connected, 'the devices of both parties are cut');
    expect(other.connected).toBe(true);
    for (const [client, device] of clients) {
      await client.hear();
      if (!device.connected) {
        await device.connect();
        await client.catchUp();
      }
      await client.hear();
      const fresh = await new Client(device, device === counter ? 'subscriber' : 'interlocutor').load();
      expect(plain(client.held)).toEqual(plain(fresh.held));
    }
  }

  const path = () => `/api/conversations/${bruno.contactId}`;
  const contentOf = (clientId: string) => ({ clientId, body: 'È arrivato?' });

  test('a message', async () => {
    loseTheAnswer(world.service.app.get(HotStatements), 'query', ({ name }) => name === 'append_message');
    const clientId = unique();
    expectStatus(await bruno.device.ask('POST', `${path()}/messages`, contentOf(clientId)), 503);
    expect(await storedUnder(clientId)).toHaveLength(1);
    await everybodyLearnsOfIt();
    expectStatus(await bruno.device.ask('POST', `${path()}/messages`, contentOf(clientId)), 200);
  });

  test('a receipt', async () => {
    expectStatus(await bruno.device.ask('POST', `${path()}/messages`, contentOf(unique())), 201);
    loseTheAnswer(world.service.app.get(HotStatements), 'query', ({ name }) => name === 'raise_watermarks');
    expectStatus(await bakery.owner.ask('PUT', `${path()}/receipt`, { seenSeq: 1 }), 503);
    expect((await bruno.device.ask('GET', path())).body.other.seenSeq).toBe(1);
    await everybodyLearnsOfIt();
  });

  test('a withdrawal', async () => {
    expectStatus(await bruno.device.ask('POST', `${path()}/messages`, contentOf(unique())), 201);
    loseTheAnswer(world.service.app.get(DataSource).manager, 'transaction');
    expectStatus(await bruno.device.ask('DELETE', `${path()}/messages/1`), 503);
    expect((await bruno.device.ask('GET', `${path()}/messages`)).body.items[0].body).toBe('');
    await everybodyLearnsOfIt();
  });

  test('a request for deletion, and taking it back', async () => {
    const { contactId } = bruno;
    loseTheAnswer(world.service.app.get(DataSource).manager, 'transaction');
    expectStatus(await bruno.device.ask('POST', '/api/deletion-requests', { contactId }), 503);
    expect((await bakery.owner.ask('GET', path())).body.deletion).not.toBeNull();
    await everybodyLearnsOfIt();
    const { body } = await bruno.device.ask('GET', '/api/deletion-requests');
    loseTheAnswer(world.service.app.get(DataSource).manager, 'transaction');
    expectStatus(await bruno.device.ask('DELETE', `/api/deletion-requests/${body.items[0].id}`), 503);
    expect((await bakery.owner.ask('GET', path())).body.deletion).toBeNull();
    await everybodyLearnsOfIt();
  });

  test('a pause and a closing of a business, on the devices of everybody who talks with it', async () => {
    const closing = { password, businessName: String(bakery.registration['businessName']) };
    for (const [method, address, content] of [
      ['PUT', '/api/subscriber/pause', { paused: true }],
      ['PUT', '/api/subscriber/pause', { paused: false }],
      ['POST', '/api/subscriber/closing', closing],
      ['DELETE', '/api/subscriber/closing', undefined],
    ] as const) {
      loseTheAnswer(world.service.app.get(DataSource).manager, 'transaction');
      expectStatus(await bakery.owner.ask(method, address, content), 503);
      await everybodyLearnsOfIt();
    }
    const { counterpart } = (await bruno.device.ask('GET', path())).body;
    expect(counterpart).toMatchObject({ paused: false, closesAt: null });
  });

  test('the last chunk of a broadcast', async () => {
    const later = new Date(Date.now() + 86_400_000).toISOString();
    const content = { clientId: unique(), kind: 'service', reason: 'closure', body: 'Domani chiuso', sendAt: later };
    const audience = { contactIds: [bruno.contactId] };
    const { body: made } = await bakery.owner.ask('POST', '/api/broadcasts', { ...content, audience });
    await world.rows('UPDATE broadcast SET send_at = now() WHERE id = $1', [made.id]);
    loseTheAnswer(world.service.app.get(DataSource).manager, 'transaction');
    await expect(world.service.app.get(BroadcastRuns).proceed()).rejects.toThrow('terminated');
    expect((await bakery.owner.ask('GET', `/api/broadcasts/${made.id}`)).body.state).toBe('finished');
    await everybodyLearnsOfIt();
  });
});
