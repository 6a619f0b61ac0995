import { session } from './session.svelte.js';

/** Calls something each time the service can be reached again after an absence. Gives the function that ends it. */
export function whenBack(act: () => void): () => void {
  if (session.state.name !== 'signed-in') {
    addEventListener('online', act);
    return () => removeEventListener('online', act);
  }
  let wasLive = true;
  return session.engine.link.state.subscribe(({ name }) => {
    if (name === 'live' && !wasLive) act();
    wasLive = name === 'live';
  });
}
