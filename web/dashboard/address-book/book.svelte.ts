import { tick } from 'svelte';
import { SvelteMap } from 'svelte/reactivity';
import type { Engine } from '../../../client/index.js';
import type { ContactFacets, ContactFilter, LetterPlace } from '../../../src/contract/contacts.js';
import type { ContactView, Told } from '../../../src/contract/events.js';
import { limits } from '../../../src/contract/limits.js';
import { api, ask } from '../../api/index.js';

const loadedAtOnce = 100;

/**
 * The contacts that a search finds: their ids at once, so that a list of thousands can be scrolled and chosen from as a
 * whole, and the contacts themselves as they come into view.
 */
export class Book {
  ids = $state.raw<readonly string[]>([]);
  letters = $state.raw<readonly LetterPlace[]>([]);
  facets = $state.raw<ContactFacets>();
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  failure = $state.raw<unknown>();
  /** A further search is under way. */
  isAsking = $state(false);
  readonly contacts = new SvelteMap<string, ContactView>();
  /** Replaced as a whole: thousands are chosen at once. */
  chosen = $state.raw<ReadonlySet<string>>(new Set());
  private wanted: ContactFilter | undefined;
  private asked = 0;
  private loading = new Set<string>();
  /** Contacts that were loaded before an absence: they are shown until they are loaded again. */
  private readonly old = new Set<string>();
  private again: ReturnType<typeof setTimeout> | undefined;

  /** Keeps up with what is told. Gives the function that ends it. */
  watch(engine: Engine): () => void {
    const told = engine.onTold((event, payload) => {
      if (event === 'contact.changed') {
        const { contact } = payload as Told['contact.changed'];
        const known = this.contacts.get(contact.id);
        if (known && known.updatedAt <= contact.updatedAt) this.contacts.set(contact.id, contact);
        this.reloadSoon();
      }
      if (event === 'contact.erased') {
        const gone = new Set((payload as Told['contact.erased']).conversationIds);
        this.ids = this.ids.filter((id) => !gone.has(id));
        for (const id of gone) {
          this.contacts.delete(id);
        }
        this.choose([...gone], false);
        this.reloadSoon();
      }
      if (event === 'contact.joined' || event === 'labels.changed') this.reloadSoon();
      if (event === 'consent.changed') {
        const { conversationId: id, purpose, given } = payload as Told['consent.changed'];
        const known = id === null ? undefined : this.contacts.get(id);
        if (known && purpose === 'promotions') this.contacts.set(known.id, { ...known, promotions: given });
        this.reloadSoon();
      }
    });
    let wasLive: boolean | undefined;
    const link = engine.link.state.subscribe(({ name }) => {
      const isLive = name === 'live';
      // After an absence anything may have changed.
      if (isLive && wasLive === false && this.wanted) {
        for (const id of this.contacts.keys()) this.old.add(id);
        void this.load(this.wanted);
      }
      wasLive = isLive;
    });
    return () => {
      told();
      link();
      clearTimeout(this.again);
    };
  }

  /** Finds contacts; of two searches the later one counts. */
  async load(wanted: ContactFilter): Promise<void> {
    const isOther = JSON.stringify(wanted) !== JSON.stringify(this.wanted);
    this.wanted = wanted;
    const mine = ++this.asked;
    this.isAsking = isOther;
    try {
      const [found, facets] = await Promise.all([
        ask(api.POST('/api/contacts/index', { body: wanted })),
        ask(api.GET('/api/contacts/facets')),
      ]);
      if (mine !== this.asked) return;
      this.ids = found.ids;
      this.letters = found.letters;
      this.facets = facets;
      this.phase = 'ready';
      this.failure = undefined;
    } catch (error) {
      if (mine !== this.asked) return;
      this.failure = error;
      this.phase = 'failed';
    } finally {
      if (mine === this.asked) this.isAsking = false;
    }
  }

  retry(): void {
    this.phase = 'loading';
    if (this.wanted) void this.load(this.wanted);
  }

  /** Loads the contacts of some ids that are not there yet. */
  async need(ids: readonly string[], taken?: (take: () => void) => Promise<void>): Promise<void> {
    const missing = ids.filter((id) => (!this.contacts.has(id) || this.old.has(id)) && !this.loading.has(id));
    for (let start = 0; start < missing.length; start += loadedAtOnce) {
      const some = missing.slice(start, start + loadedAtOnce);
      for (const id of some) this.loading.add(id);
      try {
        const body = { ids: some, limit: limits.pageMax };
        const { items } = await ask(api.POST('/api/contacts/search', { body }));
        const take = () => {
          for (const item of items) {
            this.contacts.set(item.id, item);
            this.old.delete(item.id);
          }
        };
        if (taken) await taken(take);
        else take();
        await tick();
      } catch {
        // They are asked for again when they come into view once more.
      } finally {
        for (const id of some) this.loading.delete(id);
      }
    }
  }

  choose(ids: readonly string[], isChosen: boolean): void {
    const chosen = new Set(this.chosen);
    for (const id of ids) {
      if (isChosen) chosen.add(id);
      else chosen.delete(id);
    }
    this.chosen = chosen;
  }

  /** Chooses or leaves out contacts from one to another, both included. */
  chooseRange(from: number, to: number, isChosen: boolean): void {
    this.choose(this.ids.slice(Math.min(from, to), Math.max(from, to) + 1), isChosen);
  }

  private reloadSoon(): void {
    clearTimeout(this.again);
    this.again = setTimeout(() => this.wanted && void this.load(this.wanted), 400);
  }
}
