import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { type Opened, TestBrowser } from '../support/browser.js';
import { expectStatus, people, type Person, type Shop, until, World } from '../support/world.js';

/** The dashboard's conversations: list, filters, details, and what members see of each other's work. */

let world: World;
let browser: TestBrowser;
let bakery: Shop;
let anna: Person;
let bruno: Person;

beforeAll(async () => {
  world = await World.shared();
  browser = await TestBrowser.start(world);
});
beforeEach(async () => {
  bakery = await world.shop('bakery');
  [anna, bruno] = await Promise.all([world.join(bakery, 'anna'), world.join(bakery, 'bruno')]);
  await Promise.all([anna.device.connect(), bruno.device.connect()]);
  await bruno.device.say(bruno.contactId, 'Buongiorno');
  await anna.device.say(anna.contactId, 'Avete ancora pane?');
});
afterEach(() => browser.closeContexts());
afterAll(async () => {
  await browser.close();
  await world.close();
});

async function open(path: string, options: Opened = {}, username = bakery.username): Promise<Page> {
  const device = await browser.open(options);
  await device.signIn('dashboard', username);
  return device.page(path);
}

const list = (page: Page) => page.getByRole('region', { name: 'Elenco delle conversazioni' });
const row = (page: Page, { contactId }: Person) => page.locator(`[data-row="${contactId}"]`);
const chip = (page: Page, name: string) => list(page).getByRole('button', { name: new RegExp(`^${name}`) });
const field = (page: Page) => page.getByRole('textbox', { name: /^Scrivi a / });
const rows = (page: Page) => page.locator('[data-row]').count();

test('what one member reads or finishes is read or finished on the others’ screens', async () => {
  const colleague = await world.staff(bakery);
  const [hers, his] = await Promise.all([open('/'), open('/', {}, colleague.username)]);
  await row(his, anna).getByText('1 da leggere').waitFor({ state: 'attached' });
  expect(await his.title()).toBe('(2) Conversazioni · Colloquio');

  await row(hers, anna).click();
  await hers.getByText('Avete ancora pane?').last().waitFor();
  await row(his, anna).getByText('1 da leggere').waitFor({ state: 'detached' });
  await until(async () => (await his.title()) === '(1) Conversazioni · Colloquio', 'the title counts one');

  await chip(his, 'Da rispondere').click();
  expect(await rows(his)).toBe(2);
  await hers.getByRole('button', { name: 'Non serve risposta' }).click();
  await row(his, anna).waitFor({ state: 'detached' });
  await bakery.owner.connect();
  await bakery.owner.say(bruno.contactId, 'Buongiorno a te');
  await list(his).getByText('Hai risposto a tutti.').waitFor();

  await anna.device.say(anna.contactId, 'E domani?');
  await row(his, anna).waitFor();
});

test('a member claims a conversation, colleagues see it and can take it over, and the person sees nothing', async () => {
  const colleague = await world.staff(bakery);
  expectStatus(await bakery.owner.ask('PATCH', '/api/me', { displayName: 'Nives' }), 200);
  const [hers, his] = await Promise.all([
    open(`/conversations/${anna.contactId}`),
    open(`/conversations/${anna.contactId}`, {}, colleague.username),
  ]);
  const phone = await browser.open({ device: 'phone' });
  await phone.signIn('app', anna.username);
  const theirs = await phone.page(`/app/c/${anna.contactId}`);
  const head = (page: Page) => page.getByRole('region', { name: 'Conversazione con Anna Rossi' });

  await head(hers).getByRole('button', { name: 'Ci penso io', exact: true }).click();
  await head(hers)
    .getByText(/^Te ne occupi tu/)
    .waitFor();
  await head(his)
    .getByText(/^Se ne occupa Nives/)
    .waitFor();
  await row(his, anna).getByText('se ne occupa Nives').waitFor({ state: 'attached' });
  await chip(hers, 'Mie').click();
  await row(hers, bruno).waitFor({ state: 'detached' });
  await chip(his, 'Mie').click();
  await list(his).getByText('Non ti occupi di nessuna conversazione.').waitFor();

  await head(his).getByRole('button', { name: 'Ci penso io al posto di Nives' }).click();
  await his.getByText('Ora te ne occupi tu al posto di Nives').waitFor();
  await head(hers)
    .getByText(/^Se ne occupa Sara/)
    .waitFor();
  await row(his, anna).getByText('te ne occupi tu').waitFor({ state: 'attached' });
  await row(his, anna).focus();
  await his.keyboard.press('c');
  await head(hers).getByRole('button', { name: 'Ci penso io', exact: true }).waitFor();
  await row(his, anna).getByText('te ne occupi tu').waitFor({ state: 'detached' });

  await theirs.getByText('Avete ancora pane?', { exact: true }).waitFor();
  const told = await theirs.locator('body').innerText();
  expect(told).not.toMatch(/Nives|Sara|occup/);
});

test('the list is filtered, searched by beginnings of names, and operated with the keyboard', async () => {
  const page = await open('/');
  await row(page, anna).waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Scorciatoie da tastiera' }).waitFor();
  await page.keyboard.press('Escape');

  await page.keyboard.press('/');
  await page.keyboard.type(people.anna.firstName.slice(0, 3).toUpperCase());
  await row(page, bruno).waitFor({ state: 'detached' });
  await page.keyboard.press('Enter');
  await field(page).waitFor();
  expect(new URL(page.url()).pathname).toBe(`/conversations/${anna.contactId}`);
  await page.reload();
  await field(page).waitFor();
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Anna Rossi');

  // The latest conversation is the first one: Bruno's is the next.
  await row(page, bruno).waitFor();
  await page.keyboard.press('j');
  await page.waitForURL(`**/conversations/${bruno.contactId}`);
  await page.keyboard.press('k');
  await page.waitForURL(`**/conversations/${anna.contactId}`);
  await page.keyboard.press('Escape');
  await page.getByText('Scegli una conversazione').waitFor();

  await page.keyboard.press('/');
  await page.keyboard.type('nessuno con questo nome');
  await list(page).getByText('Nessuno si chiama «nessuno con questo nome».').waitFor();
  await list(page).getByRole('button', { name: 'Mostra tutte' }).click();
  expect(await rows(page)).toBe(2);
});

test('on a phone, list, thread and details are pages, and the thread fills the screen', async () => {
  const page = await open('/', { device: 'small phone' });
  const sections = page.getByRole('navigation', { name: 'Sezioni' });
  await sections.waitFor();
  await row(page, anna).tap();
  await field(page).waitFor();
  expect(await sections.isVisible()).toBe(false);
  expect(await list(page).isVisible()).toBe(false);
  await page.getByRole('button', { name: 'Altro', exact: true }).tap();
  await page.getByRole('menuitem', { name: 'Dettagli del contatto' }).tap();
  await page.getByRole('complementary').getByText(people.anna.email).waitFor();
  expect(await field(page).isVisible()).toBe(false);
  await page.goBack();
  await field(page).waitFor();
  await page.getByRole('link', { name: 'Torna indietro' }).tap();
  await row(page, anna).waitFor();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
});

test('a label is created at a contact, and an unsaved note survives a reload', async () => {
  const page = await open(`/conversations/${anna.contactId}`);
  const details = page.getByRole('complementary');
  await details.getByText(people.anna.email).waitFor();
  await details.getByRole('button', { name: 'Aggiungi un’etichetta' }).click();
  const finding = details.getByRole('textbox', { name: 'Cerca o crea un’etichetta' });
  await finding.fill('Torte');
  await finding.press('Enter');
  await row(page, anna).getByText('Torte').waitFor();
  await chip(page, 'Etichetta').click();
  await page.getByRole('menuitemcheckbox', { name: 'Torte' }).click();
  await row(page, bruno).waitFor({ state: 'detached' });

  await details.getByRole('button', { name: 'Scrivi una nota' }).click();
  await details.getByRole('textbox', { name: 'Scrivi una nota' }).fill('Senza noci');
  await details.getByText('Non ancora salvata').waitFor();
  // Leaving the conversation stores what was written at once.
  await row(page, anna).focus();
  await page.keyboard.press('Escape');
  await page.getByText('Scegli una conversazione').waitFor();
  await page.goto(`${world.url}/conversations/${anna.contactId}`);
  await until(
    async () => (await details.getByRole('textbox').first().inputValue()) === 'Senza noci',
    'the note is there again',
  );
  await details.getByRole('button', { name: 'Salva' }).click();
  await details.getByRole('button', { name: 'Salva' }).waitFor({ state: 'detached' });
  const { body } = await bakery.owner.ask('GET', `/api/contacts/${anna.contactId}`);
  expect(body).toMatchObject({ note: 'Senza noci', labels: [expect.any(String)] });
});

test('a visitor without a session is led to the sign-in, and then to the requested page', async () => {
  const device = await browser.open();
  const page = await device.page(`/conversations/${anna.contactId}?m=1`);
  await page.waitForURL(/sign-in/);
  expect(new URL(page.url()).searchParams.get('next')).toBe(`/conversations/${anna.contactId}?m=1`);
});
