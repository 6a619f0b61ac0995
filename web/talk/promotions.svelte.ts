import type { ConsentView } from '../../src/contract/consents.js';
import type { OptOut } from '../../src/contract/events.js';
import { api, ask } from '../api/index.js';
import { session } from '../sync/session.svelte.js';

export interface PromotionsChange {
  given: boolean;
  at: string;
}

/** The consents to promotions of the person that is signed in, by the contacts that it is to businesses. */
class Promotions {
  private byContact = $state.raw<ReadonlyMap<string, readonly PromotionsChange[]>>(new Map());
  private asked: { me: unknown; done: Promise<void> } | undefined;

  /** Its changes, oldest first; undefined until they are known. */
  of(contactId: string): readonly PromotionsChange[] | undefined {
    return this.byContact.get(contactId);
  }

  /** Loads them once, and listens from then on. */
  async know(): Promise<void> {
    const { engine } = session;
    if (this.asked?.me === engine) return this.asked.done;
    const done = this.load();
    this.asked = { me: engine, done };
    engine.onTold((event, payload) => {
      if (event !== 'consent.changed') return;
      const { purpose, conversationId, given, at } = payload as {
        purpose: string;
        conversationId: string | null;
      } & PromotionsChange;
      if (purpose === 'promotions' && conversationId !== null) this.add(conversationId, { given, at });
    });
    try {
      await done;
    } catch {
      // Without a network nothing is said about the past.
      this.asked = undefined;
    }
  }

  /** Withdraws the consent, or gives it again as it was. @throws Refused, Unanswered */
  async change({ policyId, purpose, contactId }: OptOut, given: boolean): Promise<void> {
    await ask(api.POST('/api/consents', { body: { policyId, purpose, contactId, given } }));
    this.add(contactId, { given, at: new Date().toISOString() });
  }

  private async load(): Promise<void> {
    const all: ConsentView[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const query: { limit?: number; cursor?: string } = cursor ? { cursor } : { limit: 200 };
      const page = await ask(api.GET('/api/consents', { params: { query } }));
      all.push(...page.items);
      cursor = page.nextCursor;
    }
    const byContact = new Map<string, PromotionsChange[]>();
    for (const { purpose, contactId, given, recordedAt } of all.reverse()) {
      if (purpose !== 'promotions' || contactId === null) continue;
      byContact.set(contactId, [...(byContact.get(contactId) ?? []), { given, at: recordedAt }]);
    }
    this.byContact = byContact;
  }

  private add(contactId: string, change: PromotionsChange): void {
    const before = this.byContact.get(contactId) ?? [];
    // What is done here is told as well.
    if (before.at(-1)?.given === change.given) return;
    this.byContact = new Map([...this.byContact, [contactId, [...before, change]]]);
  }
}

export const promotions = new Promotions();
