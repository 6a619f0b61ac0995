import { deepStrictEqual, ok } from 'node:assert/strict';
import type { Party } from '../../src/contract/events.js';
import { Installation, type Service, soon, until } from '../support/installation.js';
import { join, openShop, signIn } from '../support/booted-shop.js';
import { plain } from '../support/client.js';
import { type Answer, type Device, pause, settle, unique } from '../support/world.js';
import { type Books, errorsIn, errorsInIndex, misread, readBooks } from './books.js';
import { Chance } from './chance.js';
import { Correspondent, type Way } from './correspondent.js';
import { type KillPoint, Orders, type Passed } from './orders.js';
import { hashOf, SendLog } from './send-log.js';

const environment = { RATE_MESSAGES: '1000000', RATE_JOIN: '1000000', LOG_LEVEL: 'error' };

/** Kill points that need a broadcast under way. */
const pointsOfBroadcasts: KillPoint[] = ['before-answer', 'in-chunk', 'in-chunk-commit', 'after-chunk'];

/**
 * A shop and its people write to each other on an installation that is killed again and again. What they asked for and
 * were told stands in a log outside, against which the database and what every device holds are examined.
 */
export class Ordeal {
  /** Number of times the service, PostgreSQL or both were killed and came back. */
  kills = 0;
  /** Messages that the last examination found as they should be. */
  messages = 0;
  private readonly correspondents: Correspondent[] = [];
  /** Ids of broadcasts, once they are accepted. */
  private readonly broadcasting: Promise<string>[] = [];

  private constructor(
    private readonly installation: Installation,
    private readonly orders: Orders,
    private readonly chance: Chance,
    private readonly log: SendLog,
    private service: Service,
    private readonly owner: Device,
  ) {}

  static async begin(seed: number): Promise<Ordeal> {
    const orders = await Orders.open();
    const installation = await Installation.make(orders.nodeArguments);
    try {
      return await Ordeal.furnish(installation, orders, seed);
    } catch (error) {
      await installation.remove();
      await orders.remove();
      throw error;
    }
  }

  private static async furnish(installation: Installation, orders: Orders, seed: number): Promise<Ordeal> {
    const service = await installation.start({ ...environment, ...orders.environment });
    const { username, owner, anna, conversationId } = await openShop(service);
    const bruno = await join(service, owner, 'bruno');
    const carla = await join(service, owner, 'carla');
    const osteria = await join(service, owner, 'osteria');
    const contactIds = [conversationId, ...[bruno, carla, osteria].map((each) => each.conversationId)];
    const ordeal = new Ordeal(installation, orders, new Chance(seed), new SendLog(), service, owner);
    await ordeal.enter(owner, 'subscriber', contactIds, 'socket');
    await ordeal.enter(await signIn(service, username), 'subscriber', contactIds, 'socket');
    await ordeal.enter(await signIn(service, username), 'subscriber', contactIds, 'http');
    await ordeal.enter(anna, 'interlocutor', [conversationId], 'socket');
    await ordeal.enter(bruno.device, 'interlocutor', [bruno.conversationId], 'socket');
    await ordeal.enter(await signIn(service, bruno.username), 'interlocutor', [bruno.conversationId], 'http');
    await ordeal.enter(carla.device, 'interlocutor', [carla.conversationId], 'http');
    await ordeal.enter(osteria.device, 'interlocutor', [osteria.conversationId], 'socket');
    // They loaded one after the other, and signing in is told to nobody.
    for (const correspondent of ordeal.correspondents) await correspondent.client.load();
    for (const correspondent of ordeal.correspondents) correspondent.begin();
    return ordeal;
  }

  /** The service ends at a point, with PostgreSQL if wished, and is started again. */
  async killAt(point: KillPoint, { withPostgres = false } = {}): Promise<void> {
    const ofBroadcast = pointsOfBroadcasts.includes(point);
    await this.orders.give({
      point,
      countdown: ofBroadcast ? 1 : this.chance.between(1, 8),
      delay: this.chance.between(0, 4),
      postgres: withPostgres ? this.installation.postgresPid : undefined,
    });
    const postgres = this.installation.postgresPid;
    if (ofBroadcast) this.broadcast();
    const ending = await soon(this.service.ended, `the service comes by ${point}`);
    const passed = await this.orders.passed();
    deepStrictEqual([ending.signal, passed?.point], ['SIGKILL', point], ending.stderr);
    if (withPostgres) await until(() => this.installation.postgresPid === undefined, 'PostgreSQL is gone');
    else await this.examineWhatWasUnderWay(passed!);
    await this.start();
    // One that has survived is not started anew.
    deepStrictEqual(this.installation.postgresPid === postgres, !withPostgres);
  }

  /** The service ends wherever it is, with PostgreSQL if wished; and perhaps again while it starts. */
  async killAnytime({ withPostgres = false, again = false } = {}): Promise<void> {
    await pause(this.chance.between(0, 500));
    if (withPostgres) process.kill(this.installation.postgresPid!, 'SIGKILL');
    this.service.kill();
    await this.service.ended;
    if (withPostgres) await until(() => this.installation.postgresPid === undefined, 'PostgreSQL is gone');
    if (again) {
      const starting = this.installation.spawn({ ...environment, ...this.orders.environment });
      await pause(this.chance.between(0, 4_000));
      starting.kill();
      await starting.ended;
      this.kills++;
    }
    await this.start();
  }

  /** PostgreSQL ends, and the service brings it back. */
  async killPostgres(): Promise<void> {
    const before = this.installation.postgresPid!;
    process.kill(before, 'SIGKILL');
    await until(() => ![undefined, before].includes(this.installation.postgresPid), 'there is another PostgreSQL');
    await until(async () => (await this.service.ask('GET', '/api/health/ready')).status === 200, 'it is ready again');
    this.kills++;
    await this.withTheService(this.everybodyWrites());
  }

  /** Compares the log, the database and what every device holds, while nobody writes. */
  async examine(): Promise<void> {
    if (this.broadcasting.length > 0) await this.withTheService(this.finishBroadcasts());
    await Promise.all(this.correspondents.map((each) => each.rest()));
    const books = await this.installation.onPostgres(readBooks);
    deepStrictEqual(errorsIn(books, this.log), []);
    const isIndexed = async () => (await this.installation.onPostgres(errorsInIndex)) === 0;
    await this.withTheService(until(isIndexed, 'everything is in the index of the archive, and nothing else'));
    await Promise.all(this.correspondents.map((each) => each.catchUp()));
    await settle();
    await this.withTheService(Promise.all(this.correspondents.map((each) => this.compareWithFreshLoad(each, books))));
    this.messages = books.messages.length;
    for (const correspondent of this.correspondents) correspondent.write();
  }

  async end(): Promise<void> {
    await Promise.all(this.correspondents.map((each) => each.leave()));
    await this.installation.remove();
    await this.orders.remove();
    this.log.remove();
  }

  private async enter(device: Device, party: Party, conversationIds: string[], way: Way): Promise<void> {
    const { log, chance } = this;
    const own = new Chance(chance.between(0, 2 ** 31));
    this.correspondents.push(new Correspondent(device, party, { conversationIds, way, log, chance: own }));
  }

  private async compareWithFreshLoad(correspondent: Correspondent, books: Books): Promise<void> {
    const fresh = await correspondent.load();
    deepStrictEqual(misread(fresh, books, this.log), []);
    deepStrictEqual(plain(correspondent.client.held), plain(fresh));
  }

  /** Says so when something failed because the service has ended without being killed. */
  private async withTheService<Result>(work: Promise<Result>): Promise<Result> {
    try {
      return await work;
    } catch (cause) {
      if (this.service.isRunning) throw cause;
      throw new Error(`the service ended by itself: ${JSON.stringify(await this.service.ended)}`, { cause });
    }
  }

  private async start(): Promise<void> {
    this.service = await this.installation.start({ ...environment, ...this.orders.environment });
    this.kills++;
    await this.withTheService(this.everybodyWrites());
  }

  /** Waits until everybody has caught up and has been acknowledged something new. */
  private async everybodyWrites(): Promise<void> {
    const before = this.correspondents.map(({ acknowledged }) => acknowledged);
    await until(() => {
      for (const correspondent of this.correspondents) correspondent.check();
      return this.correspondents.every(
        ({ acknowledged, isBack }, index) => isBack && acknowledged >= before[index]! + 3,
      );
    }, 'everybody writes');
  }

  /** Checks that the rows stored after the end agree with the kill point; otherwise it was another point. */
  private async examineWhatWasUnderWay({ point, clientIds = [], answer }: Passed): Promise<void> {
    const books = await this.installation.onPostgres(readBooks);
    deepStrictEqual(errorsIn(books, this.log), []);
    const { messages } = books;
    const attempts = Map.groupBy(this.log.read('sending'), ({ clientId }) => clientId);
    const acknowledged = new Set(this.log.read('sent').map(({ clientId }) => clientId));
    const stored = new Set(messages.map(({ client_id: clientId }) => clientId));
    // What was sent more than once may have been stored by another statement.
    const once = clientIds.filter((clientId) => attempts.get(clientId)!.length === 1);
    const there = once.filter((clientId) => stored.has(clientId));
    if (point === 'before-commit') deepStrictEqual(there, []);
    if (point === 'after-commit') deepStrictEqual(there, once);
    if (point === 'after-commit') ok(!once.some((clientId) => acknowledged.has(clientId)));
    const isAnswer = (seq: number, sentAt: string) => seq === answer!.seq && sentAt === answer!.sentAt;
    if (point === 'before-ack' || point === 'after-ack')
      ok(messages.some(({ seq, sent_at: at }) => isAnswer(seq, at.toISOString())));
    if (point === 'after-ack')
      await until(() => this.log.read('sent').some(({ seq, sentAt }) => isAnswer(seq, sentAt)), 'the last one arrives');
  }

  /** Begins one message to all, which is asked for until it is accepted. */
  private broadcast(): void {
    const clientId = unique();
    const body = `Domani siamo chiusi: ${clientId}`;
    this.log.write({ what: 'broadcasting', clientId, body: hashOf(body) });
    const content = { clientId, kind: 'service', reason: 'closure', body, audience: { all: true } };
    const accepted = this.insist('POST', '/api/broadcasts', content).then(({ id }) => {
      this.log.write({ what: 'broadcast', clientId, id });
      return id as string;
    });
    this.broadcasting.push(accepted);
  }

  /** Waits until every broadcast has reached everybody; one more takes those along that were cut short. */
  private async finishBroadcasts(): Promise<void> {
    this.broadcast();
    for (const id of await Promise.all(this.broadcasting.splice(0))) {
      await this.insist('GET', `/api/broadcasts/${id}`, undefined, ({ state }) => state === 'finished');
    }
  }

  /** Asks until the answer is as wished, whatever becomes of the service meanwhile. */
  private async insist(
    method: string,
    path: string,
    content?: unknown,
    wished: (body: Answer['body']) => boolean = () => true,
  ): Promise<Answer['body']> {
    let answer: Answer | undefined;
    await until(async () => {
      answer = await this.owner.ask(method, path, content).catch(() => undefined);
      if (answer && answer.status >= 400 && answer.status < 500) throw new Error(JSON.stringify(answer.body));
      return answer !== undefined && answer.status < 300 && wished(answer.body);
    }, `${method} ${path} is answered as wished`);
    return answer!.body;
  }
}
