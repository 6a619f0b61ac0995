import { Router } from '../router.svelte.js';
import type { Screen } from '../screen.js';

/** One screen for both of its addresses, so that the list stays as it is while conversations change. */
const conversations: Screen = {
  load: () => import('./conversations/Conversations.svelte'),
  for: 'signed-in',
};

/** Every screen of the dashboard. Addresses stand here alone. */
export const router = new Router<Screen>(
  '/',
  [
    { path: '/', screen: conversations },
    { path: '/conversations/:id', screen: conversations },
  ],
  ['/api', '/app', '/join', '/socket.io'],
);
