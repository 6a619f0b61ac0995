import { errorCatalogue, type Problem } from '../../src/contract/errors.js';
import type { Party } from '../../src/contract/events.js';
import { until } from '../support/installation.js';
import { Client, type Held } from '../support/client.js';
import { type Device, pause, unique } from '../support/world.js';
import type { Chance } from './chance.js';
import { hashOf, type SendLog } from './send-log.js';

export type Way = 'socket' | 'http';

interface Message {
  conversationId: string;
  clientId: string;
  body: string;
}

interface Sent {
  seq: number;
  sentAt: string;
}

interface Circumstances {
  conversationIds: string[];
  way: Way;
  log: SendLog;
  chance: Chance;
}

/** Large, for an examination loads everything. */
const pages = { heads: 50, messages: 200 };

/**
 * A device that writes in its conversations and holds what a client holds, whatever becomes of the service meanwhile. It
 * sends what got no answer again until it is answered, or gives a message up; everything is written down.
 */
export class Correspondent {
  readonly client: Client;
  /** Messages that were acknowledged. */
  acknowledged = 0;
  private readonly conversationIds: string[];
  private readonly way: Way;
  private readonly log: SendLog;
  private readonly chance: Chance;
  private readonly own: { conversationId: string; seq: number }[] = [];
  private following: Promise<void> | undefined;
  private writing: Promise<void> | undefined;
  private failure: Error | undefined;
  private resting = false;
  private leaving = false;
  private upToDate = false;

  constructor(
    private readonly device: Device,
    private readonly party: Party,
    { conversationIds, way, log, chance }: Circumstances,
  ) {
    this.client = new Client(device, party, pages);
    this.conversationIds = conversationIds;
    this.way = way;
    this.log = log;
    this.chance = chance;
  }

  begin(): void {
    this.following = this.follow();
    this.write();
  }

  write(): void {
    this.resting = false;
    this.writing = this.keepWriting().catch((error: Error) => {
      this.failure ??= error;
    });
  }

  /** Resolves when everything that was begun has been answered or given up. */
  async rest(): Promise<void> {
    this.resting = true;
    await this.writing;
    this.check();
  }

  async leave(): Promise<void> {
    this.resting = this.leaving = true;
    await Promise.all([this.writing, this.following]);
    this.device.disconnect();
  }

  /** Set if it is connected, and has caught up since. */
  get isBack(): boolean {
    return this.upToDate && (this.way === 'http' || this.device.connected);
  }

  /** @throws what the service answered and should not have */
  check(): void {
    if (this.failure) throw this.failure;
  }

  async catchUp(): Promise<void> {
    this.upToDate = false;
    await until(() => this.isBack, 'a device catches up');
  }

  /** State of a fresh device after its first load. */
  async load(): Promise<Held> {
    return (await new Client(this.device, this.party, pages).load()).held;
  }

  /** Does what docs/events.md asks of a client: catches up after every connect, and applies events. Over HTTP only, it polls. */
  private async follow(): Promise<void> {
    while (!this.leaving) {
      try {
        if (this.way === 'socket' && !this.device.connected) {
          this.upToDate = false;
          await this.device.connect();
        }
        if (this.way === 'http' || !this.upToDate) await this.client.catchUp();
        await this.client.hear();
        this.upToDate = true;
      } catch {
        // Nobody answers at the moment.
        this.upToDate = false;
      }
      await pause(this.way === 'http' ? 700 : 20);
    }
  }

  private async keepWriting(): Promise<void> {
    while (!this.resting) {
      const burst = this.chance.between(1, 6);
      await Promise.all(Array.from({ length: burst }, () => this.writeOne()));
      if (this.chance.happens(0.4)) await this.receive(this.chance.among(this.conversationIds));
      if (this.chance.happens(0.2) && this.own.length > 0) await this.withdraw(this.chance.among(this.own));
      await pause(this.chance.between(50, 250));
    }
  }

  private async writeOne(): Promise<void> {
    const clientId = unique();
    const conversationId = this.chance.among(this.conversationIds);
    const body = `Un messaggio: ${clientId}${' e ancora'.repeat(this.chance.between(0, 40))}`;
    const patience = this.chance.happens(0.1) ? this.chance.between(1, 3) : Infinity;
    for (let attempts = 1; attempts <= patience && !this.leaving; attempts++) {
      // Impatient clients send the same again before they are answered.
      const copies = this.chance.happens(0.1) ? 2 : 1;
      const answers = await Promise.all(
        Array.from({ length: copies }, () => this.send({ conversationId, clientId, body })),
      );
      const sent = answers.find((answer) => answer !== undefined);
      if (sent) {
        this.acknowledged++;
        this.own.push({ conversationId, seq: sent.seq });
        return;
      }
      await pause(Math.min(attempts * this.chance.between(20, 60), 500));
    }
  }

  private async send(message: Message): Promise<Sent | undefined> {
    const { conversationId, clientId, body } = message;
    const place = { conversationId, party: this.party };
    this.log.write({ what: 'sending', clientId, body: hashOf(body), ...place });
    const bySocket = this.way === 'socket' && this.chance.happens(0.8);
    const answer = bySocket
      ? await this.emit('message.send', message)
      : await this.ask('POST', `/api/conversations/${conversationId}/messages`, { clientId, body });
    if (!answer) return undefined;
    const { seq, sentAt } = answer as Sent;
    this.log.write({ what: 'sent', clientId, seq, sentAt, ...place });
    return { seq, sentAt };
  }

  /** Says up to where it holds the conversation, and that somebody has seen some more of it. */
  private async receive(conversationId: string): Promise<void> {
    const { lastSeq, own } = this.client.held.heads.get(conversationId)!;
    const receipt = { deliveredSeq: lastSeq, seenSeq: this.chance.between(own.seenSeq, lastSeq) };
    const answer =
      this.way === 'socket'
        ? await this.emit('receipt.send', { conversationId, ...receipt })
        : await this.ask('PUT', `/api/conversations/${conversationId}/receipt`, receipt);
    if (answer !== undefined) this.log.write({ what: 'received', conversationId, party: this.party, ...receipt });
  }

  private async withdraw({ conversationId, seq }: { conversationId: string; seq: number }): Promise<void> {
    const place = { conversationId, party: this.party, seq };
    this.log.write({ what: 'withdrawing', ...place });
    const answer = await this.ask('DELETE', `/api/conversations/${conversationId}/messages/${seq}`);
    if (answer !== undefined) this.log.write({ what: 'withdrawn', ...place });
  }

  /** Undefined when nobody answers, or the answer is to ask again. */
  private async emit(event: string, payload: unknown): Promise<unknown> {
    if (!this.device.connected) return undefined;
    const answer = await this.device.emit(event, payload).catch(() => undefined);
    return answer && (answer.data ?? passing(answer.error));
  }

  private async ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await this.device.ask(method, path, body).catch(() => undefined);
    return answer && (answer.status < 300 ? answer.body : passing(answer.body));
  }
}

/** Lets errors pass that may be retried later; any other should not have happened. */
function passing(problem: Problem): undefined {
  if (errorCatalogue[problem.code].retry !== 'later') throw new Error(`refused: ${JSON.stringify(problem)}`);
  return undefined;
}
