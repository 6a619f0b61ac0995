import { untrack } from 'svelte';
import type { Engine } from '../../../client/index.js';
import type { ArchiveHit } from '../../../src/contract/archive.js';
import type { Told } from '../../../src/contract/events.js';
import { api, ask } from '../../api/index.js';
import { addressOf, type Asked, isSearch, nothingAsked, wantedOf } from './asked.js';

const pageSize = 30;
/** Pauses of the service after which a search continues automatically; after that, the person decides. */
const pauses = 8;

/** A search in everything, page by page, the newest first. It outlives its screen, so that going back finds it as it was. */
export class Search {
  asked = $state.raw<Asked>(nothingAsked);
  hits = $state.raw<readonly ArchiveHit[]>([]);
  isBusy = $state(false);
  failed = $state.raw<unknown>();
  /** Messages that were sent since. */
  hasNews = $state(false);
  /** Distance that the list was scrolled, in pixels. */
  scrolled = 0;
  private cursor = $state.raw<string | null>(null);
  private runs = 0;

  readonly hasMore = $derived(this.cursor !== null);

  /** Searches, unless it is the current search. */
  show(asked: Asked): void {
    // An effect that shows what the address asks for is not to run again, and search again, because the search has failed.
    untrack(() => {
      if (addressOf('', asked) === addressOf('', this.asked) && !this.failed) return;
      this.asked = asked;
      this.again();
    });
  }

  again(): void {
    this.hits = [];
    this.cursor = null;
    this.hasNews = false;
    this.scrolled = 0;
    this.failed = undefined;
    this.isBusy = false;
    this.runs++;
    if (isSearch(this.asked)) void this.load();
  }

  /** The next page; the service may pause within it. */
  async more(): Promise<void> {
    if (!this.isBusy && this.cursor !== null) await this.load();
  }

  drop(isGone: (hit: ArchiveHit) => boolean): void {
    if (this.hits.some(isGone)) this.hits = this.hits.filter((hit) => !isGone(hit));
  }

  private async load(): Promise<void> {
    const run = this.runs;
    this.isBusy = true;
    this.failed = undefined;
    const wanted = this.hits.length + pageSize;
    try {
      for (let tries = 0; tries <= pauses; tries++) {
        // A body, so that what is searched for does not stand in addresses.
        const body = { ...wantedOf(this.asked), limit: pageSize, ...(this.cursor !== null && { cursor: this.cursor }) };
        const page = await ask(api.POST('/api/archive/searches', { body: body as never }));
        if (run !== this.runs) return;
        this.hits = [...this.hits, ...(page.items as unknown as ArchiveHit[])];
        this.cursor = page.nextCursor;
        if (page.nextCursor === null || this.hits.length >= wanted) break;
      }
    } catch (error) {
      if (run === this.runs) this.failed = error;
    } finally {
      if (run === this.runs) this.isBusy = false;
    }
  }
}

const searches = new WeakMap<Engine, Search>();

/** The search of whoever is signed in. */
export function searchOf(engine: Engine): Search {
  const known = searches.get(engine);
  if (known) return known;
  const search = new Search();
  searches.set(engine, search);
  engine.onTold((event, payload) => {
    if (event === 'message.sent' && isSearch(search.asked)) search.hasNews = true;
    // What was erased or withdrawn is not to be seen here either.
    if (event === 'contact.erased') {
      const gone = new Set((payload as Told['contact.erased']).conversationIds);
      search.drop(({ conversationId }) => conversationId !== null && gone.has(conversationId));
    }
    if (event === 'messages.expired') {
      const { conversationId, to } = payload as Told['messages.expired'];
      search.drop((hit) => hit.conversationId === conversationId && hit.seq !== null && hit.seq <= to);
    }
    if (event === 'message.withdrawn') {
      const { conversationId, seq } = payload as Told['message.withdrawn'];
      search.drop((hit) => hit.conversationId === conversationId && hit.seq === seq);
    }
  });
  return search;
}
