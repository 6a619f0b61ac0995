import type { LabelView } from '../../src/contract/events.js';
import { labelColors } from '../../src/contract/label-colors.js';
import { limits } from '../../src/contract/limits.js';
import { api, ask } from '../api/index.js';
import { session } from '../sync/session.svelte.js';

/** The labels of the business, kept up to date by what is told. */
class Labels {
  all = $state.raw<readonly LabelView[]>([]);
  /** False while a label that is not among them may still be on its way. */
  isLoaded = $state(false);
  readonly byId = $derived(new Map(this.all.map((label) => [label.id, label])));

  /** Loads them, and again after every absence. Gives the function that ends it. */
  watch(): () => void {
    const { engine } = session;
    let wasLive = false;
    const told = engine.onTold((event, payload) => {
      if (event === 'labels.changed') this.take((payload as { items: LabelView[] }).items);
    });
    const link = engine.link.state.subscribe(({ name }) => {
      if (name === 'live' && !wasLive) void this.load();
      wasLive = name === 'live';
    });
    return () => {
      told();
      link();
      this.take([]);
      this.isLoaded = false;
    };
  }

  /** The labels of these ids by name; those that are not known yet are left out. */
  named(ids: readonly string[] = []): LabelView[] {
    return sorted(ids.flatMap((id) => this.byId.get(id) ?? []));
  }

  /** Makes a label. @throws Refused, Unanswered */
  async create(name: string): Promise<LabelView> {
    // A hue of its own as long as there are enough.
    const hues = labelColors.filter((color) => color !== 'grey');
    const color = hues[this.all.length % hues.length]!;
    const label = await ask(api.POST('/api/labels', { body: { name, color } }));
    if (!this.byId.has(label.id)) this.all = sorted([...this.all, label]);
    return label;
  }

  private async load(): Promise<void> {
    const query = { limit: Math.min(200, limits.labelsPerSubscriber) };
    const page = await ask(api.GET('/api/labels', { params: { query } })).catch(() => undefined);
    if (page) this.take(page.items);
  }

  private take(all: readonly LabelView[]): void {
    this.all = sorted(all);
    this.isLoaded = true;
  }
}

const sorted = (labels: readonly LabelView[]): LabelView[] =>
  [...labels].sort((one, other) => one.name.localeCompare(other.name));

export const labels = new Labels();
