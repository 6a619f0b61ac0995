/// <reference lib="webworker" />
import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute } from 'workbox-precaching';
import { NavigationRoute, registerRoute } from 'workbox-routing';
import { cacheNames, setCacheNameDetails } from 'workbox-core';
import { showPushes } from './pushes.js';

/*
 * The worker of one of the two apps. It keeps the page and everything that the page may load, so that the app opens without a
 * network and an old page never asks for a file that is gone, and shows what is pushed. It touches neither the API nor files,
 * but for a subscription that the browser has ended.
 */
declare const self: ServiceWorkerGlobalScope;
declare const __KEPT__: { url: string; revision: string | null }[];
declare const __PAGE__: string;
declare const __ENTRY__: 'dashboard' | 'app';

setCacheNameDetails({ prefix: `colloquio-${__ENTRY__}` });
precacheAndRoute(__KEPT__);
cleanupOutdatedCaches();

// Browsers that can, take files with a hash in their name from the cache without starting this worker for each of them.
self.addEventListener('install', (event) => {
  const { addRoutes } = event as StaticRoutes;
  const files = { condition: { urlPattern: { pathname: '/assets/*' } }, source: { cacheName: cacheNames.precache } };
  if (addRoutes) event.waitUntil(addRoutes.call(event, files).catch(() => undefined));
});

/** The part of the static routing of workers that is used here; not all browsers have it. */
interface StaticRoutes extends ExtendableEvent {
  addRoutes?: (rule: {
    condition: { urlPattern: { pathname: string } };
    source: { cacheName: string };
  }) => Promise<void>;
}

/** Addresses that are no screens of this app. */
const others = [/^\/api\//, /^\/socket\.io\//, /^\/join\//, ...(__ENTRY__ === 'dashboard' ? [/^\/app(\/|$)/] : [])];
registerRoute(new NavigationRoute(createHandlerBoundToURL(__PAGE__), { denylist: others }));

showPushes(self, __ENTRY__);

// A new worker waits until the page lets it in, so that nobody loses what is being typed.
self.addEventListener('message', ({ data }) => {
  if (data === 'take-over') void self.skipWaiting();
});

// Nothing of who has logged out stays on the screen.
self.addEventListener('message', (event) => {
  if (event.data === 'signed-out') event.waitUntil(closeNotifications());
});

async function closeNotifications(): Promise<void> {
  for (const notification of await self.registration.getNotifications()) notification.close();
}
