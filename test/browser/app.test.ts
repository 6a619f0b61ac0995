import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { MailStops } from '../../src/unread-mails/mail-stops.service.js';
import { type TestContext, TestBrowser } from '../support/browser.js';
import { expectStatus, password, type Shop, unique, World } from '../support/world.js';

/** The app of interlocutors: joining, choices about one's data, and what stays on a device. */

let world: World;
let browser: TestBrowser;
let bakery: Shop;
let phone: TestContext;

beforeAll(async () => {
  world = await World.shared();
  bakery = await world.shop('bakery');
  browser = await TestBrowser.start(world);
});
beforeEach(async () => {
  phone = await browser.open({ device: 'phone' });
});
afterEach(() => browser.closeContexts());
afterAll(async () => {
  await browser.close();
  await world.close();
});

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });

async function fillIn(page: Page): Promise<void> {
  await page.getByLabel('Nome', { exact: true }).fill('Giulia');
  await page.getByLabel('Cognome').fill('Rossi');
  await page.getByLabel('Email').fill(`giulia-${unique()}@mail.example`);
  await page.getByLabel('Inventa una password').fill(password);
}

/** Joins by the link of a QR code, as somebody new. */
async function join(page: Page): Promise<string> {
  await button(page, 'Continua').click();
  await button(page, 'Accetta e continua').click();
  await fillIn(page);
  await page.getByLabel('Ho almeno 14 anni.').check();
  await button(page, 'Entra e scrivi').click();
  await page.waitForURL(/\/app\/c\//);
  return page.url().split('/').at(-1)!;
}

/**
 * Resolves once the store of the app holds as much under a name; the list is kept in the same write. The browser waits itself,
 * because `waitForFunction` takes the promise of a function for its success.
 */
async function keptIn({ key, length }: { key: string; length: number }): Promise<void> {
  const done = <Result>(request: IDBRequest<Result>) =>
    new Promise<Result>((resolve) => (request.onsuccess = () => resolve(request.result)));
  const database = await done(indexedDB.open('colloquio-app-data'));
  let size = 0;
  while (size <= length) {
    await new Promise((later) => setTimeout(later, 50));
    const kept = database.transaction('values').objectStore('values').get(key) as IDBRequest<
      { sealed: ArrayBuffer } | undefined
    >;
    size = (await done(kept))?.sealed.byteLength ?? 0;
  }
  database.close();
}

describe('joining', () => {
  test('shows the invitation contained in its page, and requests it only in another language', async () => {
    const { code } = await world.invitation(bakery);
    const asked: string[] = [];
    phone.context.on('request', (request) => asked.push(new URL(request.url()).pathname));
    const page = await phone.page(`/app/join/${code}`);
    await page.getByRole('heading', { name: 'Forno Aurora' }).waitFor();
    const path = `/api/invitations/by-code/${code}`;
    expect(asked).not.toContain(path);
    await button(page, 'English').click();
    await button(page, 'Continue').waitFor();
    expect(asked).toContain(path);
    const { headers } = await fetch(`${world.url}/app/join/${code}`, { headers: { accept: 'text/html' } });
    expect(headers.get('cache-control')).toBe('no-store');
  });

  test('leads from the QR code to the conversation, and to a second shop with two taps', async () => {
    const { url } = await world.invitation(bakery);
    const page = await phone.page(new URL(url).pathname);
    expect(new URL(page.url()).pathname).toMatch(/^\/app\/join\//);
    const contactId = await join(page);
    await page.getByText('Qui comincia la conversazione').or(page.getByText('Ancora nessun messaggio')).waitFor();
    const { body: contact } = await bakery.owner.ask('GET', `/api/contacts/${contactId}`);
    // The box for promotions was not touched.
    expect(contact).toMatchObject({ firstName: 'Giulia', surname: 'Rossi', promotions: false });

    const florist = await world.shop('florist');
    const { code } = await world.invitation(florist);
    await page.goto(`${world.url}/app/join/${code}`);
    await button(page, 'Continua').click();
    await button(page, 'Accetta ed entra').click();
    await page.waitForURL(/\/app\/c\//);
    expect(page.url()).not.toContain(contactId);
  });

  test.each(['it-IT', 'en-GB'] as const)(
    'shows the box for promotions whole above the button, in %s',
    async (locale) => {
      const { code } = await world.invitation(bakery);
      const page = await (await browser.open({ device: 'phone', locale })).page(`/app/join/${code}`);
      await button(page, /^(Continua|Continue)$/).click();
      const box = await page.getByRole('checkbox').locator('xpath=ancestor::*[@class][2]').boundingBox();
      const act = await page
        .getByText(/Ho letto|I have read/)
        .first()
        .boundingBox();
      expect(box!.y + box!.height).toBeLessThanOrEqual(act!.y);
    },
  );

  test('can be declined, and stores nothing about a person who is too young', async () => {
    const { code, id } = await world.invitation(bakery);
    const page = await phone.page(`/app/join/${code}`);
    await button(page, 'No, grazie').click();
    await page.getByRole('heading', { name: 'Va bene così' }).waitFor();
    await button(page, 'Torna all’invito').click();
    await button(page, 'Continua').click();
    await button(page, 'Accetta e continua').click();
    await fillIn(page);
    // What was typed outlives a reload, but for the password.
    await page.reload();
    expect(await page.getByLabel('Cognome').inputValue()).toBe('Rossi');
    expect(await page.getByLabel('Inventa una password').inputValue()).toBe('');
    await button(page, 'Ho meno di 14 anni').click();
    await page.getByRole('heading', { name: 'Grazie per averlo detto' }).waitFor();
    expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }))).not.toContain('Rossi');
    expect((await bakery.owner.ask('GET', `/api/invitations/${id}`)).body.uses).toBe(0);
  });

  test('says why an invitation is no longer valid', async () => {
    const { code, id } = await world.invitation(bakery);
    expectStatus(await bakery.owner.ask('DELETE', `/api/invitations/${id}`), 204);
    const page = await phone.page(`/app/join/${code}`);
    await page.getByRole('heading', { name: 'Questo invito è stato ritirato' }).waitFor();
  });
});

describe('promotions', () => {
  test('are agreed to and declined with one tap each, and accepted texts are shown word for word', async () => {
    const { code } = await world.invitation(bakery);
    const page = await phone.page(`/app/join/${code}`);
    const contactId = await join(page);
    await page.goto(`${world.url}/app/privacy`);
    const choice = page.getByRole('switch', { name: 'Promozioni di Forno Aurora' });
    await choice.click();
    await page.getByText('può mandarti offerte').waitFor();
    const promotions = async () => (await bakery.owner.ask('GET', `/api/contacts/${contactId}`)).body.promotions;
    expect(await promotions()).toBe(true);
    await choice.click();
    await page.getByText('non può più mandarti offerte').waitFor();
    expect(await promotions()).toBe(false);
    await page.goto(`${world.url}/app/privacy/agreed/${contactId}`);
    await page.getByText("Ho letto l'informativa privacy di Forno Aurora").waitFor();
    await button(page, 'Rileggi il testo di allora').click();
    await page.getByRole('heading', { name: 'Chi decide sui tuoi dati' }).waitFor();
  });
});

test('text of twice the size fits the narrowest screen', async () => {
  const anna = await world.join(bakery, 'anna');
  const small = await browser.open({ device: 'small phone' });
  await small.signIn('app', anna.username);
  await small.context.addInitScript(() => {
    document.addEventListener('DOMContentLoaded', () => (document.documentElement.style.fontSize = '200%'));
  });
  for (const path of ['/app', '/app/privacy', '/app/who-can-read', '/who-can-read']) {
    const page = await small.page(path);
    await page.getByRole('heading', { level: 1 }).waitFor();
    const beyond = await page.evaluate(() =>
      [...document.querySelectorAll('h1, td, th, nav a, nav a span')]
        .filter((each) => each.getBoundingClientRect().right > innerWidth)
        .map((each) => each.textContent),
    );
    expect({ path, beyond }).toEqual({ path, beyond: [] });
  }
});

describe('a device', () => {
  test('opens without a network with what it showed last, and says so', async () => {
    const { code } = await world.invitation(bakery);
    phone = await browser.open({ device: 'phone', hasWorker: true });
    const page = await phone.page(`/app/join/${code}`);
    const id = await join(page);
    const message = { clientId: unique(), body: 'Il pane è pronto.' };
    expectStatus(await bakery.owner.ask('POST', `/api/conversations/${id}/messages`, message), 201);
    await page.getByText(message.body).first().waitFor();
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.goto(`${world.url}/app`);
    await page.getByText(message.body).waitFor();
    await phone.offline(true);
    await page.reload();
    await page.getByText('Sei senza rete.').waitFor();
    await page.getByText(message.body).waitFor();
  });

  test('shows its stored data before the service has answered', async () => {
    const anna = await world.join(bakery, 'anna');
    const id = anna.contactId;
    const message = { clientId: unique(), body: 'Il pane è pronto. '.repeat(100).trim() };
    expectStatus(await bakery.owner.ask('POST', `/api/conversations/${id}/messages`, message), 201);
    await phone.signIn('app', anna.username);
    const page = await phone.page(`/app/c/${id}`);
    await page.getByText(message.body).first().waitFor();
    await page.evaluate(keptIn, { key: `kept/timeline/${id}`, length: message.body.length });
    const asked: string[] = [];
    await phone.context.route('**/api/**', (route) => void asked.push(route.request().url()));
    await page.reload();
    await page.getByText(message.body).first().waitFor();
    expect(asked).toContain(`${world.url}/api/me`);
  });

  test('takes over a sign-in from its address once, and keeps no name once that session has ended', async () => {
    const anna = await world.join(bakery, 'anna');
    const { body: made } = await anna.device.ask('POST', '/api/sessions/carry-codes');
    const address = `/app?carry=${made.code}`;
    const page = await phone.page(address);
    await page.getByRole('heading', { name: 'Conversazioni' }).waitFor();
    expect(page.url()).not.toContain('carry');
    const { body: devices } = await anna.device.ask('GET', '/api/sessions');
    const { id: here } = devices.items.find(({ current }: { current: boolean }) => !current);
    await page.goto('about:blank');
    expectStatus(await anna.device.ask('DELETE', `/api/sessions/${here}`), 204);
    for (const start of ['first', 'second']) {
      await page.goto(world.url + address);
      await page.getByRole('heading', { name: 'Entra' }).waitFor();
      expect(await page.getByLabel(/Nome utente/).inputValue()).toBe('');
      expect({ start, late: await page.getByText('Il passaggio dal browser').count() }).toEqual({ start, late: 0 });
    }
    // Somebody who comes too late for the first time is told so.
    await phone.context.clearCookies();
    await page.evaluate(() => localStorage.clear());
    await page.goto(world.url + address);
    await page.getByText('Il passaggio dal browser').waitFor();
  });

  test('loses nothing if the service is not ready when the app is opened', async () => {
    const { code } = await world.invitation(bakery);
    const page = await phone.page(`/app/join/${code}`);
    await join(page);
    const field = page.getByRole('textbox', { name: /^Scrivi a / });
    await field.fill('Vorrei due pagnotte e');
    await page.evaluate(() => window.dispatchEvent(new Event('blur')));
    await page.getByRole('link', { name: 'Indietro' }).click();
    await page.getByText('Bozza:').waitFor();
    // What the service answers while its database starts.
    const problem = {
      type: 'urn:colloquio:problem:unavailable',
      code: 'unavailable',
      status: 503,
      title: '',
      detail: '',
    };
    let refused = 0;
    await phone.context.route('**/api/me', (route) => {
      refused++;
      return route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify(problem) });
    });
    await page.reload();
    await page.getByText('Bozza:').waitFor();
    expect(refused).toBeGreaterThan(0);
  });

  test('that is shared keeps nothing, in any tab', async () => {
    const anna = await world.join(bakery, 'anna');
    const page = await phone.page('/app/sign-in');
    await page.getByLabel(/Nome utente/).fill(anna.username);
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByLabel(/lo usano anche altri/).check();
    await button(page, 'Entra').click();
    await page.getByRole('heading', { name: 'Conversazioni' }).waitFor();
    const other = await phone.page('/app');
    await other.getByRole('heading', { name: 'Conversazioni' }).waitFor();
    for (const tab of [page, other]) {
      expect(await tab.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))).toEqual([]);
    }
    const cookies = await phone.context.cookies(world.url);
    expect(cookies).toMatchObject([{ name: 'colloquio-app', expires: -1 }]);
  });

  test('is silent and empty in all its tabs after logging out', async () => {
    const { code } = await world.invitation(bakery);
    const page = await phone.page(`/app/join/${code}`);
    const id = await join(page);
    const other = await phone.page(`/app/c/${id}`);
    await other.getByRole('heading', { name: 'Forno Aurora' }).waitFor();
    await page.goto(`${world.url}/app/more`);
    await button(page, /Esci da questo dispositivo/).click();
    await button(page, 'Esci').click();
    await page.getByRole('heading', { name: 'Sei fuori. Questo dispositivo tace.' }).waitFor();
    await other.getByRole('heading', { name: 'Entra' }).waitFor();
    const message = { clientId: unique(), body: 'Ci sei ancora?' };
    expectStatus(await bakery.owner.ask('POST', `/api/conversations/${id}/messages`, message), 201);
    for (const tab of [page, other]) expect(await tab.getByText(message.body).count()).toBe(0);
    expect(await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))).toEqual([]);
    await page.reload();
    await page.getByRole('heading', { name: 'Entra' }).waitFor();
  });

  test('keeps nothing after logging out, and the dashboard in the same browser stays signed in', async () => {
    const anna = await world.join(bakery, 'anna');
    phone = await browser.open({ device: 'phone', hasWorker: true });
    // This browser without a screen shows nothing by itself, and reaches no push service.
    await phone.context.addInitScript(() => {
      if (!('ServiceWorkerRegistration' in globalThis)) return;
      const still = (kind: string) => localStorage.getItem(`test-${kind}`) === null;
      const end = (kind: string) => Promise.resolve(localStorage.setItem(`test-${kind}`, 'ended')).then(() => true);
      Object.assign(ServiceWorkerRegistration.prototype, {
        getNotifications: () =>
          Promise.resolve(still('notification') ? [{ close: () => void end('notification') }] : []),
      });
      Object.assign(PushManager.prototype, {
        getSubscription: () => Promise.resolve(still('push') ? { unsubscribe: () => end('push') } : null),
      });
    });
    await phone.signIn('dashboard', bakery.username);
    await phone.signIn('app', anna.username);
    const dashboard = await phone.page('/');
    await dashboard.getByRole('heading', { name: 'Conversazioni' }).waitFor();
    const page = await phone.page('/app');
    await page.getByRole('heading', { name: 'Conversazioni' }).waitFor();
    await page.evaluate(async () => {
      const own = async () => {
        const found = await navigator.serviceWorker.getRegistration('/app');
        return found?.scope.endsWith('/app') && found.active ? found : undefined;
      };
      while (!(await own())) await new Promise((later) => setTimeout(later, 20));
      await caches.open('colloquio-app-pictures');
    });
    const left = () =>
      page.evaluate(async () => {
        const caching = await Promise.all(
          (await caches.keys()).map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => url)),
        );
        const registration = (await navigator.serviceWorker.getRegistration('/app'))!;
        return {
          databases: (await indexedDB.databases()).map(({ name }) => name!).sort(),
          caches: (await caches.keys()).filter((name) => !name.includes('precache')),
          cached: caching.flat().filter((url) => new URL(url).pathname.startsWith('/api/')),
          stored: Object.keys({ ...localStorage, ...sessionStorage })
            .filter((key) => !key.startsWith('test-'))
            .sort(),
          notifications: (await registration.getNotifications()).length,
          subscribed: (await registration.pushManager.getSubscription()) !== null,
        };
      });
    expect(await left()).toMatchObject({
      databases: expect.arrayContaining(['colloquio-app-data', 'colloquio-app-key']),
      caches: ['colloquio-app-pictures'],
      stored: expect.arrayContaining(['colloquio-app-here', 'colloquio-dashboard-here']),
      notifications: 1,
      subscribed: true,
    });

    await page.goto(`${world.url}/app/more`);
    await button(page, /Esci da questo dispositivo/).click();
    await button(page, 'Esci').click();
    await page.getByRole('heading', { name: 'Sei fuori. Questo dispositivo tace.' }).waitFor();
    const { databases, stored, ...others } = await left();
    expect(others).toEqual({ caches: [], cached: [], notifications: 0, subscribed: false });
    expect(databases.filter((name) => name.startsWith('colloquio-app'))).toEqual([]);
    const ofDevice = ['colloquio-app-visits', 'colloquio-locale', 'colloquio-theme'];
    expect(stored.filter((key) => !ofDevice.includes(key) && !key.includes('dashboard'))).toEqual([]);
    const cookies = (await phone.context.cookies(world.url)).map(({ name }) => name).sort();
    expect(cookies).toEqual(['colloquio-app-device', 'colloquio-dashboard', 'colloquio-dashboard-device']);
    await dashboard.reload();
    await dashboard.getByRole('heading', { name: 'Conversazioni' }).waitFor();
  });

  test('that returns from being offline to an ended session empties itself, and says what was lost', async () => {
    const { code } = await world.invitation(bakery);
    const page = await phone.page(`/app/join/${code}`);
    const id = await join(page);
    await page.getByRole('textbox', { name: /^Scrivi a / }).waitFor();
    await phone.offline(true);
    await page.getByRole('textbox', { name: /^Scrivi a / }).fill('Passo domani');
    await button(page, 'Invia').click();
    await page.getByText('Passo domani').first().waitFor();
    await world.rows(
      'DELETE FROM session WHERE account_id = (SELECT account_id FROM interlocutor JOIN contact ON interlocutor_id = interlocutor.id WHERE contact.id = $1)',
      [id],
    );
    await phone.offline(false);
    await page.getByRole('heading', { name: 'Entra' }).waitFor();
    await page.getByText('1 messaggio aspettava la rete: non è partito, e va riscritto.').waitFor();
    expect(await page.getByText('Passo domani').count()).toBe(0);
    expect(await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))).toEqual([]);
    expect(await world.rows('SELECT FROM message WHERE conversation_id = $1', [id])).toEqual([]);
  });
});

test('mails about unread messages are set up in the settings, and stopped by the link in one without signing in', async () => {
  const anna = await world.join(bakery, 'anna');
  await phone.signIn('app', anna.username);
  const page = await phone.page('/app/notifications');
  const choices = page.getByRole('group', { name: 'Mandami un’email' });
  const chosen = async () => (await anna.device.ask('GET', '/api/mail-settings')).body.unreadAfterMinutes as unknown;
  expect(await choices.getByLabel('Dopo un’ora').isChecked()).toBe(true);
  await choices.getByLabel('Dopo 15 minuti').check();
  await page.getByText('Salvato').waitFor();
  expect(await chosen()).toBe(15);

  const [{ id }] = (await world.rows<{ id: string }>('SELECT account_id AS id FROM session WHERE id = $1', [
    anna.device.sessionId,
  ])) as [{ id: string }];
  const token = world.service.app.get(MailStops).tokenFor(id);
  const stranger = await browser.open({ device: 'small phone' });
  const stopping = await stranger.page(`/api/mail-stops/${token}`);
  await stopping.getByRole('heading', { name: 'Niente più email sui messaggi non letti?' }).waitFor();
  expect(await chosen()).toBe(15);
  await button(stopping, 'Non mandarmele più').click();
  await stopping.getByRole('heading', { name: 'Fatto: non te ne mandiamo più' }).waitFor();
  expect(await chosen()).toBeNull();
  await page.reload();
  await choices.getByLabel('Mai').and(page.locator(':checked')).waitFor();
  await stopping.goto(`${world.url}/mail-stop/${token.slice(1)}`);
  await button(stopping, 'Non mandarmele più').click();
  await stopping.getByRole('heading', { name: 'Questo link non vale più' }).waitFor();
});
