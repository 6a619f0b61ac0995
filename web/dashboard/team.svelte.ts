import type { Author, Claim } from '../../src/contract/events.js';
import { limits } from '../../src/contract/limits.js';
import { api, ask } from '../api/index.js';
import { follow } from '../sync/follow.js';
import { session } from '../sync/session.svelte.js';
import { d } from '../words/dashboard.js';

/** The member that is signed in. */
export function memberId(): string | undefined {
  const { principal } = session.me;
  return principal.kind === 'member' ? principal.memberId : undefined;
}

/** True for the owner, who alone sees and changes some of the settings. */
export function isOwner(): boolean {
  const { principal } = session.me;
  return principal.kind === 'member' && principal.role === 'owner';
}

/** The members who write or wrote for the business. */
class Team {
  all = $state.raw<readonly Author[]>([]);
  /** True when somebody else could take care of a conversation too. */
  readonly isMore = $derived(this.all.length > 1);

  /** Loads them, and again when one joins or is called otherwise. Gives the function that ends it. */
  watch(): () => void {
    return follow('member.changed', () => this.load());
  }

  /** Loads their names. Without them the screens say less, and nothing else. */
  async load(): Promise<void> {
    const page = await ask(api.GET('/api/authors', { params: { query: { limit: limits.pageMax } } })).catch(
      () => undefined,
    );
    if (page) this.all = page.items;
  }
}

export const team = new Team();

/** The member that takes care of a conversation, for its colleagues to see. */
export function carerOf({ memberId: id, displayName }: Claim): { isMe: boolean; name: string; sentence: string } {
  const isMe = id === memberId();
  const name = displayName ?? d.list.colleague;
  return {
    isMe,
    name: isMe ? d.list.you : name,
    sentence: isMe ? d.list.claimedByYou : d.list.claimedBy(name),
  };
}
