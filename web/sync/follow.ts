import type { ToldEvent } from '../../src/contract/events.js';
import { session } from './session.svelte.js';

/** Loads something now, and again whenever an event tells of a change and after every absence. Gives the function that ends it. */
export function follow(event: ToldEvent, load: () => Promise<void>): () => void {
  const { engine } = session;
  const told = engine.onTold((each) => each === event && void load());
  let wasLive = true;
  const link = engine.link.state.subscribe(({ name }) => {
    if (name === 'live' && !wasLive) void load();
    wasLive = name === 'live';
  });
  void load();
  return () => {
    told();
    link();
  };
}
