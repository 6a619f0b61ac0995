import type { appName } from '../api/index.js';

/** Storage that belongs to this device and says nothing about who was signed in: its language, its theme, what it was asked. */
const ofDevice = new Set([
  'colloquio-theme',
  'colloquio-locale',
  'colloquio-details',
  'colloquio-app-carried',
  'colloquio-app-install-refused',
  'colloquio-app-notifications-refused',
  'colloquio-dashboard-notifications-refused',
  'colloquio-app-visits',
]);
/** Storage of the other app, which may still be signed in. */
const ofOther = {
  app: /^colloquio-(dashboard|printed)-/,
  dashboard: /^colloquio-app-/,
} as const satisfies Record<typeof appName, RegExp>;

/**
 * Removes what an app has left in the browser outside its vault: notifications, its push subscription, caches of anything but
 * the program, and storage. Data of the other app on the same origin stays.
 */
export async function emptyBrowser(app: typeof appName): Promise<void> {
  emptyStorage(localStorage, app);
  emptyStorage(sessionStorage, app);
  await Promise.allSettled([emptyWorker(app), emptyCaches(app)]);
}

function emptyStorage(storage: Storage, app: typeof appName): void {
  for (const key of Object.keys(storage)) {
    if (key.startsWith('colloquio-') && !ofDevice.has(key) && !ofOther[app].test(key)) storage.removeItem(key);
  }
}

async function emptyWorker(app: typeof appName): Promise<void> {
  const scope = app === 'app' ? '/app' : '/';
  const registration = await navigator.serviceWorker?.getRegistration(scope);
  if (!registration || new URL(registration.scope).pathname !== scope) return;
  // One that comes up meanwhile is closed by the worker.
  registration.active?.postMessage('signed-out');
  for (const notification of await registration.getNotifications()) notification.close();
  const subscription = await registration.pushManager?.getSubscription();
  await subscription?.unsubscribe();
}

async function emptyCaches(app: typeof appName): Promise<void> {
  const names = await caches.keys();
  const own = names.filter((name) => name.startsWith(`colloquio-${app}-`) && !name.includes('-precache-'));
  await Promise.all(own.map((name) => caches.delete(name)));
}
