import { Injectable } from '@nestjs/common';
import { type Renewal, SearchKeys } from './search-keys.service.js';
import { SearchIndex } from './search-index.service.js';

const entriesAtOnce = 200;

/** Rebuilds the entries of the index under a new search key, some at a time. */
@Injectable()
export class KeyRenewals {
  constructor(
    private readonly index: SearchIndex,
    private readonly keys: SearchKeys,
  ) {}

  /** Starts those that are due, and works on all for a limited time; the next run continues from there. */
  async workFor(milliseconds: number): Promise<void> {
    await this.keys.begin();
    const until = performance.now() + milliseconds;
    for (const renewal of await this.keys.renewals()) {
      if (!(await this.renew(renewal, until))) return;
    }
  }

  /** @returns false when the time is over */
  private async renew(renewal: Renewal, until: number): Promise<boolean> {
    for (let { place } = renewal; ;) {
      const reached = await this.index.remake(renewal.subscriberId, place, entriesAtOnce);
      if (!reached) {
        await this.keys.finish(renewal);
        return true;
      }
      await this.keys.reach(renewal, reached);
      place = reached;
      if (performance.now() >= until) return false;
    }
  }
}
