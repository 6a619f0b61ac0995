import type { Party, SendMessage, SendReceipt, Told, ToldEvent } from '../../src/contract/events.js';
import { Refused } from '../api.js';
import { Engine } from '../engine.js';
import type { HttpAnswer, Lock, Ports, Socket, Store } from '../ports.js';
import type { SimulatedClock } from './clock.js';
import { type Listener, Refusal, type SimulatedService } from './service.js';

const never = new Promise<never>(() => undefined);

/** Decides what becomes of requests: numbers of at least 0, less than 1, from a seed. */
export type Chance = () => number;

/** A generator of numbers, small and even enough for a simulation (mulberry32). */
export function chanceOf(seed: number): Chance {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The part of a machine that its tabs share: storage and locks. */
export class Machine {
  readonly values = new Map<string, string>();
  private readonly held = new Map<string, Tab>();
  private readonly waiting: { name: string; tab: Tab; enter: () => void }[] = [];

  request<Result>(name: string, tab: Tab, work: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        this.held.set(name, tab);
        void work()
          .then(resolve, reject)
          .finally(() => tab.isAlive && this.release(name));
      };
      this.waiting.push({ name, tab, enter });
      this.next(name);
    });
  }

  /** A tab that goes lets others in. */
  forget(tab: Tab): void {
    for (const [name, holder] of this.held) if (holder === tab) this.release(name);
  }

  private release(name: string): void {
    this.held.delete(name);
    this.next(name);
  }

  private next(name: string): void {
    if (this.held.has(name)) return;
    const index = this.waiting.findIndex((each) => each.name === name && each.tab.isAlive);
    if (index >= 0) this.waiting.splice(index, 1)[0]!.enter();
  }
}

export interface TabOptions {
  clock: SimulatedClock;
  service: SimulatedService;
  machine: Machine;
  party: Party;
  chance: Chance;
  /** Without faults every request takes a moment, and is answered. */
  faults?: boolean;
  engine?: Partial<ConstructorParameters<typeof Engine>[0]>;
}

/** A tab with an engine, whose network fails, and which can be killed while it waits for anything. */
export class Tab {
  readonly engine: Engine;
  readonly socket: SimulatedSocket;
  isAlive = true;
  isOnline = true;
  /** Requests of this tab, as the service got them. */
  readonly asked: string[] = [];
  /** Kills the tab once it has waited so often. */
  killAfter = Infinity;
  private lastPut: Promise<void> = Promise.resolve();

  constructor(readonly options: TabOptions) {
    this.socket = new SimulatedSocket(this);
    this.engine = new Engine({
      ...this.ports(),
      party: options.party,
      account: 'account',
      pages: { heads: 2, shown: 3, changed: 2 },
      keepsMessages: 4,
      ...options.engine,
    });
  }

  /** Cancels everything still due. */
  kill(): void {
    this.isAlive = false;
    this.socket.vanish();
    this.options.machine.forget(this);
  }

  /** Milliseconds that something takes; now and then it takes long. */
  delay(): number {
    const { chance, faults } = this.options;
    const most = faults && chance() < 0.1 ? 5_000 : 80;
    return 1 + Math.floor(chance() * most);
  }

  happens(share: number): boolean {
    return Boolean(this.options.faults) && this.options.chance() < share;
  }

  /** Something that the tab waits for. A tab that is killed meanwhile waits for ever. */
  async wait(milliseconds: number): Promise<void> {
    this.killAfter--;
    if (this.killAfter <= 0 && this.isAlive) this.kill();
    if (!this.isAlive) return never;
    await new Promise<void>((resolve) => void this.options.clock.setTimeout(resolve, milliseconds));
    if (!this.isAlive) return never;
  }

  /**
   * Carries a request to the service, and its answer back. Either may be lost; a request may come twice, and comes even if
   * the tab is killed meanwhile.
   */
  async carry<Answer>(name: string, ask: () => Answer): Promise<Answer> {
    const { clock } = this.options;
    if (this.happens(0.05)) await this.lost();
    const times = this.happens(0.1) ? 2 : 1;
    const arrivals = Array.from({ length: times }, () => {
      return new Promise<Answer>((resolve, reject) => {
        const arrive = () => {
          this.asked.push(name);
          try {
            resolve(structuredClone(ask()));
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        };
        clock.setTimeout(() => (this.isOnline ? arrive() : undefined), this.delay());
      });
    });
    for (const arrival of arrivals) arrival.catch(() => undefined);
    await this.wait(0);
    const outcome = await arrivals[0]!.then(
      (answer) => () => answer,
      (error: Error) => () => {
        throw error;
      },
    );
    if (this.happens(0.1)) await this.lost();
    await this.wait(this.delay());
    if (!this.isOnline) await this.lost();
    return outcome();
  }

  /** Nothing comes back, and it takes a while until that is noticed, or for ever. */
  private async lost(): Promise<never> {
    await this.wait(this.delay());
    if (this.options.chance() < 0.3) return never;
    throw new Error('the network failed');
  }

  private ports(): Ports {
    const { clock, machine, party, chance } = this.options;
    let ids = 0;
    const prefix = Math.floor(chance() * 2 ** 32).toString(16);
    const whileAlive = (work: () => void) => () => {
      if (this.isAlive) work();
    };
    const store: Store = {
      get: async (key) => {
        await this.wait(1);
        return parsed(machine.values.get(key));
      },
      entries: async (begin) => {
        await this.wait(1);
        return [...machine.values].filter(([key]) => key.startsWith(begin)).map(([key, value]) => [key, parsed(value)]);
      },
      put: (entries) => {
        const written = entries.map(
          ([key, value]) => [key, value === undefined ? value : JSON.stringify(value)] as const,
        );
        this.lastPut = this.lastPut.then(async () => {
          await this.wait(1);
          for (const [key, value] of written) {
            if (value === undefined) machine.values.delete(key);
            else machine.values.set(key, value);
          }
          await this.wait(1);
        });
        return this.lastPut;
      },
    };
    const lock: Lock = { request: (name, work) => machine.request(name, this, work) };
    return {
      http: async (path, { method, body }): Promise<HttpAnswer> => {
        if (!this.isOnline) return this.lost();
        const answer = await this.carry(`${method} ${path}`, () => this.answer(method, path, body));
        return { status: answer.status, text: async () => JSON.stringify(answer.body) ?? '' };
      },
      socket: this.socket,
      clock: {
        now: () => clock.now(),
        setTimeout: (work, milliseconds) => clock.setTimeout(whileAlive(work), milliseconds),
        clearTimeout: (timer) => clock.clearTimeout(timer),
      },
      random: { number: chance, id: () => `${party}-${prefix}-${ids++}` },
      store,
      lock,
      upload: async (conversationId, file) => {
        const silence = new Promise<never>((_resolve, reject) => {
          clock.setTimeout(
            whileAlive(() => reject(new Error('no answer in time'))),
            30_000,
          );
        });
        const upload = this.isOnline
          ? this.carry('upload', () => this.options.service.upload(conversationId, file as string))
          : this.lost();
        upload.catch(() => undefined);
        try {
          return await Promise.race([upload, silence]);
        } catch (error) {
          throw error instanceof Refusal ? new Refused(error.problem) : error;
        }
      },
    };
  }

  private answer(method: string, path: string, body: string | undefined): { status: number; body: unknown } {
    const { service, party } = this.options;
    const [, , , conversationId = '', part, seq] = path.split('/');
    const asked = { conversationId, ...(body && (JSON.parse(body) as object)) };
    try {
      if (method === 'GET') return { status: 200, body: service.get(party, path) };
      if (method === 'POST') return { status: 201, body: service.send(party, asked as SendMessage) };
      if (method === 'PUT') service.receipt(party, asked);
      if (method === 'DELETE' && part === 'messages') service.withdraw(party, conversationId, Number(seq));
      return { status: 204, body: undefined };
    } catch (error) {
      const { problem } = error as Refusal;
      return { status: problem.status, body: problem };
    }
  }
}

const parsed = (value: string | undefined): unknown => (value === undefined ? undefined : JSON.parse(value));

/** A socket as socket.io-client has it. Events of one conversation come in order, those of several in any. */
export class SimulatedSocket implements Socket {
  connected = false;
  active = false;
  /** Refuses the next connections with it. */
  refusal: Refusal | undefined;
  private readonly listeners = new Map<string, ((...values: never[]) => void)[]>();
  private rejects = new Set<(error: Error) => void>();
  private connection = 0;
  private hears: Listener | undefined;

  constructor(private readonly tab: Tab) {}

  on(event: string, listener: (...values: never[]) => void): void {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]);
  }

  async emitWithAck(event: string, payload: unknown): Promise<unknown> {
    const { service, party } = this.tab.options;
    const ask = () => {
      try {
        if (event === 'message.send') return { data: service.send(party, payload as SendMessage) };
        return { data: service.receipt(party, payload as SendReceipt) ?? {} };
      } catch (error) {
        return { error: (error as Refusal).problem };
      }
    };
    return new Promise((resolve, reject) => {
      this.rejects.add(reject);
      this.tab.carry(event, ask).then(
        (answer) => this.rejects.delete(reject) && resolve(answer),
        // Without an answer nothing happens until the connection is lost.
        () => undefined,
      );
    });
  }

  connect(): void {
    if (this.connected || this.active) return;
    this.active = true;
    this.attempt();
  }

  disconnect(): void {
    this.active = false;
    this.drop('io client disconnect');
  }

  /** The connection ends, and both sides know it. */
  cut(reason: string): void {
    if (!this.connected) return;
    this.active = reason !== 'io server disconnect';
    this.drop(reason);
    if (this.active) this.attempt();
  }

  /** Nothing comes any more, which is noticed later. */
  goSilent(noticedAfter: number): void {
    this.deaf();
    const { connection } = this;
    const notice = () => {
      if (this.connection === connection) this.cut('ping timeout');
    };
    this.tab.options.clock.setTimeout(notice, noticedAfter);
  }

  vanish(): void {
    this.connection++;
    this.connected = this.active = false;
    this.deaf();
  }

  private deaf(): void {
    if (this.hears) this.tab.options.service.listeners.delete(this.hears);
    this.hears = undefined;
  }

  private attempt(): void {
    const { clock, service, party } = this.tab.options;
    clock.setTimeout(() => {
      if (!this.tab.isAlive || !this.active || this.connected) return;
      if (!this.tab.isOnline) return this.attempt();
      if (this.refusal) {
        this.active = false;
        return this.fire('connect_error', Object.assign(new Error('refused'), { data: this.refusal.problem }));
      }
      this.connected = true;
      const connection = ++this.connection;
      const dueAt = new Map<string, number>();
      this.hears = (event, payload) => this.deliver({ event, payload, connection, dueAt });
      service.listeners.set(this.hears, party);
      this.fire('connect');
    }, this.tab.delay() + 200);
  }

  private deliver(told: { event: ToldEvent; payload: unknown; connection: number; dueAt: Map<string, number> }): void {
    const { event, payload, connection, dueAt } = told;
    const { clock } = this.tab.options;
    const place = (payload as Partial<Told['message.sent']>).conversationId ?? '';
    // Settings of the business come between the events of every conversation, in their order.
    const isOfAll = event === 'subscriber.changed';
    const earliest = isOfAll ? Math.max(0, ...dueAt.values()) : Math.max(dueAt.get(place) ?? 0, dueAt.get('all') ?? 0);
    const due = Math.max(clock.now() + this.tab.delay(), earliest);
    dueAt.set(isOfAll ? 'all' : place, due);
    const copy = structuredClone(payload);
    clock.setTimeout(() => {
      if (this.connection === connection && this.connected && this.hears) this.fire(event, copy);
    }, due - clock.now());
  }

  private drop(reason: string): void {
    if (!this.connected) return;
    this.connected = false;
    this.connection++;
    this.deaf();
    const rejects = [...this.rejects];
    this.rejects.clear();
    for (const reject of rejects) reject(new Error('socket has been disconnected'));
    this.fire('disconnect', reason);
  }

  private fire(event: string, ...values: unknown[]): void {
    if (!this.tab.isAlive) return;
    for (const listener of this.listeners.get(event) ?? []) listener(...(values as never[]));
  }
}
