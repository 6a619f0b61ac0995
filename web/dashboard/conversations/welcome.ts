import { router } from '../routes.js';

const key = 'colloquio-welcomed';

/** Leads to the first steps, once in each tab: after that the way back to the conversations stays open. */
export function welcome(): void {
  if (!router.has('/welcome') || sessionStorage.getItem(key) !== null) return;
  sessionStorage.setItem(key, '1');
  router.go('/welcome', { replace: true });
}
