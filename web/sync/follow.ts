import type { ToldEvent } from '../../src/contract/events.js';
import { whenBack } from './back.js';
import { session } from './session.svelte.js';

/** Loads something now, and again whenever an event tells of a change and after every absence. Gives the function that ends it. */
export function follow(event: ToldEvent, load: () => Promise<void>): () => void {
  const told = session.engine.onTold((each) => each === event && void load());
  const back = whenBack(() => void load());
  void load();
  return () => {
    told();
    back();
  };
}
