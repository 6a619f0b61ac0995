import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { TestBrowser } from '../support/browser.js';
import { expectStatus, type Person, type Shop, until, World } from '../support/world.js';

/** The address book of the dashboard, its labels, and imports. */

let world: World;
let browser: TestBrowser;
let shop: Shop;
let people: Person[];

beforeAll(async () => {
  world = await World.shared();
  browser = await TestBrowser.start(world);
  shop = await world.shop('bakery');
  people = [
    await world.join(shop, 'anna', { surname: 'Àlfani', province: 'RA', promotions: true }),
    await world.join(shop, 'bruno', { surname: 'Bassi', province: 'RA' }),
    await world.join(shop, 'carla', { surname: 'Zoli', province: 'BO' }),
  ];
});
afterEach(() => browser.closeContexts());
afterAll(async () => {
  await browser.close();
  await world.close();
});

async function dashboard(path: string, device: 'desktop' | 'phone' = 'desktop'): Promise<Page> {
  const opened = await browser.open({ device });
  await opened.signIn('dashboard', shop.username);
  return opened.page(path);
}

const choose = (page: Page, name: string, text: string | Buffer) =>
  page.locator('input[type=file]').setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });
const forecast = (page: Page) => page.getByRole('heading', { name: 'Ecco che cosa succederebbe' }).waitFor();

test('a list of Google Contacts is tried, imported, and its people appear as not joined', async () => {
  const page = await dashboard('/address-book/import');
  await choose(
    page,
    'contacts.csv',
    [
      'First Name,Last Name,Organization Name,Labels,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Value',
      'Giorgio,Conti,,* myContacts ::: Fornai,* ,giorgio.conti@posta.example,333 1234567',
      ',,Idraulico Rossi,* myContacts,,,0544 123456',
      '＝1+1,,,* myContacts,,rita@,',
      'GIORGIO,CONTI,,* myContacts,,Giorgio.Conti@posta.example,',
    ].join('\n'),
  );
  await forecast(page);
  await page.getByText('1 per email; 1 senza email con una lettera con QR').waitFor();
  expect(await page.getByLabel('Che cosa c’è nella colonna E-mail 1 - Value').inputValue()).toBe('email');
  await page.getByText('＝1+1 · * myContacts · rita@').waitFor();
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Scarica le 2' }).click(),
  ]);
  const table = await readFile(await saved.path(), 'utf8');
  expect(table.split('\r\n')).toEqual([
    '\uFEFFRiga;Contenuto;Esito;Perché',
    "4;'＝1+1 · * myContacts · rita@;non importata;email non valida",
    '5;GIORGIO · CONTI · * myContacts · Giorgio.Conti@posta.example;ripetuto nel file;come la riga 2',
    '',
  ]);

  await page.getByRole('button', { name: 'Invita 2 persone' }).click();
  await page.getByRole('heading', { name: 'Importazione finita' }).waitFor();
  await page.getByText('Giorgio Conti · giorgio.conti@posta.example').waitFor();
  await page.getByText('non importata: email non valida').waitFor();
  await page.getByRole('button', { name: 'Ripetuti nel file 1' }).click();
  await page.getByText('non importata: email non valida').waitFor({ state: 'detached' });
  const letters = await page.getByRole('link', { name: 'Stampa la lettera' }).getAttribute('href');
  expect(await (await page.request.get(world.url + letters)).text()).toContain('Gentile Idraulico Rossi,');

  await page.getByRole('link', { name: 'Vedi chi non è ancora entrato' }).click();
  await page.getByText('giorgio.conti@posta.example').waitFor();
  await page.getByText('Idraulico Rossi').waitFor();
  expect(await page.getByRole('link', { name: /^Non ancora entrati/ }).innerText()).toContain('2');
});

test('an Excel list with unknown columns is mapped by hand, after a file without a table is explained', async () => {
  const page = await dashboard('/address-book/import');
  await choose(page, 'clienti.xls', Buffer.from('D0CF11E0A1B11AE1', 'hex'));
  await page.getByText('Cartella di lavoro di Excel (.xlsx)').waitFor();
  await choose(page, 'indirizzi.txt', 'rita@posta.example\ngino@posta.example\n');
  await page.getByRole('button', { name: 'Nomi delle colonne non ce ne sono: leggila così' }).click();
  await page.getByRole('button', { name: 'Invita 2 persone' }).waitFor();
  // Nothing is begun with settings that the forecast does not know.
  await page.getByText('Il file è letto male?').click();
  await page.getByLabel(/Riga con i nomi/).fill('1');
  expect(await page.getByRole('button', { name: /^Invita/ }).count()).toBe(0);
  await page.getByRole('button', { name: 'Indietro', exact: true }).last().click();
  const lines = ['sep=;', 'chi;dove', 'Niccolò Bassi;via Roma', 'Desirè Zoli;piazza Libertà', ''];
  await choose(page, 'clienti.csv', Buffer.from(lines.join('\r\n'), 'latin1'));
  await page.getByText('Non abbiamo riconosciuto le colonne.').waitFor();
  await page.getByLabel('Che cosa c’è nella colonna chi').selectOption('fullName');
  await page.getByText('letto con punto e virgola, accenti di Windows').waitFor();
  await page.getByText('tutti con una lettera con QR, da stampare').waitFor();
  const begin = page.getByRole('button', { name: 'Invita 2 persone' });
  expect(await begin.isDisabled()).toBe(true);
  await page.getByLabel('Ho capito: 2 lettere da stampare.').check();
  await begin.click();
  await page.getByRole('heading', { name: 'Importazione finita' }).waitFor();
  await page.reload();
  await page.getByRole('cell', { name: 'Niccolò Bassi' }).waitFor();
  await page.getByRole('button', { name: 'Annulla l’importazione…' }).click();
  await page.getByLabel('Ritira anche le lettere, comprese quelle già stampate').check();
  await page.getByRole('dialog').getByRole('button', { name: 'Annulla l’importazione' }).click();
  await page.getByText('2 inviti ritirati').waitFor();
});

test('contacts are filtered, chosen with the keyboard and labelled, and the URL contains the filter', async () => {
  const page = await dashboard('/address-book');
  const rows = page.locator('tbody a');
  // A row has its place before its contact is loaded.
  await rows.locator('.name').nth(2).waitFor();
  expect(await rows.locator('.name').allInnerTexts()).toEqual(['Anna Àlfani', 'Bruno Bassi', 'Carla Zoli']);

  await page.getByRole('button', { name: 'Provincia' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Ravenna · 2' }).click();
  await page.getByText('2 di 3 contatti').waitFor();
  expect(new URL(page.url()).search).toBe('?province=RA');

  await rows.first().focus();
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  await page.getByText('2 scelti').waitFor();
  await page.getByRole('button', { name: 'Etichetta', exact: true }).last().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Nuova etichetta').fill('Ordini del sabato');
  await dialog.getByRole('button', { name: 'Crea' }).click();
  await dialog.getByRole('checkbox', { name: 'Ordini del sabato' }).waitFor();
  await dialog.getByRole('button', { name: 'Salva' }).click();
  await page.getByText('Etichette cambiate per 2 contatti').waitFor();
  const { body } = await shop.owner.ask('GET', '/api/labels');
  const label = body.items.find(({ name }: { name: string }) => name === 'Ordini del sabato');
  expect(label.contacts).toBe(2);

  await page.getByRole('button', { name: 'Scrivi a 2' }).click();
  const contacts = new URL(page.url()).searchParams.get('contacts')!.split(',');
  expect(contacts.sort()).toEqual([people[0]!.contactId, people[1]!.contactId].sort());
  await page.goBack();
  await page.getByText('2 di 3 contatti').waitFor();

  await page.getByRole('button', { name: 'Togli Provincia: Ravenna' }).click();
  await page.goto(`${world.url}/address-book?label=${label.id}&order=desc`);
  await page.getByText('2 di 3 contatti').waitFor();
  const shown = async () => (await rows.locator('.name').allInnerTexts()).join(', ');
  await until(async () => (await shown()) === 'Bruno Bassi, Anna Àlfani', 'the order is turned round');
  await page.getByRole('searchbox').fill('alfani');
  await page.getByText('1 di 3 contatti').waitFor();
  await page
    .getByRole('link', { name: /^Contatti/ })
    .first()
    .click();
  await page.getByText('3 contatti', { exact: true }).waitFor();
  expect(await page.getByRole('searchbox').inputValue()).toBe('');
  await page.goBack();
  await page.getByText('1 di 3 contatti').waitFor();
  // What is searched for is never sent with an address.
  expect(new URL(page.url())).toMatchObject({ hash: '#q=alfani' });
  expect(new URL(page.url()).search).not.toContain('alfani');
});

test('labels that two members change at once stay, and a note says that a colleague has changed it', async () => {
  const names = ['Uno', 'Due', 'Tre', 'Quattro'];
  const made = await Promise.all(names.map((name) => shop.owner.ask('POST', '/api/labels', { name })));
  const [, , , fourth] = made.map(({ body }) => String(body.id));
  const id = people[1]!.contactId;
  const page = await dashboard(`/address-book/${id}`);
  await page.getByRole('button', { name: 'Aggiungi un’etichetta' }).click();
  let held = 0;
  await page.route(/\/api\/contacts\//, async (route) => {
    // The first answers come last.
    if (route.request().method() !== 'GET') await new Promise((done) => setTimeout(done, held++ === 0 ? 600 : 100));
    await route.continue();
  });
  const box = (name: string) => page.getByRole('checkbox', { name, exact: true });
  for (const name of names.slice(0, 3)) await box(name).click();
  const body = { contactIds: [id], add: [fourth] };
  expectStatus(await shop.owner.ask('POST', '/api/contacts/labels', body), 200);
  for (const name of names) await until(async () => (await box(name).getAttribute('aria-checked')) === 'true', name);
  const worn = async () => (await shop.owner.ask('GET', `/api/contacts/${id}`)).body.labels as string[];
  const all = made.map(({ body }) => String(body.id));
  await until(async () => (await worn()).filter((each) => all.includes(each)).length === 4, 'all four are kept');

  await page.getByRole('button', { name: 'Scrivi una nota' }).click();
  const note = page.getByRole('textbox', { name: 'Scrivi una nota' });
  await note.fill('Paga a fine mese');
  expectStatus(await shop.owner.ask('PATCH', `/api/contacts/${id}`, { note: 'Allergico alle noci' }), 200);
  await page.getByText('Allergico alle noci').waitFor();
  await page.getByRole('button', { name: 'Tieni quella' }).click();
  await note.waitFor({ state: 'detached' });
  await page.getByText('Allergico alle noci').waitFor();
});

test('who is erased stands on no screen any more, and nothing of a note that was being written', async () => {
  const { contactId } = await world.join(shop, 'osteria');
  const page = await dashboard(`/address-book/${contactId}`);
  const panel = page.getByRole('complementary', { name: /^Dettagli di / });
  await page.getByRole('button', { name: 'Scrivi una nota' }).click();
  await page.getByRole('textbox', { name: 'Scrivi una nota' }).fill('Non paga');
  expectStatus(await shop.owner.ask('DELETE', `/api/contacts/${contactId}`), 202);
  await page.getByText('Questo contatto non c’è più').waitFor();
  expect(await panel.getByText(/osteria@mail.example/).count()).toBe(0);
});

test('on a phone, contacts are listed under their letters, and a contact shows its consents in the exact words', async () => {
  const page = await dashboard('/address-book', 'phone');
  await page.getByText('Anna Àlfani').waitFor();
  expect(await page.getByRole('heading', { level: 2 }).allInnerTexts()).toEqual(['A', 'B', 'Z']);
  await page.getByRole('button', { name: 'Filtri' }).click();
  await page.getByLabel('Promozioni').selectOption('true');
  await page.getByRole('button', { name: 'Mostra 1 contatto' }).click();
  await page.getByRole('button', { name: 'Filtri, 1 attivo' }).waitFor();
  await page.getByText('Bruno Bassi').waitFor({ state: 'detached' });

  await page.getByRole('link', { name: /Anna Àlfani/ }).click();
  await page.getByText('Ha detto sì alle promozioni').waitFor();
  await page.getByText('Le parole esatte').first().click();
  const { body } = await shop.owner.ask('GET', `/api/contacts/${people[0]!.contactId}/consents`);
  await page.getByText(body.items[0].words.slice(0, 40)).waitFor();
  expect(await page.getByRole('link', { name: 'Scrivi' }).getAttribute('href')).toBe(
    `/conversations/${people[0]!.contactId}`,
  );
  await page.getByRole('link', { name: 'Stampa la prova' }).click();
  await page.getByRole('heading', { name: 'Prova dei consensi di Anna Àlfani' }).waitFor();
  for (const { sha256 } of body.items) await page.getByText(sha256).first().waitFor();
  await page.goBack();
  await page.getByRole('button', { name: 'Chiudi i dettagli' }).click();
  await page.getByRole('button', { name: 'Filtri, 1 attivo' }).waitFor();
});
