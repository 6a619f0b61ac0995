import type { Watermarks } from '../src/contract/events.js';
import { type Api, Refused } from './api.js';
import { higher } from './heads.js';
import type { Clock, Random } from './ports.js';
import { backOff } from './waiting.js';

export interface ReceiptsOptions {
  api: Pick<Api, 'sendReceipt'>;
  clock: Clock;
  random: Random;
  /** The own watermarks of a conversation, and up to which message of the other party all above them are held. */
  held: (conversationId: string) => { own: Watermarks; upTo: number } | undefined;
  /** True while connected. */
  canSend: () => boolean;
  /** A receipt went beyond the service's last message, so the held state must be checked. */
  beyond: (conversationId: string) => void;
}

/** Least time between two receipts of a conversation, in milliseconds. */
export const receiptsEvery = 2_000;
const nothing: Watermarks = { deliveredSeq: 0, seenSeq: 0 };

/** Tells how far this device has received and its person has seen: one receipt for all that has come about meanwhile. */
export class Receipts {
  /** The last messages that were on the screen, which may be beyond what is held without a gap. */
  private readonly onScreen = new Map<string, number>();
  private readonly acknowledged = new Map<string, Watermarks>();
  private readonly sentAt = new Map<string, number>();
  private readonly planned = new Set<string>();
  private failures = 0;
  private quietUntil = 0;

  constructor(private readonly options: ReceiptsOptions) {}

  /** More may be held than before. */
  held(conversationId: string): void {
    if (this.due(conversationId)) this.sendSoon(conversationId);
  }

  /** The person has had this message on the screen, and so all before it. */
  seen(conversationId: string, seq: number): void {
    this.onScreen.set(conversationId, Math.max(seq, this.onScreen.get(conversationId) ?? 0));
    this.held(conversationId);
  }

  forget(conversationIds: readonly string[]): void {
    for (const id of conversationIds) {
      this.onScreen.delete(id);
      this.acknowledged.delete(id);
      this.sentAt.delete(id);
    }
  }

  private sendSoon(id: string): void {
    if (this.planned.has(id)) return;
    this.planned.add(id);
    const { clock } = this.options;
    const time = Math.max(this.quietUntil, (this.sentAt.get(id) ?? 0) + receiptsEvery);
    clock.setTimeout(() => void this.send(id), Math.max(0, time - clock.now()));
  }

  private async send(id: string): Promise<void> {
    const receipt = this.options.canSend() ? this.due(id) : undefined;
    if (!receipt) return void this.planned.delete(id);
    this.sentAt.set(id, this.options.clock.now());
    try {
      await this.options.api.sendReceipt({ conversationId: id, ...receipt });
      this.failures = 0;
      this.acknowledge(id, receipt);
    } catch (error) {
      this.refused(id, receipt, error);
    }
    this.planned.delete(id);
    this.held(id);
  }

  private refused(id: string, receipt: Partial<Watermarks>, error: unknown): void {
    const problem = error instanceof Refused ? error.problem : undefined;
    if (problem && problem.retryAfter === undefined && problem.status < 500) {
      // The same again would be refused again.
      this.acknowledge(id, receipt);
      if (problem.code === 'receipt_beyond_last') this.options.beyond(id);
      return;
    }
    const wait = problem?.retryAfter ? problem.retryAfter * 1_000 : backOff(++this.failures, this.options.random);
    this.quietUntil = this.options.clock.now() + wait;
  }

  private acknowledge(id: string, receipt: Partial<Watermarks>): void {
    this.acknowledged.set(id, higher(this.acknowledged.get(id) ?? nothing, { ...nothing, ...receipt }));
  }

  /** The receipt that is to be sent; undefined when nothing has risen. */
  private due(id: string): Partial<Watermarks> | undefined {
    const held = this.options.held(id);
    if (!held) return undefined;
    const known = higher(held.own, this.acknowledged.get(id) ?? nothing);
    const deliveredSeq = Math.max(held.upTo, held.own.deliveredSeq);
    const seenSeq = Math.min(this.onScreen.get(id) ?? 0, deliveredSeq);
    const receipt = {
      ...(deliveredSeq > Math.max(known.deliveredSeq, seenSeq) && { deliveredSeq }),
      ...(seenSeq > known.seenSeq && { seenSeq }),
    };
    return Object.keys(receipt).length > 0 ? receipt : undefined;
  }
}
