import { Router } from '../router.svelte.js';
import type { Screen } from '../screen.js';

/** Every screen of the dashboard. Addresses stand here alone. */
export const router = new Router<Screen>('/', [], ['/api', '/app', '/join', '/socket.io']);
