import { Router } from '../router.svelte.js';
import type { Screen } from '../screen.js';

/** Every screen of the app. Addresses stand here alone. */
export const router = new Router<Screen>('/app', []);
