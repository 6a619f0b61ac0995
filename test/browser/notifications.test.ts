import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { TestBrowser, type TestContext } from '../support/browser.js';
import { PushService, type Pushed, type Subscription } from '../support/push-service.js';
import { expectStatus, type Person, type Shop, unique, until, World } from '../support/world.js';

/**
 * Notifications in a real browser. Chromium has no push service here, and opens no window without a person's touch: the
 * subscription is one of the push service of the test, and what that receives is handed to the browser's own worker.
 */

let world: World;
let browser: TestBrowser;
let push: PushService;
let bakery: Shop;

beforeAll(async () => {
  world = await World.shared();
  browser = await TestBrowser.start(world);
  push = await PushService.open();
  bakery = await world.shop('bakery');
});
afterEach(() => browser.closeContexts());
afterAll(async () => {
  await push.close();
  await browser.close();
  await world.close();
});

const say = async ({ contactId }: Person, body: string, from = bakery.owner) =>
  expectStatus(
    await from.ask('POST', `/api/conversations/${contactId}/messages`, { clientId: unique(), body }),
    201,
  );

/** Lets a device have notifications, with a subscription of the test's push service. */
async function withPushService({ context }: TestContext): Promise<string> {
  const { name, subscription } = push.browser();
  await context.grantPermissions(['notifications'], { origin: world.url });
  await context.addInitScript((given: Subscription) => {
    const key = 'subscribed';
    const made = {
      ...given,
      options: { applicationServerKey: null },
      toJSON: () => given,
      unsubscribe: () => Promise.resolve(localStorage.removeItem(key)).then(() => true),
    };
    const prototype = globalThis.PushManager.prototype as unknown as Record<string, () => Promise<unknown>>;
    prototype['getSubscription'] = () => Promise.resolve(localStorage.getItem(key) ? made : null);
    prototype['subscribe'] = () => {
      localStorage.setItem(key, '1');
      return Promise.resolve(made);
    };
  }, subscription);
  return name;
}

/** Hands the browser's worker what the push service has received. */
async function deliver(page: Page, scope: string, { payload }: Pushed): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  const registered = new Promise<string>((resolve) => {
    devtools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const own = registrations.find(({ scopeURL }) => scopeURL === world.url + scope);
      if (own) resolve(own.registrationId);
    });
  });
  await devtools.send('ServiceWorker.enable');
  const registrationId = await registered;
  const data = JSON.stringify(payload);
  await devtools.send('ServiceWorker.deliverPushMessage', { origin: world.url, registrationId, data });
  await devtools.detach();
}

const shown = (page: Page, scope: string): Promise<string[]> =>
  page.evaluate(async (own) => {
    const all = await navigator.serviceWorker.getRegistrations();
    const registration = all.find((each) => new URL(each.scope).pathname === own);
    return ((await registration?.getNotifications()) ?? []).map(({ title }) => title);
  }, scope);

test('a person is asked after the first answer, is notified with the app closed, and the notification leads there and goes when it is read', async () => {
  const anna = await world.join(bakery, 'anna');
  await say(anna, 'A che ora aprite?', anna.device);
  const phone = await browser.open({ device: 'phone', hasWorker: true });
  const name = await withPushService(phone);
  await phone.signIn('app', anna.username);
  const page = await phone.page(`/app/c/${anna.contactId}`);
  await page.getByText('A che ora aprite?').waitFor();
  expect(await page.getByText('Vuoi un avviso').count()).toBe(0);
  await say(anna, 'Alle sette');
  await page.getByRole('button', { name: 'Attiva le notifiche' }).click();
  await page.getByText('Notifiche attive su questo dispositivo').waitFor();

  // The app is closed; a page that is none of its screens stays.
  await page.goto(`${world.url}/api/health/live`);
  await say(anna, 'Il pane è pronto');
  await deliver(page, '/app', await push.pushes(name));
  await until(async () => (await shown(page, '/app')).length === 1, 'it is shown');
  expect(await shown(page, '/app')).toEqual(['Nuovo messaggio da Forno Aurora']);

  const app = await phone.page('/app');
  await app.getByRole('heading', { name: 'Conversazioni' }).waitFor();
  const [worker] = phone.context.serviceWorkers().filter((each) => each.url().endsWith('/app-sw.js'));
  await worker!.evaluate(async () => {
    const scope = globalThis as unknown as {
      registration: { getNotifications(): Promise<object[]> };
      NotificationEvent: new (type: string, options: object) => Event;
      dispatchEvent(event: Event): boolean;
    };
    const [notification] = await scope.registration.getNotifications();
    scope.dispatchEvent(new scope.NotificationEvent('notificationclick', { notification }));
  });
  await app.waitForURL(`**/app/c/${anna.contactId}`);
  await app.getByText('Il pane è pronto').waitFor();
  await until(async () => (await shown(page, '/app')).length === 0, 'it is gone');

  // One that was not clicked goes when the message is read.
  await app.close();
  await say(anna, 'E la focaccia');
  await deliver(page, '/app', await push.pushes(name, 2));
  await until(async () => (await shown(page, '/app')).length === 1, 'it is shown');
  const tablet = await phone.page(`/app/c/${anna.contactId}`);
  await tablet.getByText('E la focaccia').waitFor();
  await until(async () => (await shown(page, '/app')).length === 0, 'it is gone as it was read');
});

test('a merchant that says “not now” is left alone, and finds notifications, quiet hours and mutes in the settings', async () => {
  const shop = await world.shop('florist');
  const bruno = await world.join(shop, 'bruno');
  const counter = await browser.open({ hasWorker: true });
  const name = await withPushService(counter);
  await counter.signIn('dashboard', shop.username);
  const page = await counter.page(`/conversations/${bruno.contactId}`);
  await page.getByRole('heading', { level: 1, name: 'Bruno Bianchi' }).waitFor();
  expect(await page.getByText('Vuoi un avviso').count()).toBe(0);
  await say(bruno, 'Buongiorno', bruno.device);
  await page.getByRole('button', { name: 'Non ora' }).click();
  await page.reload();
  await page.getByRole('heading', { level: 1, name: 'Bruno Bianchi' }).waitFor();
  expect(await page.getByText('Vuoi un avviso').count()).toBe(0);

  await page.getByRole('button', { name: 'Altro su questa conversazione' }).click();
  await page.getByRole('menuitem', { name: 'Silenzia…' }).click();
  await page.getByLabel('Finché non la riattivo').check();
  await page.getByRole('button', { name: 'Silenzia', exact: true }).click();
  await page.getByText('Conversazione silenziata').waitFor();

  await page.goto(`${world.url}/settings/notifications`);
  await page.getByRole('switch', { name: 'Notifiche su questo dispositivo' }).click();
  await page.getByText('Notifiche attive su questo dispositivo').waitFor();
  await page.getByRole('button', { name: 'Invia una notifica di prova' }).click();
  await page.getByText('Consegnata al servizio di notifiche del browser').waitFor();
  expect((await push.pushes(name)).payload).toEqual({ kind: 'test', locale: 'it' });

  await page.getByRole('switch', { name: 'Ore di silenzio' }).click();
  await page.getByLabel('Dalle').fill('21:30');
  await page.getByRole('button', { name: 'Salva' }).click();
  await page.getByText('Ore di silenzio salvate').last().waitFor();
  await until(async () => {
    const { body } = await shop.owner.ask('GET', '/api/notification-settings');
    return body.quietHours?.from === 21 * 60 + 30;
  }, 'they are saved');
  await page.getByRole('button', { name: 'Riattiva Bruno Bianchi' }).click();
  await page.getByText('Nessuna. Si silenzia').waitFor();

  // Who logs out leaves no subscription behind.
  await page.goto(`${world.url}/settings/devices`);
  await page.getByText('ultima notifica consegnata').waitFor();
});
