import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { limits } from '../../src/contract/limits.js';
import { type Opened, TestBrowser } from '../support/browser.js';
import { expectStatus, type Person, type Shop, until, World } from '../support/world.js';

/** Quick replies: in the composer, and in the settings. */

let world: World;
let browser: TestBrowser;
let bakery: Shop;
let anna: Person;

beforeAll(async () => {
  world = await World.shared();
  browser = await TestBrowser.start(world);
});
beforeEach(async () => {
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
});
afterEach(() => browser.closeContexts());
afterAll(async () => {
  await browser.close();
  await world.close();
});

async function open(path: string, options: Opened = {}): Promise<Page> {
  const device = await browser.open(options);
  await device.signIn('dashboard', bakery.username);
  return device.page(path);
}

async function create(title: string, text: string): Promise<string> {
  const answer = await bakery.owner.ask('POST', '/api/quick-replies', { title, text });
  expectStatus(answer, 201);
  return String(answer.body.id);
}

const thread = () => `/conversations/${anna.contactId}`;
const field = (page: Page) => page.getByRole('textbox', { name: /^Scrivi a / });
const panel = (page: Page) => page.getByRole('group', { name: 'Risposte pronte', exact: true });
const marked = (page: Page) => page.getByRole('option', { selected: true });
const is = (page: Page, text: string) =>
  until(async () => (await field(page).inputValue()) === text, `the composer holds ${text}`);

test('a slash at the start of a line finds a quick reply, and Enter inserts it with the names and sends nothing', async () => {
  await create('Orari', 'Ciao {{firstName}}, siamo aperti dalle 7.');
  await create('Orari delle feste', 'Chiusi il 25.');
  await create('Saluti', 'A presto da {{businessName}} per {{companyName}}');
  const page = await open(thread());
  await field(page).fill('Buongiorno 1/2');
  expect(await panel(page).count()).toBe(0);
  await field(page).press('Shift+Enter');
  await field(page).pressSequentially('/ORA');
  await panel(page).getByText('Ciao Anna, siamo aperti dalle 7.').waitFor();
  expect(await page.getByRole('option').count()).toBe(2);
  expect(await marked(page).textContent()).toContain('Ciao Anna');
  expect(await field(page).getAttribute('aria-activedescendant')).toBe(await marked(page).getAttribute('id'));
  await field(page).press('ArrowDown');
  await marked(page).getByText('Orari delle feste').waitFor();
  await field(page).press('ArrowUp');
  await field(page).press('Enter');
  await is(page, 'Buongiorno 1/2\nCiao Anna, siamo aperti dalle 7.');
  expect(await panel(page).count()).toBe(0);

  await field(page).press('Shift+Enter');
  await field(page).pressSequentially('/sal');
  // Anna is no company: what stands there instead is seen before it is put in.
  await panel(page).getByText('Manca la ditta: al suo posto c’è «Anna Rossi».').waitFor();
  await field(page).press('Escape');
  await panel(page).waitFor({ state: 'detached' });
  await is(page, 'Buongiorno 1/2\nCiao Anna, siamo aperti dalle 7.\n/sal');
  await field(page).pressSequentially('!');
  expect(await panel(page).count()).toBe(0);

  await field(page).fill('/niente di simile');
  await panel(page).locator('p').getByText('Nessuna risposta pronta con «niente di simile».').first().waitFor();
  await field(page).press('Enter');
  await field(page).press('Escape');
  const { body } = await bakery.owner.ask('GET', `/api/conversations/${anna.contactId}/messages`);
  expect(body.items).toEqual([]);
  await field(page).press('Enter');
  await page.locator('[data-seq]').getByText('/niente di simile', { exact: true }).waitFor();
});

test('the button opens them with their own search, on a phone too, and shows what a colleague adds', async () => {
  await create('Orari', 'Siamo aperti dalle 7.');
  const page = await open(thread(), { device: 'small phone' });
  await field(page).fill('Ciao! ');
  await page.getByRole('button', { name: 'Risposte pronte', exact: true }).tap();
  await panel(page).getByRole('option').waitFor();
  await create('Indirizzo', 'Siamo in via Roma 1.');
  const search = panel(page).getByRole('combobox');
  await search.fill('roma');
  await marked(page).getByText('Indirizzo').waitFor();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
  await marked(page).tap();
  await is(page, 'Ciao! Siamo in via Roma 1.');
});

test('quick replies are created, previewed with a person, changed, deleted and restored', async () => {
  const page = await open('/settings/quick-replies');
  await page.getByText('Non ci sono ancora risposte pronte').waitFor();
  await page.getByRole('button', { name: /^Ciao! Da oggi puoi ordinare/ }).click();
  const name = page.getByRole('textbox', { name: 'Nome breve' });
  const text = page.getByRole('textbox', { name: 'Testo' });
  expect(await text.inputValue()).toMatch(/^Ciao! Da oggi/);
  await text.fill('Ciao ');
  await page.getByRole('button', { name: 'Nome', exact: true }).click();
  expect(await text.inputValue()).toBe('Ciao {{Nome}}');
  const preview = page.getByRole('region', { name: 'Anteprima' });
  await preview.getByText('Ciao Anna').waitFor();

  await name.fill('x'.repeat(limits.quickReplyTitleLength + 1));
  await text.fill('Ciao {{compleanno}}');
  await page.getByRole('button', { name: 'Crea' }).click();
  await page.getByText(/al massimo 60/).waitFor();
  expect(await text.getAttribute('aria-invalid')).toBe('true');
  await name.fill('x'.repeat(limits.quickReplyTitleLength));
  await text.fill('Ciao {{nome}}!');
  await page.getByRole('button', { name: 'Crea' }).click();
  await page.getByText('1 di 200').waitFor();

  await page.getByRole('link', { name: /^Modifica «x/ }).click();
  await page.reload();
  await name.fill('Saluto');
  // A colleague changes it meanwhile, and then deletes it: what was typed stays.
  const [before] = (await bakery.owner.ask('GET', '/api/quick-replies')).body.items as { id: string }[];
  expectStatus(await bakery.owner.ask('PATCH', `/api/quick-replies/${before!.id}`, { text: 'Ehi' }), 200);
  await page.getByText(/Un collega l’ha cambiata intanto.*: Ehi$/).waitFor();
  expectStatus(await bakery.owner.ask('DELETE', `/api/quick-replies/${before!.id}`), 204);
  await page.getByText('Un collega l’ha eliminata intanto: se la salvi, torna.').waitFor();
  expect(await name.inputValue()).toBe('Saluto');
  expect(await text.inputValue()).toBe('Ciao {{Nome}}!');
  await page.getByRole('button', { name: 'Salva' }).click();
  await page.getByRole('button', { name: 'Elimina «Saluto»' }).click();
  await page.getByText('Non ci sono ancora risposte pronte').waitFor();
  await page.getByRole('button', { name: 'Rimettila' }).click();
  await page.getByRole('button', { name: 'Elimina «Saluto»' }).waitFor();
  const { body } = await bakery.owner.ask('GET', '/api/quick-replies');
  expect(body.items).toEqual([{ id: expect.any(String), title: 'Saluto', text: 'Ciao {{firstName}}!' }]);
});
