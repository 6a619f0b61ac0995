import { api, ask } from '../../api/index.js';
import { toasts } from '../../ui/toasts.svelte.js';
import { d } from '../../words/dashboard.js';
import { inWords } from '../../words/errors.js';

/** Lifts the business's restriction of a conversation, and says so. */
export async function lift(id: string): Promise<void> {
  try {
    await ask(api.DELETE('/api/conversations/{id}/restriction', { params: { path: { id } } }));
    toasts.say(d.thread.unrestricted);
  } catch (error) {
    toasts.problem(inWords(error));
  }
}
