import { expect } from '@jest/globals';
import fc from 'fast-check';
import type { MessageView, Party } from '../../src/contract/events.js';
import { SimulatedClock } from './clock.js';
import { chanceOf, Machine, Tab } from './device.js';
import { Refusal, SimulatedService } from './service.js';

const minute = 60_000;

/** Things that happen, and how often. */
const kinds = {
  send: 12,
  hear: 10,
  withdraw: 5,
  otherReceipt: 4,
  ownReceiptElsewhere: 2,
  ownWithdrawalElsewhere: 1,
  ownSendElsewhere: 2,
  seen: 6,
  expire: 2,
  broadcast: 2,
  rename: 1,
  restrict: 1,
  answer: 2,
  claim: 2,
  removeMember: 1,
  seenTimes: 1,
  join: 1,
  erase: 1,
  open: 5,
  older: 4,
  newer: 2,
  around: 3,
  close: 1,
  cut: 3,
  serverCut: 2,
  silent: 3,
  network: 3,
  kill: 2,
  killSoon: 3,
  trouble: 2,
  forgetUploads: 1,
  poke: 1,
  minutes: 3,
} as const;

type Kind = keyof typeof kinds;

/** Something that happens: `tab`, `place` and `number` choose among what there is, `after` are milliseconds. */
export interface Step {
  kind: Kind;
  tab: number;
  place: number;
  number: number;
  after: number;
}

export const anyStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    ...(Object.entries(kinds) as [Kind, number][]).map(([kind, weight]) => ({ weight, arbitrary: fc.constant(kind) })),
  ),
  tab: fc.nat(1),
  place: fc.nat(7),
  number: fc.nat(20),
  after: fc.oneof(fc.nat(50), fc.nat(3_000)),
});

/** A message that a tab was asked to send, and when it has said that it will. */
interface Written {
  conversationId: string;
  body: string;
  files: string[];
  askedAt: number;
  keptAt?: number;
  isSeenAsFailed?: boolean;
}

/** Two tabs of one account, the service, and everything that goes wrong between them. */
export class Scenario {
  readonly clock = new SimulatedClock();
  readonly service = new SimulatedService(this.clock);
  readonly machine = new Machine();
  readonly tabs: Tab[];
  readonly written: Written[] = [];
  private readonly chance;
  private moment = 0;

  constructor(
    private readonly party: Party,
    seed: number,
  ) {
    this.chance = chanceOf(seed);
    for (let count = 0; count < 4; count++) this.service.join();
    this.tabs = [this.tab(), this.tab()];
  }

  private get other(): Party {
    return this.party === 'subscriber' ? 'interlocutor' : 'subscriber';
  }

  async play(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      this.take(step);
      await this.clock.run(step.after);
    }
  }

  /** The network is well again, and so much time passes that everything is done. */
  async heal(): Promise<void> {
    this.service.trouble = undefined;
    for (const [index, tab] of this.tabs.entries()) {
      tab.options.faults = false;
      tab.isOnline = true;
      tab.killAfter = Infinity;
      tab.socket.refusal = undefined;
      if (!tab.isAlive) this.tabs[index] = this.tab(false);
    }
    await this.clock.run(10 * minute);
  }

  /** Compares both tabs with a fresh load, and the stored messages with the written ones. */
  check(): void {
    for (const tab of this.tabs) this.checkState(tab);
    this.checkStore();
    this.checkMessages();
  }

  private checkState({ engine }: Tab): void {
    const { service, party } = this;
    expect(engine.view.value.link).toEqual({ name: 'live' });
    const fresh = service.ids.map((id) => service.head(id, party));
    const byId = (one: { id: string }, two: { id: string }) => (one.id < two.id ? -1 : 1);
    expect([...engine.view.value.heads].sort(byId)).toEqual(fresh.sort(byId));
    for (const id of service.ids) {
      const { messages, ranges, lastSeq, outgoing } = engine.conversation(id).value;
      const all = service.viewed(id, party);
      const held = all.filter(({ seq }) => ranges.some(({ from, to }) => from <= seq && seq <= to));
      expect({ id, messages }).toEqual({ id, messages: held });
      expect(lastSeq).toBe(all.length);
      expect(outgoing).toEqual([]);
      // Everything that is still there was delivered in the end.
      const isThere = ({ withdrawnAt, expiredAt }: MessageView) => !withdrawnAt && !expiredAt;
      const last = all.findLast((each) => each.sender !== party && isThere(each))?.seq ?? 0;
      expect(service.watermarks(id, party).deliveredSeq).toBeGreaterThanOrEqual(last);
    }
    expect(engine.isComplete).toBe(true);
    // What was to be sent in a conversation that is gone stays as failed, if its erasure was not heard of.
    const left = engine.outbox.view.value.messages;
    expect(left.filter(({ conversationId }) => service.ids.includes(conversationId))).toEqual([]);
    const gone = ['not_found', 'attachment_lost'];
    expect(left.filter(({ problem }) => !gone.includes(problem?.code ?? ''))).toEqual([]);
  }

  /** Files go with their messages, and what is kept of conversations with them. */
  private checkStore(): void {
    const stored = [...this.machine.values].map(([key, value]) => ({ key, value: JSON.parse(value) as unknown }));
    const of = (prefix: string) => stored.filter(({ key }) => key.startsWith(prefix));
    const queued = of('outbox/').flatMap(({ value }) => (value as { files?: { id: string }[] }).files ?? []);
    const names = queued.map(({ id }) => `file/${id}`);
    expect(of('file/').filter(({ key }) => !names.includes(key))).toEqual([]);
    const heads = of('kept/head/').map(({ key }) => key.slice('kept/head/'.length));
    expect(heads.sort()).toEqual([...this.service.ids].sort());
  }

  private checkMessages(): void {
    const there = new Set(this.service.ids);
    for (const { conversationId, body, files, keptAt } of this.written) {
      if (!there.has(conversationId)) continue;
      const stored = this.bodies(conversationId).filter((each) => each === body);
      if (stored.length > 0) expect(this.service.files(conversationId, this.party, body)).toEqual(files);
      const expired = this.service.expiredTexts(conversationId, this.party).filter((each) => each === body);
      expect({ body, stored: stored.slice(expired.length + 1) }).toEqual({ body, stored: [] });
      if (keptAt !== undefined) expect(stored).toContain(body);
    }
    for (const first of this.written) {
      for (const second of this.written) {
        const inOrder = first.conversationId === second.conversationId && (first.keptAt ?? Infinity) < second.askedAt;
        if (!inOrder || !there.has(first.conversationId)) continue;
        const bodies = this.bodies(first.conversationId);
        const [one, two] = [bodies.indexOf(first.body), bodies.indexOf(second.body)];
        if (one >= 0 && two >= 0) expect(two).toBeGreaterThan(one);
      }
    }
  }

  /** Texts as they were stored, also of what was withdrawn since. */
  private bodies(id: string): string[] {
    return this.service.texts(id, this.party);
  }

  private tab(faults = true): Tab {
    const { clock, service, machine, party, chance } = this;
    const tab = new Tab({ clock, service, machine, party, chance, faults });
    void tab.engine.start();
    return tab;
  }

  private take({ kind, tab: index, place, number }: Step): void {
    const { service, party, other } = this;
    const ids = service.ids;
    const id = ids[place % Math.max(1, ids.length)];
    if (!this.tabs[index]!.isAlive) this.tabs[index] = this.tab();
    const tab = this.tabs[index]!;
    const { engine } = tab;
    const last = id === undefined ? 0 : service.viewed(id, party).length;
    const seq = last > 0 ? 1 + (number % last) : 0;
    const withoutTrouble = (work: () => unknown) => {
      const { trouble } = service;
      service.trouble = undefined;
      work();
      service.trouble = trouble;
    };
    if (id === undefined) return void service.join();
    const held = engine.conversation(id).value.messages;
    const heldSeq = held[number % Math.max(1, held.length)]?.seq;
    const actions: Record<Kind, () => unknown> = {
      send: () => this.write(tab, id, number % 3),
      hear: () => withoutTrouble(() => service.send(other, this.fromElsewhere(id))),
      withdraw: () => service.withdraw(other, id, seq),
      otherReceipt: () => withoutTrouble(() => this.receipt(other, id, seq, number)),
      ownReceiptElsewhere: () => withoutTrouble(() => this.receipt(party, id, seq, number)),
      ownWithdrawalElsewhere: () => service.withdraw(party, id, seq),
      ownSendElsewhere: () => withoutTrouble(() => service.send(party, this.fromElsewhere(id))),
      seen: () => heldSeq !== undefined && engine.seen(id, heldSeq),
      broadcast: () => service.broadcast(ids.slice(place % ids.length), `To all ${this.moment++}`),
      rename: () => service.rename(id, `Name ${this.moment++}`),
      restrict: () => service.restrict(id, number % 2 === 0),
      claim: () => service.claim(id, number % 3),
      removeMember: () => service.removeMember(1 + (number % 2)),
      // A message that a device still waits to hear of is younger than any that is deleted.
      expire: () => service.expire(id, seq, ({ clientId }) => !this.isQueued(clientId)),
      answer: () => seq > 0 && service.answer(id, seq),
      seenTimes: () => service.discloseSeenTimes(number % 2 === 0),
      join: () => service.join(),
      erase: () => {
        service.forgetful = number % 4 === 0;
        if (ids.length > 2) service.erase(id);
      },
      open: () => quietly(engine.open(id)),
      older: () => heldSeq !== undefined && quietly(engine.load(id, 'older', heldSeq)),
      newer: () => heldSeq !== undefined && quietly(engine.load(id, 'newer', heldSeq)),
      around: () => seq > 0 && quietly(engine.open(id, { around: seq })),
      close: () => engine.close(id, 1 + (number % 4)),
      cut: () => tab.socket.cut('transport close'),
      serverCut: () => tab.socket.cut('io server disconnect'),
      silent: () => tab.socket.goSilent(number * 2_000),
      network: () => {
        tab.isOnline = !tab.isOnline;
        if (!tab.isOnline) tab.socket.goSilent(number * 2_000);
        else engine.poke();
      },
      kill: () => tab.kill(),
      killSoon: () => (tab.killAfter = number),
      trouble: () => {
        const troubles = [undefined, new Refusal('overloaded', { retryAfter: 2 }), new Refusal('internal')];
        service.trouble = troubles[number % troubles.length];
      },
      poke: () => engine.poke(),
      forgetUploads: () => service.forgetUploads(),
      minutes: () => this.clock.run(0),
    };
    actions[kind]();
  }

  private write(tab: Tab, conversationId: string, fileCount: number): void {
    const body = `Text ${this.written.length}`;
    const files = Array.from({ length: fileCount }, (_, index) => `File ${index} of ${body}`);
    const written: Written = { conversationId, body, files, askedAt: this.moment++ };
    this.written.push(written);
    const queued = files.map((file) => ({ about: { name: file }, file }));
    void tab.engine.send(conversationId, { body, files: queued }).then(() => (written.keptAt = this.moment++));
  }

  private isQueued(clientId: string): boolean {
    const isHeld = ({ engine }: Tab) => engine.outbox.view.value.messages.some((each) => each.clientId === clientId);
    const isKept = ([key, value]: [string, string]) => key.startsWith('outbox/') && value.includes(clientId);
    return this.tabs.some(isHeld) || [...this.machine.values].some(isKept);
  }

  private fromElsewhere(conversationId: string) {
    const number = this.moment++;
    return { conversationId, clientId: `elsewhere-${number}`, body: `Elsewhere ${number}` };
  }

  private receipt(party: Party, conversationId: string, seq: number, number: number): void {
    if (seq === 0) return;
    this.service.receipt(party, { conversationId, ...(number % 2 === 0 ? { seenSeq: seq } : { deliveredSeq: seq }) });
  }
}

const quietly = (work: Promise<unknown>) => void work.catch(() => undefined);

/** Milliseconds that a step lets pass before the next one. */
export const pauses = (steps: readonly Step[]): Step[] =>
  steps.map((step) => (step.kind === 'minutes' ? { ...step, after: step.number * 30_000 } : step));
