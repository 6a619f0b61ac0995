import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Page, Worker } from 'playwright-core';
import { TestBrowser, type TestContext } from '../support/browser.js';
import { PushService, type Pushed, type Subscription } from '../support/push-service.js';
import { expectStatus, type Person, type Shop, unique, until, World } from '../support/world.js';

/**
 * Notifications in a real browser. The push service is one that the test runs, and what it receives is handed to the browser's
 * own worker as a push. The browser of the tests has no push service, no place that shows notifications, and opens no window
 * without a person's touch: for these three others stand in.
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
  expectStatus(await from.ask('POST', `/api/conversations/${contactId}/messages`, { clientId: unique(), body }), 201);

/** Lets a device have notifications, with a subscription of the test's push service, and another after that has ended. */
async function withPushService({ context }: TestContext): Promise<[string, string]> {
  const made = [push.browser(), push.browser()] as const;
  await context.addInitScript(showingNotifications);
  await context.addInitScript(
    (given: Subscription[]) => {
      if (!('PushManager' in globalThis)) return;
      // The one that the browser has, and whether it has one; how many were made before it.
      const kept = {
        get made() {
          return Number(localStorage.getItem('made') ?? 0);
        },
        get isThere() {
          return localStorage.getItem('subscribed') !== null;
        },
      };
      const current = () => {
        const subscription = given[Math.min(kept.made, given.length) - 1];
        return {
          ...subscription,
          options: { applicationServerKey: null },
          toJSON: () => subscription,
          unsubscribe: () => Promise.resolve(localStorage.removeItem('subscribed')).then(() => true),
        };
      };
      const prototype = globalThis.PushManager.prototype as unknown as Record<string, () => Promise<unknown>>;
      prototype['getSubscription'] = () => Promise.resolve(kept.isThere ? current() : null);
      prototype['subscribe'] = () => {
        if (!kept.isThere) localStorage.setItem('made', String(kept.made + 1));
        localStorage.setItem('subscribed', '1');
        return Promise.resolve(current());
      };
      const permitted = () => localStorage.getItem('permitted') !== null;
      Object.defineProperty(Notification, 'permission', { get: () => (permitted() ? 'granted' : 'default') });
      Notification.requestPermission = () =>
        Promise.resolve(localStorage.setItem('permitted', '1')).then(() => 'granted');
    },
    made.map(({ subscription }) => subscription),
  );
  return [made[0].name, made[1].name];
}

/** A place that shows notifications, which a page and its worker have in common: it runs in both of them. */
function showingNotifications(): void {
  // An empty page has none.
  if (!('ServiceWorkerRegistration' in globalThis)) return;
  const { prototype } = globalThis.ServiceWorkerRegistration;
  const centre = () => caches.open('shown notifications');
  prototype.showNotification = async (title, options = {}) => {
    const { tag, data } = options as { tag: string; data: unknown };
    await (await centre()).put(`/shown/${tag}`, new Response(JSON.stringify({ title, tag, data })));
  };
  prototype.getNotifications = async () => {
    const cache = await centre();
    const answers = await Promise.all((await cache.keys()).map((key) => cache.match(key)));
    const all = (await Promise.all(answers.map((each) => each!.json()))) as { tag: string }[];
    return all.map((each) => ({
      ...each,
      close: () => void cache.delete(`/shown/${each.tag}`),
    })) as unknown as Notification[];
  };
}

/** The app's worker as it runs now: the browser stops and starts it as it likes. */
async function worker({ context }: TestContext): Promise<Worker> {
  const running = context.serviceWorkers().findLast((each) => each.url().endsWith('/app-sw.js'))!;
  await running.evaluate(showingNotifications);
  return running;
}

/** Hands the browser's worker of the app what the push service has received. */
async function deliver(phone: TestContext, page: Page, { payload }: Pushed): Promise<void> {
  await worker(phone);
  const devtools = await page.context().newCDPSession(page);
  const registered = new Promise<string>((resolve) => {
    devtools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const own = registrations.find(({ scopeURL }) => scopeURL === `${world.url}/app`);
      if (own) resolve(own.registrationId);
    });
  });
  await devtools.send('ServiceWorker.enable');
  const registrationId = await registered;
  const data = JSON.stringify(payload);
  await devtools.send('ServiceWorker.deliverPushMessage', { origin: world.url, registrationId, data });
  await devtools.detach();
}

const shown = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const [registration] = await navigator.serviceWorker.getRegistrations();
    return (await registration!.getNotifications()).map(({ title }) => title);
  });

test('a person is asked after the first reply, is notified with the app closed, and the notification leads to the conversation and goes when it is read', async () => {
  const anna = await world.join(bakery, 'anna');
  await say(anna, 'A che ora aprite?', anna.device);
  const phone = await browser.open({ device: 'phone', hasWorker: true });
  const [name] = await withPushService(phone);
  await phone.signIn('app', anna.username);
  const page = await phone.page(`/app/c/${anna.contactId}`);
  await page.getByText('A che ora aprite?', { exact: true }).waitFor();
  expect(await page.getByText('Vuoi un avviso').count()).toBe(0);
  await say(anna, 'Alle sette');
  await page.getByRole('button', { name: 'Attiva le notifiche' }).click();
  await page.getByText('Notifiche attive su questo dispositivo').waitFor();

  // The app is closed; a page that is none of its screens stays.
  await page.goto(`${world.url}/api/health/live`);
  await say(anna, 'Il pane è pronto');
  await deliver(phone, page, await push.pushes(name));
  await until(async () => (await shown(page)).length === 1, 'it is shown');
  expect(await shown(page)).toEqual(['Nuovo messaggio da Forno Aurora']);

  const app = await phone.page('/app');
  await app.getByRole('heading', { name: 'Conversazioni' }).waitFor();
  const running = await worker(phone);
  await running.evaluate(async () => {
    const scope = globalThis as unknown as {
      registration: { getNotifications(): Promise<object[]> };
      dispatchEvent(event: Event): boolean;
    };
    const [notification] = await scope.registration.getNotifications();
    if (!notification) throw new Error('nothing is shown');
    scope.dispatchEvent(Object.assign(new Event('notificationclick'), { notification, waitUntil: () => {} }));
  });
  await app.waitForURL(`**/app/c/${anna.contactId}`);
  await app.getByText('Il pane è pronto', { exact: true }).waitFor();
  await until(async () => (await shown(page)).length === 0, 'it is gone');

  // One that was not clicked goes when the message is read.
  await app.close();
  await say(anna, 'E la focaccia');
  await deliver(phone, page, await push.pushes(name, 2));
  await until(async () => (await shown(page)).length === 1, 'it is shown');
  const tablet = await phone.page(`/app/c/${anna.contactId}`);
  await tablet.getByText('E la focaccia', { exact: true }).waitFor();
  await until(async () => (await shown(page)).length === 0, 'it is gone as it was read');

  // Turning them off says no as well: nothing asks to turn them on again.
  await tablet.goto(`${world.url}/app/notifications`);
  await tablet.getByRole('switch', { name: 'Notifiche su questo dispositivo' }).click();
  await tablet.getByText('Notifiche spente su questo dispositivo').waitFor();
  await tablet.goto(`${world.url}/app/c/${anna.contactId}`);
  await tablet.getByText('E la focaccia', { exact: true }).waitFor();
  expect(await tablet.getByText('Vuoi un avviso').count()).toBe(0);
});

test('a merchant that says “not now” is not asked again, and finds notifications, quiet hours and mutes in the settings', async () => {
  const shop = await world.shop('florist');
  const bruno = await world.join(shop, 'bruno');
  const counter = await browser.open({ hasWorker: true });
  const [name] = await withPushService(counter);
  await counter.signIn('dashboard', shop.username);
  const page = await counter.page(`/conversations/${bruno.contactId}`);
  await page.getByRole('heading', { level: 1, name: 'Bruno Bianchi' }).waitFor();
  expect(await page.getByText('Vuoi un avviso').count()).toBe(0);
  await say(bruno, 'Buongiorno', bruno.device);
  await page.getByRole('button', { name: 'Non ora' }).click();
  await page.reload();
  await page.getByRole('heading', { level: 1, name: 'Bruno Bianchi' }).waitFor();
  expect(await page.getByText('Vuoi un avviso').count()).toBe(0);

  const pane = page.getByRole('region', { name: 'Conversazione con Bruno' });
  await pane.getByRole('button', { name: 'Altro', exact: true }).click();
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
  // Changed on another device it is seen here at once.
  await page.getByRole('button', { name: 'Riattiva Bruno Bianchi' }).waitFor();
  expectStatus(await shop.owner.ask('DELETE', `/api/conversations/${bruno.contactId}/mute`), 204);
  await page.getByText('Nessuna. Si silenzia').waitFor();
  expectStatus(await shop.owner.ask('PUT', `/api/conversations/${bruno.contactId}/mute`, { until: null }), 200);
  await page.getByRole('button', { name: 'Riattiva Bruno Bianchi' }).click();
  await page.getByText('Nessuna. Si silenzia').waitFor();

  // Who logs out leaves no subscription behind.
  await page.goto(`${world.url}/settings/devices`);
  await page.getByText('Ultima notifica consegnata').waitFor();
});

test('a device whose push service ended its subscription creates a new one, after a test and when the app is opened', async () => {
  for (const how of ['test', 'opening']) {
    const dario = await world.join(bakery, 'bruno');
    const phone = await browser.open({ device: 'phone', hasWorker: true });
    const [ended, next] = await withPushService(phone);
    await phone.signIn('app', dario.username);
    const page = await phone.page('/app/notifications');
    await page.getByRole('switch', { name: 'Notifiche su questo dispositivo' }).click();
    await page.getByText('Notifiche attive su questo dispositivo').waitFor();
    push.reply = (name) => (name === ended ? { status: 410 } : undefined);
    if (how === 'test') {
      await page.getByRole('button', { name: 'Invia una notifica di prova' }).click();
      await page.getByText('l’ho rifatta').waitFor();
    } else {
      await page.goto(`${world.url}/api/health/live`);
      await say(dario, 'Buongiorno');
      const known = () =>
        world.rows(
          `SELECT FROM push_subscription JOIN interlocutor ON interlocutor.id = receiver_id
           JOIN contact ON contact.interlocutor_id = interlocutor.id WHERE contact.id = $1`,
          [dario.contactId],
        );
      await until(async () => (await known()).length === 0, 'the service has forgotten it');
      await page.goto(`${world.url}/app/notifications`);
      await until(async () => (await known()).length === 1, 'it is subscribed anew');
    }
    await page.goto(`${world.url}/api/health/live`);
    await say(dario, 'Il pane è pronto');
    expect((await push.pushes(next)).payload).toMatchObject({ conversationId: dario.contactId });
    push.reply = undefined;
  }
});
