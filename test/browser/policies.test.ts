import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { isListed, type Place } from '../../web/trust/stored.js';
import { TestBrowser } from '../support/browser.js';
import {
  changesOf,
  dayAhead,
  policiesFolder,
  publish,
  refreshed,
  takesEffect,
  writeVersion,
} from '../support/policies.js';
import { type Person, type Shop, World } from '../support/world.js';

/** A policy that changes, on the screens of a business and of a person; and what both apps leave in a browser. */

let policies: string;
let world: World;
let browser: TestBrowser;
let shop: Shop;
let anna: Person;

beforeAll(async () => {
  policies = await policiesFolder();
  world = await World.open({ POLICIES_DIR: policies });
  browser = await TestBrowser.start(world);
  shop = await world.shop('bakery');
  anna = await world.join(shop, 'anna');
  for (const policy of ['interlocutor/privacy', 'subscriber/terms'] as const) {
    await writeVersion(policies, policy, 2);
    expect(await publish(world, policy, '--effective', dayAhead(20))).toMatchObject({ code: 0 });
  }
  await refreshed(world);
});
afterEach(() => browser.closeContexts());
afterAll(async () => {
  await browser.close();
  await world.close();
  await rm(policies, { recursive: true, force: true });
});

async function open(path: string, username: string): Promise<Page> {
  const device = await browser.open({});
  await device.signIn(path.startsWith('/app') ? 'app' : 'dashboard', username);
  return device.page(path);
}

test('a new version is announced with its changes, read and dismissed, and on its day a gate shows them again', async () => {
  const dashboard = await open('/', shop.username);
  const band = dashboard.getByRole('status').filter({ hasText: changesOf(2).it });
  await band.getByText(/^Dal .* cambia: Condizioni del servizio/).waitFor();
  await band.getByRole('link', { name: 'Leggi il testo' }).click();
  await dashboard.getByRole('heading', { name: 'Il testo che viene' }).waitFor();
  await dashboard.getByRole('heading', { name: 'Condizioni del servizio', exact: true }).first().waitFor();
  await dashboard.getByRole('button', { name: 'Ho capito' }).click();
  await band.waitFor({ state: 'detached' });

  const phone = await open('/app', anna.username);
  await phone.getByRole('link', { name: 'Leggi il testo' }).click();
  await phone.getByRole('heading', { name: 'Che cosa cambia' }).waitFor();
  await phone.getByRole('button', { name: 'Accetta già adesso' }).click();
  await phone.getByText('Hai già accettato questa versione.').waitFor();

  // A person who joins today accepts today's text, and can read the one to come; one who has joined is asked nothing again.
  const { code } = await world.invitation(shop);
  const stranger = await (await browser.open({ device: 'phone' })).page(`/join/${code}`);
  await stranger.getByRole('button', { name: 'Continua', exact: true }).click();
  await stranger.getByText(/^Dal .* vale un testo nuovo\./).waitFor();
  await stranger.getByRole('button', { name: 'Leggi il testo nuovo' }).click();
  await stranger.getByText(changesOf(2).it).waitFor();
  await phone.goto(`${world.url}/app/join/${code}`);
  await phone.waitForURL(`**/app/c/${anna.contactId}`);

  await takesEffect(world, 'subscriber/terms', 2);
  await takesEffect(world, 'interlocutor/privacy', 2);
  await dashboard.reload();
  await dashboard.getByRole('button', { name: 'Leggi e accetta' }).click();
  const dialog = dashboard.getByRole('dialog');
  await dialog.getByText(changesOf(2).it).waitFor();
  await dialog.getByRole('button', { name: 'Accetta e continua' }).click();
  await dialog.waitFor({ state: 'hidden' });
  // Who accepted early is asked nothing.
  await phone.goto(`${world.url}/app`);
  await phone.getByRole('link', { name: /Forno Aurora/ }).waitFor();
  expect(await phone.getByRole('link', { name: 'Leggi il testo' }).count()).toBe(0);
});

test('the log of an account and its consents can be read', async () => {
  const phone = await open('/app/privacy/activity', anna.username);
  await phone.getByText('Accesso da un dispositivo').first().waitFor();
  const dashboard = await open('/settings/agreed', shop.username);
  await dashboard.getByRole('button', { name: 'Rileggi il testo di allora' }).first().click();
  await dashboard.getByText(/Impronta del testo/).waitFor();
  await dashboard.goto(`${world.url}/settings/activity`);
  await dashboard.getByText('ha fatto l’accesso con un dispositivo').first().waitFor();
});

test('the page about cookies lists everything that both apps leave in a browser', async () => {
  const device = await browser.open({ hasWorker: true });
  await device.signIn('app', anna.username);
  await device.signIn('dashboard', shop.username);
  const page = await device.page(`/app/c/${anna.contactId}`);
  await page.getByRole('textbox').first().fill('Una bozza');
  for (const path of ['/', '/settings/appearance', '/cookies']) await page.goto(world.url + path);
  await page.getByText('colloquio-dashboard', { exact: true }).waitFor();
  const kept = await page.evaluate(async () => ({
    local: Object.keys(localStorage),
    session: Object.keys(sessionStorage),
    database: (await indexedDB.databases()).map(({ name }) => name!),
    cache: await caches.keys(),
  }));
  const cookies = (await device.context.cookies()).map(({ name }) => name);
  expect(cookies.length).toBeGreaterThan(1);
  expect(kept.database.length).toBeGreaterThan(0);
  const found = Object.entries({ ...kept, cookie: cookies }).flatMap(([place, names]) =>
    // The tests' own mark, by which they sign in once.
    names.filter((name) => !name.endsWith('-here-set')).map((name) => ({ place: place as Place, name })),
  );
  expect(found.filter(({ place, name }) => !isListed(place, name))).toEqual([]);
});
