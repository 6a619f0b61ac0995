import type { Engine } from '../../../client/index.js';
import type { ToldEvent } from '../../../src/contract/events.js';
import { limits } from '../../../src/contract/limits.js';
import { api, ask } from '../../api/index.js';

/** Events after which something else may wait. */
const changing: readonly ToldEvent[] = ['request.changed', 'erasure-proposals.changed', 'contact.erased'];

/** Requests about data that wait for an answer, and proposals to erase: counted once, and kept up to date by what is told. */
class Waiting {
  requests = $state(0);
  proposals = $state(0);
  /** Everything that waits; 0 until it is known. */
  readonly count = $derived(this.requests + this.proposals);

  /** Counts them, and again after every absence and whenever one changes. Gives the function that ends it. */
  watch(engine: Engine): () => void {
    let wasLive = false;
    const told = engine.onTold((event) => {
      if (changing.includes(event)) void this.load();
    });
    const link = engine.link.state.subscribe(({ name }) => {
      if (name === 'live' && !wasLive) void this.load();
      wasLive = name === 'live';
    });
    return () => {
      told();
      link();
      this.requests = 0;
      this.proposals = 0;
    };
  }

  /** Counts again. While the service does not answer the last numbers stay. */
  async load(): Promise<void> {
    const limit = limits.pageMax;
    const [open, proposed] = await Promise.all([
      ask(api.GET('/api/requests', { params: { query: { state: 'open', limit } } })).catch(() => undefined),
      ask(api.GET('/api/erasure-proposals', { params: { query: { limit } } })).catch(() => undefined),
    ]);
    // More than a page holds is "99+" anyway.
    if (open) this.requests = open.items.length;
    if (proposed) this.proposals = proposed.items.length;
  }
}

export const waiting = new Waiting();
