import type { ExportView } from '../../src/contract/rights.js';
import { api, ask, sourceOf } from '../api/index.js';
import { download } from '../download.js';
import { toasts } from '../ui/toasts.svelte.js';
import { inWords, isProblem } from '../words/errors.js';
import { locale } from '../words/locale.js';
import { follow } from './follow.js';

/** Copies of everything that somebody has asked for: those of a business, or of a person. */
export class Copies {
  all = $state.raw<readonly ExportView[]>();
  failed = $state.raw<unknown>();
  /** A copy is being asked for. */
  isAsking = $state(false);
  /** The copy to be downloaded, while the password is asked for. */
  proving = $state.raw<ExportView>();
  isProving = $state(false);
  isBusy = $state(false);
  password = $state('');
  wrong = $state<string>();
  readonly isUnderWay = $derived(this.all?.some(({ state }) => state === 'waiting' || state === 'running') ?? false);
  private asked = 0;

  /** @param removed says that a copy was deleted */
  constructor(private readonly removed: string) {}

  /** Loads them, and again whenever one has come further and after every absence. Gives the function that ends it. */
  watch(): () => void {
    return follow('export.progressed', this.load);
  }

  readonly load = async (): Promise<void> => {
    const own = ++this.asked;
    try {
      const { items } = await ask(api.GET('/api/exports', { params: { query: {} } }));
      if (own !== this.asked) return;
      this.all = items.filter(({ contactId }) => contactId === null);
      this.failed = undefined;
    } catch (error) {
      // What is shown already stays.
      if (own === this.asked && !this.all) this.failed = error;
    }
  };

  readonly make = async (): Promise<void> => {
    this.isAsking = true;
    try {
      await ask(api.POST('/api/exports', { body: { locale } }));
      await this.load();
    } catch (error) {
      toasts.problem(inWords(error));
    } finally {
      this.isAsking = false;
    }
  };

  /** Downloads a copy, and asks for the password first where that is needed. */
  async download({ id }: ExportView): Promise<void> {
    try {
      await this.fetch(id, {});
    } catch (error) {
      if (!isProblem(error, 'password_required')) return toasts.problem(inWords(error));
      this.password = '';
      this.wrong = undefined;
      this.proving = this.all?.find((each) => each.id === id);
      this.isProving = true;
    }
  }

  /** Downloads the copy with the password that was typed. */
  async prove(): Promise<void> {
    if (!this.proving || this.isBusy) return;
    this.isBusy = true;
    this.wrong = undefined;
    try {
      await this.fetch(this.proving.id, { password: this.password });
      this.isProving = false;
      this.password = '';
    } catch (error) {
      this.wrong = inWords(error);
    } finally {
      this.isBusy = false;
    }
  }

  async remove({ id }: ExportView): Promise<void> {
    try {
      await ask(api.DELETE('/api/exports/{id}', { params: { path: { id } } }));
      toasts.say(this.removed);
      await this.load();
    } catch (error) {
      toasts.problem(inWords(error));
    }
  }

  private async fetch(id: string, body: { password?: string }): Promise<void> {
    const { path } = await ask(api.POST('/api/exports/{id}/download', { params: { path: { id } }, body }));
    download(sourceOf(path));
  }
}
