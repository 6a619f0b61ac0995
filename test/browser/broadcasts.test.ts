import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { type Opened, TestBrowser } from '../support/browser.js';
import { expectStatus, type Person, type Shop, unique, until, World } from '../support/world.js';

/** The dashboard's broadcasts: writing one, following it, and reminding who has not read. */

let world: World;
let browser: TestBrowser;
let bakery: Shop;
let anna: Person;
let bruno: Person;
let carla: Person;

beforeAll(async () => {
  world = await World.shared();
  browser = await TestBrowser.start(world);
});
beforeEach(async () => {
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna', { promotions: true });
  bruno = await world.join(bakery, 'bruno');
  carla = await world.join(bakery, 'carla');
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

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });
const text = (page: Page) => page.getByRole('textbox', { name: 'Testo' });
const kind = (page: Page, name: 'Di servizio' | 'Promozionale') => page.getByRole('radio', { name: new RegExp(name) });
const tile = (page: Page, name: string) =>
  page.locator('section').filter({ has: page.getByRole('heading', { name, exact: true }) });
const picture = async () => ({
  name: 'pane.png',
  mimeType: 'image/png',
  buffer: await readFile(new URL('../../web/public/icons/app-512.png', import.meta.url)),
});

async function bodiesOf({ device, contactId }: Person): Promise<string[]> {
  const answer = await device.ask('GET', `/api/conversations/${contactId}/messages`);
  expectStatus(answer, 200);
  return answer.body.items.map(({ body }: { body: string }) => body);
}

test('a picture is sent to a label, its results follow as a customer reads it, and only the other customer is reminded', async () => {
  const { body: label } = await bakery.owner.ask('POST', '/api/labels', { name: 'Mattina' });
  for (const { contactId } of [anna, bruno]) {
    expectStatus(await bakery.owner.ask('PATCH', `/api/contacts/${contactId}`, { labels: [label.id] }), 200);
  }
  const page = await open('/broadcasts');
  await page.getByRole('link', { name: 'Nuova comunicazione' }).first().click();
  await kind(page, 'Di servizio').check();
  await button(page, 'Chiusura').click();
  await button(page, 'Etichetta').first().click();
  await page
    .getByRole('dialog')
    .getByRole('checkbox', { name: /Mattina/ })
    .check();
  await button(page, 'Fatto').click();
  await page.getByText('La riceve chi ha l’etichetta «Mattina».').waitFor();
  await text(page).fill('Buongiorno ');
  await button(page, 'Inserisci Nome').click();
  await text(page).press('End');
  await text(page).pressSequentially(', domani chiuso');
  await page.locator('input[type=file]').setInputFiles(await picture());
  await page.getByRole('button', { name: 'Togli pane.png' }).waitFor();
  const preview = page.getByRole('complementary');
  await preview.getByText('Buongiorno Anna, domani chiuso').waitFor();
  await button(page, 'La persona dopo').click();
  await preview.getByText('Buongiorno Bruno, domani chiuso').waitFor();
  await button(page, 'Invia a 2').click();
  await tile(page, 'Inviata').getByText('2', { exact: true }).waitFor();
  const { pathname } = new URL(page.url());
  expect(pathname).toMatch(/^\/broadcasts\/[0-9a-f-]{36}$/);

  const phone = await browser.open({ device: 'phone' });
  await phone.signIn('app', anna.username);
  const hers = await phone.page(`/app/c/${anna.contactId}`);
  await hers.getByText('Buongiorno Anna, domani chiuso', { exact: true }).waitFor();
  await hers.locator('img[src*="/api/attachments/"]').first().waitFor();
  await tile(page, 'Vista').getByText('1', { exact: true }).waitFor();
  await anna.device.connect();
  await anna.device.say(anna.contactId, 'Grazie, a dopodomani');
  await tile(page, 'Risposte').getByText('1', { exact: true }).waitFor();
  await page.getByRole('link', { name: /Grazie, a dopodomani/ }).waitFor();

  await page.getByRole('tab', { name: /Non l’hanno vista/ }).click();
  await page.getByRole('cell', { name: 'Bruno Bianchi', exact: true }).waitFor();
  expect(await page.getByRole('cell', { name: 'Anna Rossi', exact: true }).count()).toBe(0);
  expect(new URL(page.url()).search).toBe('?show=unseen');
  await page.getByRole('link', { name: 'Ricordala a 1' }).click();
  await page.getByText(/La riceve chi ha ricevuto «Buongiorno/).waitFor();
  await page.getByText('Il file di quella di prima non c’è in questa').waitFor();
  await text(page).fill('Te lo ricordo: domani chiuso');
  await button(page, 'Invia a 1').click();
  await page.getByText('È un promemoria di').waitFor();
  await until(async () => (await bodiesOf(bruno)).length === 2, 'Bruno is reminded');
  expect(await bodiesOf(bruno)).toEqual(['Buongiorno Bruno, domani chiuso', 'Te lo ricordo: domani chiuso']);
  expect(await bodiesOf(anna)).toEqual(['Buongiorno Anna, domani chiuso', 'Grazie, a dopodomani']);
  expect(await bodiesOf(carla)).toEqual([]);

  // Who is erased is missed in no list and in no share.
  expectStatus(await bakery.owner.ask('DELETE', `/api/contacts/${anna.contactId}`), 202);
  const results = async () => (await bakery.owner.ask('GET', `/api${pathname}`)).body;
  await until(async () => (await results()).erased === 1, 'her row is gone');
  await page.goto(world.url + pathname);
  await page.getByText('1 cancellato da allora').waitFor();
  await page.getByRole('tab', { name: /^Tutti ?1$/ }).waitFor();
  await tile(page, 'Inviata').getByText('2', { exact: true }).waitFor();
  await tile(page, 'Vista').getByText('0%', { exact: true }).waitFor();
  await page.getByRole('tab', { name: /^Non l’hanno vista ?1$/ }).waitFor();
});

test('a draft survives a reload, appears in the list, and says who does not get a promotion', async () => {
  const page = await open(`/broadcasts/new?contacts=${anna.contactId},${bruno.contactId}`);
  await page.getByText('La ricevono solo 2 persone scelte.').waitFor();
  await kind(page, 'Promozionale').check();
  await button(page, 'Invia a 1').waitFor();
  await button(page, 'Chi sono').click();
  await page.getByRole('dialog').getByText('Bruno Bianchi').waitFor();
  await page.getByRole('dialog').getByText('non ha detto sì alle promozioni').waitFor();
  await page.keyboard.press('Escape');
  await text(page).fill('Oggi focaccia {{Soprannome}}');
  await page
    .getByText(/può stare solo/)
    .first()
    .waitFor();
  await text(page).fill('\u200B');
  await page.getByText('Testo è vuoto.').first().waitFor();
  await text(page).fill('Oggi focaccia, {{Nome}}');
  await page.locator('input[type=file]').setInputFiles(await picture());
  await page.getByRole('button', { name: 'Togli pane.png' }).waitFor();
  await page.getByText(/^Bozza salvata alle/).waitFor();
  // Everything typed is stored at once when the screen is left.
  await page.getByRole('link', { name: 'Indietro' }).click();
  await page.getByRole('link', { name: /Oggi focaccia, \{\{Nome\}\}/ }).click();
  await button(page, 'Invia a 1').waitFor();
  await page.reload();
  await page.getByRole('button', { name: 'Togli pane.png' }).waitFor();
  expect(await text(page).inputValue()).toBe('Oggi focaccia, {{Nome}}');
  expect(await kind(page, 'Promozionale').isChecked()).toBe(true);
  await page.getByText('La ricevono solo 2 persone scelte.').waitFor();

  await button(page, 'Mandala a te').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Anna Rossi' }).click();
  await button(page, 'Manda la prova a Anna Rossi').click();
  await page.getByText('Prova inviata a Anna Rossi').waitFor();
  await until(async () => (await bodiesOf(anna)).includes('Oggi focaccia, Anna'), 'the test arrives');
  const { body: inbox } = await anna.device.ask('GET', `/api/conversations/${anna.contactId}/messages`);
  expect(inbox.items[0].attachments).toMatchObject([{ name: 'pane.png' }]);

  await button(page, 'Elimina la bozza').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Elimina la bozza' }).click();
  await page.waitForURL('**/broadcasts');
  await page.getByRole('link', { name: /Oggi focaccia/ }).waitFor();
  expect(await page.getByText('Bozze').count()).toBe(0);
});

test('what was written on after another tab had sent the draft is sent as one more, once', async () => {
  const page = await open(`/broadcasts/new?contacts=${anna.contactId}`);
  await kind(page, 'Promozionale').check();
  await text(page).fill('Oggi focaccia');
  await page.getByText(/^Bozza salvata alle/).waitFor();
  const other = await page.context().newPage();
  await other.goto(page.url());
  await button(other, 'Invia a 1').click();
  await other.waitForURL(/\/broadcasts\/[0-9a-f-]{36}$/);
  await text(page).fill('Oggi anche pizza');
  await button(page, 'Invia a 1').click();
  await page.getByText(/è già partita una volta, con un altro testo/).waitFor();
  await button(page, 'Invia anche questa').dblclick();
  await page.waitForURL(/\/broadcasts\/[0-9a-f-]{36}$/);
  await until(async () => (await bodiesOf(anna)).length === 2, 'both have arrived');
  expect(await bodiesOf(anna)).toEqual(['Oggi focaccia', 'Oggi anche pizza']);
});

test('a broadcast is scheduled, changed and cancelled, and one without recipients is refused with the reason', async () => {
  const page = await open('/broadcasts/new', { device: 'small phone' });
  await button(page, /^Invia/).tap();
  await page.getByText('Scegli che cos’è.').waitFor();
  await kind(page, 'Di servizio').check();
  await button(page, 'Ordine').tap();
  await text(page).fill('I panettoni sono pronti');
  await button(page, /^Domani 9:00|^Domani 09:00/).tap();
  await button(page, 'Programma per 3').tap();
  await page.getByText('Programmata', { exact: true }).waitFor();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
  const id = new URL(page.url()).pathname.split('/').at(-1)!;
  const planned = async () => (await bakery.owner.ask('GET', `/api/broadcasts/${id}`)).body;
  const before = await planned();
  const romeTime = new Date(before.sendAt).toLocaleTimeString('it-IT', { timeZone: 'Europe/Rome' });
  expect(romeTime).toMatch(/^0?9:00:00$/);

  await page.getByRole('link', { name: 'Cambia' }).tap();
  await text(page).fill('I panettoni sono pronti, {{Nome}}');
  expectStatus(await bakery.owner.ask('PATCH', `/api/broadcasts/${id}`, { body: 'I pandori sono pronti' }), 200);
  await page.getByText(/Ora dice «I pandori sono pronti», per .* Se salvi, la tua la sostituisce\./).waitFor();
  // What is typed is kept when the screen is left, with the edition that it is a change of.
  await page.getByRole('link', { name: 'Indietro' }).tap();
  await page.getByRole('link', { name: 'Cambia' }).tap();
  await page.getByText(/Ora dice «I pandori/).waitFor();
  expect(await text(page).inputValue()).toBe('I panettoni sono pronti, {{Nome}}');
  await button(page, 'Tieni quella').tap();
  await page.getByText(/Ora dice/).waitFor({ state: 'detached' });
  expect(await text(page).inputValue()).toBe('I pandori sono pronti');
  await text(page).fill('I panettoni sono pronti, {{Nome}}');
  await button(page, 'Salva per 3').tap();
  await page.getByText('I panettoni sono pronti, ‹Nome›').first().waitFor();
  expect(await planned()).toMatchObject({
    state: 'scheduled',
    body: 'I panettoni sono pronti, {{firstName}}',
    sendAt: before.sendAt,
  });
  await button(page, 'Annulla l’invio').tap();
  await page.getByRole('dialog').getByRole('button', { name: 'Annulla l’invio' }).tap();
  await page.getByText('Annullata', { exact: true }).waitFor();
  expect(await planned()).toMatchObject({ state: 'cancelled' });
  expect(await bodiesOf(anna)).toEqual([]);

  await page.goto(`${world.url}/broadcasts/new?province=XX`);
  await kind(page, 'Promozionale').check();
  await page.getByText('Con queste scelte non la riceve nessuno', { exact: true }).waitFor();
  await text(page).fill('A nessuno');
  await button(page, /^Invia/).tap();
  await page.getByText('Con queste scelte non la riceve nessuno. Cambia i destinatari.').waitFor();
});

test('a held broadcast waits for a decision at the address in its mail, and is sent when it is released', async () => {
  const sendAt = new Date(Date.now() + 3_600_000).toISOString();
  const service = { kind: 'service', reason: 'closure', body: 'Domani chiuso', audience: { all: true } };
  const { body: made } = await bakery.owner.ask('POST', '/api/broadcasts', { clientId: unique(), ...service, sendAt });
  await world.rows(`UPDATE broadcast SET state = 'held' WHERE id = $1`, [made.id]);
  const page = await open('/broadcasts');
  await page.getByText('Ferma, decidi tu').waitFor();
  await page.getByRole('link', { name: /Domani chiuso/ }).click();
  await page.waitForURL(`**/broadcasts/${made.id}`);
  await world.rows('UPDATE broadcast SET send_at = now() WHERE id = $1', [made.id]);
  await button(page, 'Mandala adesso').click();
  await tile(page, 'Inviata').getByText('3', { exact: true }).waitFor();
  expect(await bodiesOf(carla)).toEqual(['Domani chiuso']);
  await page.goto(`${world.url}/broadcasts/${unique()}`);
  await page.getByText('Questa comunicazione non c’è').waitFor();
});
