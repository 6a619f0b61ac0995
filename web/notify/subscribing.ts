import type { NewPushSubscription, PushSubscriptionView } from '../../src/contract/push.js';
import { api, appName, ask } from '../api/index.js';
import { bytesOf } from '../worker/pushes.js';
import { updates } from '../worker/updates.svelte.js';

/** Says that notifications were turned on here, so that a subscription that has vanished is made anew. */
const wantedKey = () => `colloquio-${appName}-notifications`;

export const isWanted = (): boolean => localStorage.getItem(wantedKey()) !== null;

/**
 * Subscribes this device, or says again that it is: at every opening, or it gets no more notifications after 30 days. A
 * subscription that the service has forgotten is made anew, because browsers keep those that their push service has ended.
 */
export async function subscribe(): Promise<void> {
  const registration = await active();
  const { publicKey } = await ask(api.GET('/api/push-key'));
  const key = bytesOf(publicKey);
  const make = () => registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  const known = await registration.pushManager.getSubscription();
  const isSame = known !== null && hasKey(known, key);
  if (known && !isSame) await known.unsubscribe();
  const { wasKnown } = await send(isSame ? known : await make());
  if (isSame && isWanted() && !wasKnown) {
    await known.unsubscribe();
    await send(await make());
  }
  localStorage.setItem(wantedKey(), '1');
}

function send(subscription: PushSubscription): Promise<PushSubscriptionView> {
  const { endpoint, keys } = subscription.toJSON();
  const body = { endpoint: endpoint!, keys: keys as unknown as NewPushSubscription['keys'] };
  return ask(api.POST('/api/push-subscriptions', { body }));
}

/** True when the browser has a subscription of this app. */
export async function isSubscribed(): Promise<boolean> {
  const registration = await updates.registered;
  return Boolean(await registration?.pushManager?.getSubscription());
}

/**
 * Ends the browser's subscription and closes its notifications; the service removes it with the session, or has been told
 * before.
 */
export async function unsubscribe(): Promise<void> {
  localStorage.removeItem(wantedKey());
  const scope = appName === 'app' ? '/app' : '/';
  // Of this app alone: without a worker of its own the browser gives that of the other one.
  const all = (await navigator.serviceWorker?.getRegistrations()) ?? [];
  const own = all.find((each) => new URL(each.scope).pathname === scope);
  for (const shown of (await own?.getNotifications?.()) ?? []) shown.close();
  await (await own?.pushManager?.getSubscription())?.unsubscribe();
}

const hasKey = ({ options: { applicationServerKey: known } }: PushSubscription, key: Uint8Array): boolean =>
  // Where the browser does not say which it was, it is taken to be the one.
  !known || String(new Uint8Array(known)) === String(key);

/** The registration once its worker is active: before, no browser subscribes. */
async function active(): Promise<ServiceWorkerRegistration> {
  const registration = await updates.registered;
  if (!registration) throw new Error('there is no worker');
  const worker = registration.active ?? registration.waiting ?? registration.installing;
  while (worker && !registration.active) {
    await new Promise<void>((resolve) => worker.addEventListener('statechange', () => resolve(), { once: true }));
    if (worker.state === 'redundant') throw new Error('the worker could not be installed');
  }
  return registration;
}
