import type { ConsentView, PolicyList } from '../../../src/contract/consents.js';
import type { SubscriberCounterpart } from '../../../src/contract/events.js';
import { api, ask } from '../../api/index.js';
import { session } from '../../sync/session.svelte.js';
import { locale } from '../../words/locale.js';

/** A business that the person talks with; `id` is that of the conversation. */
export interface Talked {
  id: string;
  business: SubscriberCounterpart;
}

export function talkedWith(): Talked[] {
  return session.engine.view.value.heads
    .map(({ id, counterpart }) => ({ id, business: counterpart as SubscriberCounterpart }))
    .sort((one, other) => one.business.businessName.localeCompare(other.business.businessName));
}

/** Every consent of the person, newest first. @throws Refused, Unanswered */
export async function allConsents(): Promise<ConsentView[]> {
  const all: ConsentView[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const query = cursor ? { cursor } : { limit: 200 };
    const page = await ask(api.GET('/api/consents', { params: { query } }));
    all.push(...page.items);
    cursor = page.nextCursor;
  }
  return all;
}

/** The policies of a business in force, with whom to write to. @throws Refused, Unanswered */
export async function policiesOf(contactId: string): Promise<PolicyList> {
  const query = { audience: 'interlocutor', contactId, locale } as const;
  return ask(api.GET('/api/policies/current', { params: { query } }));
}

/** Says yes or no to the promotions of a business. @throws Refused, Unanswered */
export async function changePromotions(contactId: string, given: boolean): Promise<void> {
  const { items } = await policiesOf(contactId);
  const policy = items.find(({ checkboxes }) => checkboxes.some(({ purpose }) => purpose === 'promotions'))!;
  const body = { policyId: policy.id, purpose: 'promotions', sha256: policy.sha256, contactId, given } as const;
  await ask(api.POST('/api/consents', { body }));
}
