import { Observable } from './observable.js';
import type { Clock, Lock, Store } from './ports.js';

export interface Draft {
  readonly text: string;
  readonly attachmentIds?: readonly string[];
  /** Milliseconds since 1970. */
  readonly editedAt: number;
}

export interface DraftsOptions {
  account: string;
  store: Store;
  lock: Lock;
  clock: Clock;
}

/** Time after the last key before a draft is stored, in milliseconds. */
export const draftStoredAfter = 250;

const prefix = 'draft/';

/** Begun messages, one for each conversation. Of two tabs the one that wrote last wins. */
export class Drafts {
  /** Drafts that are not empty. */
  readonly all = new Observable<ReadonlyMap<string, Draft>>(
    () => new Map([...this.held].filter(([, { text, attachmentIds }]) => text !== '' || attachmentIds?.length)),
  );
  private readonly held = new Map<string, Draft>();
  private readonly unsaved = new Map<string, unknown>();
  private lastEdit = 0;

  constructor(private readonly options: DraftsOptions) {}

  get(conversationId: string): Draft | undefined {
    return this.all.value.get(conversationId);
  }

  /** Stores the text in the composer. */
  set(conversationId: string, text: string, attachmentIds: readonly string[] = []): void {
    const files = attachmentIds.length > 0 ? { attachmentIds: [...attachmentIds] } : {};
    this.hold(conversationId, { text, ...files, editedAt: this.now() });
    this.options.clock.clearTimeout(this.unsaved.get(conversationId));
    const timer = this.options.clock.setTimeout(() => void this.save(conversationId), draftStoredAfter);
    this.unsaved.set(conversationId, timer);
  }

  /** Stores everything at once: the page may be closed any moment. */
  async flush(): Promise<void> {
    await Promise.all([...this.unsaved.keys()].map((id) => this.save(id)));
  }

  /** Stores nothing more. */
  abandon(): void {
    for (const timer of this.unsaved.values()) this.options.clock.clearTimeout(timer);
    this.unsaved.clear();
    this.held.clear();
  }

  /** Reads what is stored: at the start, and when another tab has changed it. */
  async refresh(): Promise<void> {
    for (const [key, value] of await this.options.store.entries(prefix)) {
      const id = key.slice(prefix.length);
      const stored = value as Draft;
      if (stored.editedAt >= (this.held.get(id)?.editedAt ?? 0)) this.hold(id, stored);
    }
  }

  /**
   * Ends a draft whose message is sent. Gives what is to be written to the store together with the message. An empty
   * draft stays there, or that of another tab would win.
   */
  end(conversationId: string): [key: string, value: unknown][] {
    const ended: Draft = { text: '', editedAt: this.now() };
    this.options.clock.clearTimeout(this.unsaved.get(conversationId));
    this.unsaved.delete(conversationId);
    this.hold(conversationId, ended);
    return [[prefix + conversationId, ended]];
  }

  async forget(conversationIds: readonly string[]): Promise<void> {
    for (const id of conversationIds) {
      this.options.clock.clearTimeout(this.unsaved.get(id));
      this.unsaved.delete(id);
      this.held.delete(id);
    }
    this.all.changed();
    await this.options.store.put(conversationIds.map((id) => [prefix + id, undefined]));
  }

  private async save(id: string): Promise<void> {
    this.options.clock.clearTimeout(this.unsaved.get(id));
    this.unsaved.delete(id);
    await this.options.lock.request(`drafts:${this.options.account}`, async () => {
      const stored = (await this.options.store.get(prefix + id)) as Draft | undefined;
      const held = this.held.get(id);
      if (!held) return;
      if (stored && stored.editedAt > held.editedAt) this.hold(id, stored);
      else await this.options.store.put([[prefix + id, held]]);
    });
  }

  private hold(id: string, draft: Draft): void {
    this.held.set(id, draft);
    this.lastEdit = Math.max(this.lastEdit, draft.editedAt);
    this.all.changed();
  }

  /** Later than every edit before, also after the clock was set back. */
  private now(): number {
    return Math.max(this.lastEdit + 1, this.options.clock.now());
  }
}
