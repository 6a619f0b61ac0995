import type { Told, ToldEvent } from '../../src/contract/events.js';
import { session } from './session.svelte.js';

/** Does something after every absence, in which anything may have changed unheard. Gives the function that ends it. */
export function afterAbsence(work: () => unknown): () => void {
  let wasLive = true;
  return session.engine.link.state.subscribe(({ name }) => {
    if (name === 'live' && !wasLive) void work();
    wasLive = name === 'live';
  });
}

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
  const back = afterAbsence(load);
  void load();
  return () => {
    told();
    back();
  };
}
