import type { Told, ToldEvent } from '../../src/contract/events.js';
import { whenBack } from './back.js';
import { session } from './session.svelte.js';

/**
 * Loads something now, and again whenever one of the events tells of a change and after every absence. Gives the function that ends it.
 * @param concerns tells if an event is about what is loaded
 */
export function follow<Name extends ToldEvent>(
  events: Name | readonly Name[],
  load: () => Promise<void>,
  concerns: (payload: Told[Name]) => boolean = () => true,
): () => void {
  const wanted: readonly ToldEvent[] = typeof events === 'string' ? [events] : events;
  const told = session.engine.onTold((event, payload) => {
    if (wanted.includes(event) && concerns(payload as unknown as Told[Name])) void load();
  });
  const back = whenBack(() => void load());
  void load();
  return () => {
    told();
    back();
  };
}
