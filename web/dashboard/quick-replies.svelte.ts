import type { ConversationHead } from '../../src/contract/events.js';
import { type TextField, textFields } from '../../src/contract/broadcasts.js';
import { limits } from '../../src/contract/limits.js';
import type { QuickReplyView } from '../../src/contract/quick-replies.js';
import type { FieldValues } from '../../src/contract/rules/personal-text.js';
import { api, ask } from '../api/index.js';
import { follow } from '../sync/follow.js';
import { session } from '../sync/session.svelte.js';
import { beginsAWord, folded } from './conversations/names.js';

/** The quick replies of the business, loaded when they are first looked at and kept up to date by what is told. */
class QuickReplies {
  /** Sorted by title; undefined until they are loaded. */
  all = $state.raw<readonly QuickReplyView[]>();
  failed = $state.raw<unknown>();

  /** Loads them, and again after every change and absence. Gives the function that ends it. */
  watch(): () => void {
    return follow('quick-replies.changed', () => this.load());
  }

  async load(): Promise<void> {
    const asked = ++this.asked;
    try {
      const query = { limit: Math.min(limits.pageMax, limits.quickRepliesPerSubscriber) };
      const { items } = await ask(api.GET('/api/quick-replies', { params: { query } }));
      if (asked !== this.asked) return;
      this.all = items;
      this.failed = undefined;
    } catch (error) {
      if (asked === this.asked) this.failed = error;
    }
  }

  private asked = 0;
}

export const quickReplies = new QuickReplies();

/** Quick replies for what was typed: those whose title begins so come first, then those with it in the text. */
export function matching(all: readonly QuickReplyView[], query: string): QuickReplyView[] {
  const wanted = folded(query.trim());
  if (wanted === '') return [...all];
  const byTitle = all.filter(({ title }) => beginsAWord(query, [title]));
  const others = all.filter(
    (each) => !byTitle.includes(each) && folded(`${each.title}\n${each.text}`).includes(wanted),
  );
  return [...byTitle, ...others];
}

/** Values of the fields for the person of a conversation. */
export function valuesFor(head: ConversationHead | undefined): FieldValues {
  const businessName = session.me.subscriber?.businessName ?? '';
  if (head?.counterpart.kind !== 'interlocutor') return { businessName };
  const { displayName, firstName, surname, companyName } = head.counterpart;
  return {
    businessName,
    displayName,
    ...(firstName !== undefined && { firstName }),
    ...(surname !== undefined && { surname }),
    ...(companyName !== undefined && { companyName }),
  };
}

/** Fields of a text for which a person has no value, so that the displayed name stands in their place. */
export function fieldsWithout(text: string, values: FieldValues): TextField[] {
  return textFields.filter(
    (field) => values[field] === undefined && new RegExp(`\\{\\{\\s*${field}\\s*\\}\\}`).test(text),
  );
}
