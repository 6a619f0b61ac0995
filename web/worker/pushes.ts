/// <reference lib="webworker" />
import type { PushPayload } from '../../src/contract/push.js';
import { notificationText } from '../words/notification-texts.js';

/** Says to a page which conversation a notification was of. */
export interface NotificationOpened {
  kind: 'notification-opened';
  conversationId: string;
}

interface Shown {
  conversationId: string | null;
}

/** TypeScript's library for workers does not know it yet. */
interface SubscriptionChange extends ExtendableEvent {
  readonly newSubscription?: PushSubscription | null;
}

/** Has the worker of an app show what is pushed, and lead to it. */
export function showPushes(worker: ServiceWorkerGlobalScope, app: 'dashboard' | 'app'): void {
  worker.addEventListener('push', (event) => event.waitUntil(show(worker, app, readAs(event.data))));
  worker.addEventListener('notificationclick', (event) => {
    event.notification.close();
    const { conversationId } = event.notification.data as Shown;
    event.waitUntil(open(worker, app, conversationId));
  });
  worker.addEventListener('pushsubscriptionchange', (event) => {
    const change: SubscriptionChange = event;
    change.waitUntil(subscribeAgain(worker, app, change));
  });
}

/** Browsers want something shown for every push, also for one that cannot be read. */
function readAs(data: PushMessageData | null): PushPayload | undefined {
  try {
    return data?.json() as PushPayload;
  } catch {
    return undefined;
  }
}

async function show(
  worker: ServiceWorkerGlobalScope,
  app: 'dashboard' | 'app',
  payload: PushPayload | undefined,
): Promise<void> {
  const conversationId = payload?.kind === 'message' ? payload.conversationId : null;
  const { title, body } = notificationText(payload);
  const shown: Shown = { conversationId };
  await worker.registration.showNotification(title, {
    body,
    // One for each conversation: a later one takes its place.
    tag: conversationId ?? payload?.kind ?? 'other',
    ...({ renotify: true } as object),
    icon: `/icons/${app}-192.png`,
    lang: payload?.locale ?? 'en',
    data: shown,
  });
  const all = await worker.registration.getNotifications();
  await worker.navigator.setAppBadge?.(all.length).catch(() => undefined);
}

/** Leads to a conversation in a window of this app that is there, or in a new one. */
async function open(
  worker: ServiceWorkerGlobalScope,
  app: 'dashboard' | 'app',
  conversationId: string | null,
): Promise<void> {
  const home = app === 'app' ? '/app' : '/';
  const address = conversationId === null ? home : `${app === 'app' ? '/app/c' : '/conversations'}/${conversationId}`;
  const windows = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const own = windows.filter(({ url }) => /^\/app(\/|$)/.test(new URL(url).pathname) === (app === 'app'));
  const there =
    own.find(({ url }) => new URL(url).pathname === address) ?? own.find(({ focused }) => focused) ?? own[0];
  if (!there) {
    await worker.clients.openWindow(address);
    return;
  }
  if (conversationId !== null) {
    const told: NotificationOpened = { kind: 'notification-opened', conversationId };
    there.postMessage(told);
  }
  await there.focus().catch(() => undefined);
}

/** The browser has ended a subscription: the device subscribes anew, as far as its session stands. */
async function subscribeAgain(
  { registration }: ServiceWorkerGlobalScope,
  app: 'dashboard' | 'app',
  { newSubscription }: SubscriptionChange,
): Promise<void> {
  const headers = { 'X-Colloquio-App': app, 'content-type': 'application/json' };
  const key = await fetch('/api/push-key', { headers });
  if (!key.ok) return;
  const { publicKey } = (await key.json()) as { publicKey: string };
  const subscription =
    newSubscription ??
    (await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(publicKey) }));
  await fetch('/api/push-subscriptions', { method: 'POST', headers, body: JSON.stringify(subscription) });
}

/** Bytes from base64url, because not every browser takes the text. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}
