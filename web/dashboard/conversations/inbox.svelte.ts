import { fromStore } from 'svelte/store';
import type { Engine } from '../../../client/index.js';
import type { ConversationHead } from '../../../src/contract/events.js';
import { api, ask } from '../../api/index.js';
import { beginsAWord } from './names.js';

export type Filter = 'all' | 'unread' | 'unanswered' | 'mine';

/** Time after the last letter before the service is asked too, in milliseconds. */
const askedAfter = 250;

/** The list of conversations as it is filtered and searched. Its order rests while somebody points at it. */
export class Inbox {
  filter = $state<Filter>('all');
  /** Only conversations with this label. */
  label = $state<string>();
  query = $state('');
  /** The conversation that is open; it stays in the list when it does not pass the filter any more, unless it is answered. */
  open = $state<string>();
  isHeld = $state(false);
  isAsking = $state(false);

  private readonly view: { readonly current: { readonly heads: readonly ConversationHead[] } };
  /** Found by the service among conversations that this device may not have loaded yet. */
  private found = $state.raw<readonly ConversationHead[]>([]);
  private shown: { by: string; ids: readonly string[] } = { by: '', ids: [] };
  private asked = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** @param own the member that looks at the list */
  constructor(
    private readonly engine: Engine,
    private readonly own: string | undefined,
  ) {
    this.view = fromStore(engine);
  }

  readonly unread = $derived.by(() => this.view.current.heads.reduce((sum, { unread }) => sum + unread, 0));
  readonly unanswered = $derived.by(() => this.view.current.heads.filter(({ unanswered }) => unanswered).length);
  readonly mine = $derived.by(() => this.view.current.heads.filter((head) => this.isMine(head)).length);

  readonly rows = $derived.by(() => {
    const by = JSON.stringify([this.filter, this.label, this.query.trim()]);
    const before = by === this.shown.by ? this.shown.ids : [];
    const passing = this.passing(before);
    if (!this.isHeld || by !== this.shown.by) {
      this.shown = { by, ids: passing.map(({ id }) => id) };
      return passing;
    }
    const known = new Map([...this.found, ...this.view.current.heads].map((head) => [head.id, head]));
    return before.flatMap((id) => known.get(id) ?? []);
  });

  /** Looks for persons: at once among what is held, then by the service. */
  search(query: string): void {
    this.query = query;
    clearTimeout(this.timer);
    const asked = ++this.asked;
    this.found = [];
    this.isAsking = query.trim() !== '';
    if (this.isAsking) this.timer = setTimeout(() => void this.ask(query.trim(), asked), askedAfter);
  }

  /** The conversation before or after the one that is open. */
  neighbour(step: 1 | -1): string | undefined {
    const { rows } = this;
    const at = rows.findIndex(({ id }) => id === this.open);
    return (at < 0 ? rows[0] : rows[at + step])?.id;
  }

  showAll(): void {
    this.filter = 'all';
    this.label = undefined;
    this.search('');
  }

  private passing(before: readonly string[]): ConversationHead[] {
    const { heads } = this.view.current;
    const query = this.query.trim();
    if (query !== '') {
      const here = heads.filter((head) => isCalled(head, query));
      const known = new Set(here.map(({ id }) => id));
      // What is held is newer than an answer.
      const further = this.found
        .filter(({ id }) => !known.has(id))
        .map((head) => this.engine.heads.get(head.id) ?? head);
      return [...here, ...further];
    }
    // What is answered leaves those to answer, so that they come to an end.
    const canStay = this.filter !== 'unanswered' && this.open !== undefined && before.includes(this.open);
    const stays = canStay ? this.open : undefined;
    const passing = heads.filter((head) => head.id === stays || this.passes(head));
    return this.filter === 'unanswered' ? passing.sort(byLastTurn) : passing;
  }

  private isMine({ claim }: ConversationHead): boolean {
    return claim?.memberId === this.own && this.own !== undefined;
  }

  private passes(head: ConversationHead): boolean {
    const { unread, unanswered, labels } = head;
    if (this.label !== undefined && !labels?.includes(this.label)) return false;
    if (this.filter === 'unread') return unread > 0;
    if (this.filter === 'mine') return this.isMine(head);
    return this.filter === 'all' || unanswered;
  }

  private async ask(query: string, asked: number): Promise<void> {
    // A body, so that names do not stand in addresses.
    const page = await ask(api.POST('/api/conversations/search', { body: { query, limit: 50 } })).catch(
      () => undefined,
    );
    if (asked !== this.asked) return;
    this.isAsking = false;
    // The description of the API cannot say which of the two counterparts it is.
    this.found = (page?.items ?? []) as unknown as ConversationHead[];
  }
}

/** Broadcasts, which answer nothing, move no question. */
const byLastTurn = ({ lastTurn: one }: ConversationHead, { lastTurn: other }: ConversationHead): number =>
  (other?.sentAt ?? '').localeCompare(one?.sentAt ?? '');

function isCalled({ counterpart }: ConversationHead, query: string): boolean {
  if (counterpart.kind !== 'interlocutor') return false;
  const { displayName, firstName, surname, companyName, email } = counterpart;
  return beginsAWord(query, [displayName, firstName, surname, companyName, email]);
}
