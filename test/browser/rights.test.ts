import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import yauzl from 'yauzl';
import { type Opened, TestBrowser } from '../support/browser.js';
import { expireBefore } from '../support/retention.js';
import { expectStatus, password, type Person, type Shop, World } from '../support/world.js';

/** Archive, erasures, requests and the end of a business, on the screens of both parties. */

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

async function open(path: string, options: Opened = {}, username = bakery.username): Promise<Page> {
  const device = await browser.open(options);
  await device.signIn(path.startsWith('/app') ? 'app' : 'dashboard', username);
  return device.page(path);
}

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });
const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { name });

async function choose(page: Page, name: string): Promise<void> {
  const thread = page.getByRole('region', { name: /^Conversazione con / });
  await thread.getByRole('button', { name: 'Altro', exact: true }).click();
  await page.getByRole('menuitem', { name }).click();
}

describe('a search', () => {
  const wanted = 'Vorrei un triceratopo di zucchero';
  const unknown = '01900000-0000-7000-8000-000000000000';

  beforeEach(async () => {
    await anna.device.connect();
    expect(await anna.device.say(anna.contactId, wanted)).toBe(1);
    await anna.device.say(anna.contactId, 'Anzi, un triceratopo verde');
    // So many that the message is not among the last ones.
    for (let count = 0; count < 60; count++) await anna.device.say(anna.contactId, `Pagnotta numero ${count}`);
  });

  test('leads to the message in its thread, and keeps its words out of URLs', async () => {
    const page = await open('/archive');
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.getByRole('searchbox').fill('triceratopo -verde');
    const hit = page.getByRole('link', { name: new RegExp(wanted) });
    await hit.waitFor();
    await page.getByText('1 messaggio, dal più recente').last().waitFor();
    await hit.getByText('triceratopo', { exact: true }).waitFor();
    await hit.click();
    // Beside the list, with nothing to write with.
    await page
      .getByRole('region', { name: /^Messaggi/ })
      .getByText(wanted, { exact: true })
      .waitFor();
    expect(await page.getByRole('textbox').count()).toBe(0);
    expect(page.url()).toContain(`hit=${anna.contactId}.1`);

    // A reload finds it again, and the conversation opens there.
    await page.reload();
    await page.getByText('1 di 1').waitFor();
    await page.getByRole('link', { name: 'Apri nella conversazione' }).click();
    await page.waitForURL(/\/conversations\/.*\?m=1$/);
    await page.locator('[data-seq="1"]').getByText(wanted, { exact: true }).waitFor();
    expect(asked.filter((url) => url.includes('triceratopo'))).toEqual([]);

    // A search that fails says so, and is tried again by the reader, and once when the connection is made.
    const searches: string[] = [];
    page.on('request', (request) => request.url().endsWith('/api/archive/searches') && searches.push(request.url()));
    await page.goto(`${world.url}/archive?with=${unknown}#q=triceratopo`);
    await page.getByRole('heading', { name: 'La ricerca non è riuscita' }).waitFor();
    const failed = searches.length;
    await button(page, 'Riprova').click();
    await page.getByRole('heading', { name: 'La ricerca non è riuscita' }).waitFor();
    expect(searches.length - failed).toBeLessThanOrEqual(2);
  });

  test('finds a person’s messages to all businesses, on a phone', async () => {
    const page = await open('/app', { device: 'phone' }, anna.username);
    await page.getByRole('link', { name: 'Cerca nei messaggi' }).click();
    await page.getByRole('searchbox').fill('"triceratopo di zucchero"');
    await page.getByRole('link', { name: new RegExp(wanted) }).click();
    await page.waitForURL(/\/app\/c\/.*\?m=1$/);
    await page.locator('[data-seq="1"]').getByText(wanted, { exact: true }).waitFor();
    await page.goBack();
    await page.getByRole('link', { name: new RegExp(wanted) }).waitFor();

    // A search that fails is tried again by the person alone.
    const searches = '**/api/archive/searches';
    let tries = 0;
    await page.route(searches, (route) => {
      tries++;
      return route.fulfill({ status: 503, json: { code: 'unavailable', status: 503 } });
    });
    await page.getByRole('searchbox').fill('triceratopo verde');
    await heading(page, 'La ricerca non è riuscita').waitFor();
    await page.unroute(searches);
    await button(page, 'Riprova').click();
    await page.getByRole('link', { name: /un triceratopo verde/ }).waitFor();
    expect(tries).toBe(1);
  });
});

describe('erasing', () => {
  test('requires the name, removes the conversation on both sides, and ends with a verified certificate', async () => {
    const florist = await world.shop('florist');
    await world.joinAlso(anna, florist);
    const [page, phone] = await Promise.all([
      open(`/conversations/${anna.contactId}`),
      open('/app', { device: 'phone' }, anna.username),
    ]);
    await phone.getByRole('link', { name: /Forno Aurora/ }).waitFor();
    await choose(page, 'Cancella per sempre…');
    await heading(page, /^Cancellare per sempre Anna /).waitFor();
    const name = page.getByLabel(/^Per confermare scrivi /);
    await name.fill('Anna');
    await button(page, 'Cancella per sempre').click();
    await page.getByText(/^Non è lo stesso nome/).waitFor();
    const wanted = /^Per confermare scrivi (.*)$/.exec(await page.locator('label').innerText())![1]!;
    await name.fill(wanted.toLowerCase());
    await button(page, 'Cancella per sempre').click();
    await page.waitForURL(/\/erasures\//);
    await heading(page, 'È già illeggibile').or(heading(page, 'Certificato di cancellazione')).first().waitFor();

    await phone.getByRole('link', { name: /Forno Aurora/ }).waitFor({ state: 'detached' });
    expect(await phone.getByRole('link', { name: /Fiori/ }).count()).toBe(1);

    // The residue is renewed at most once a minute.
    await heading(page, 'Certificato di cancellazione').waitFor({ timeout: 100_000 });
    await button(page, 'Verifica adesso').click();
    await page.getByText('La firma è valida').or(page.getByText('non sa controllare la firma')).waitFor();
    const [file] = await Promise.all([page.waitForEvent('download'), button(page, 'Scarica').first().click()]);
    const certificate = JSON.parse((await buffer(await file.createReadStream())).toString()) as Record<string, unknown>;
    expect(certificate).toMatchObject({ state: 'finished', contacts: 1, signature: expect.any(String) });
    await page.goto(`${world.url}/erasures`);
    await page.getByText('un contatto, su richiesta dell’attività').waitFor();
  });

  test('counts those who are still there of whom one had chosen', async () => {
    const others = [];
    for (let count = 0; count < 6; count++) others.push(await world.join(bakery, 'bruno'));
    const chosen = [...others, anna].map(({ contactId }) => contactId);
    expectStatus(await bakery.owner.ask('DELETE', `/api/contacts/${anna.contactId}`), 202);
    const page = await open(`/erase?contacts=${chosen.join(',')}`);
    await heading(page, 'Cancellare per sempre 6 contatti?').waitFor();
    await page.getByLabel(/numero/).fill('6');
    await page.getByLabel(/nome della tua attività|Forno Aurora/).fill('Forno Aurora');
    await button(page, 'Cancella per sempre').click();
    await page.waitForURL(/\/erasures\//);
  });

  test('can only be proposed by staff, and is decided by the owner', async () => {
    const colleague = await world.staff(bakery);
    const page = await open(`/conversations/${anna.contactId}`, {}, colleague.username);
    await choose(page, 'Proponi di cancellare…');
    await heading(page, 'Proporre di cancellare 1 contatto?').waitFor();
    expect(await button(page, 'Cancella per sempre').count()).toBe(0);
    await button(page, 'Proponi di cancellare').click();
    await heading(page, 'Proposte di cancellazione').waitFor();
    await button(page, 'Ritira la proposta').waitFor();
    await page.goto(`${world.url}/settings/data`);
    await page.getByText('Copia, pausa e chiusura le decide il titolare.').waitFor();
    expect(await page.getByRole('button', { name: 'Prepara la copia' }).count()).toBe(0);
    await page.goto(`${world.url}/erasures`);
    await page.getByText('Lo può fare solo il titolare').waitFor();

    const owners = await open('/requests');
    await owners.getByRole('link', { name: 'Cancella…' }).click();
    await heading(owners, /^Cancellare per sempre Anna /).waitFor();
  });
});

test('a person who leaves causes a request with a deadline at once, until it is taken back', async () => {
  const [page, phone] = await Promise.all([
    open('/requests'),
    open(`/app/privacy/leave/${anna.contactId}`, { device: 'phone' }, anna.username),
  ]);
  await heading(page, 'Nessuna richiesta aperta').waitFor();
  await button(phone, 'Chiedi di cancellare tutto').click();
  await page.getByText('Vuole andarsene: chiede di cancellare tutto').waitFor();
  await page.getByText(/^Se non rispondi, si cancella da sé il /).waitFor();
  await button(phone, 'Ci ho ripensato: riprendi la conversazione').click();
  await heading(page, 'Nessuna richiesta aperta').waitFor();
  await phone.goto(`${world.url}/app/privacy/leave/${anna.contactId.replace(/^./, 'f')}`);
  await heading(phone, 'Questa conversazione non c’è più').waitFor();
  await page.goto(`${world.url}/conversations/${anna.contactId}`);
  await page.getByRole('textbox', { name: /^Scrivi a / }).waitFor();
});

test('a request about data is made, answered, and the answer read by the person', async () => {
  const page = await open('/requests');
  const phone = await open('/app/privacy/requests', { device: 'phone' }, anna.username);
  await button(phone, 'Chiedi qualcosa').click();
  await phone.getByLabel('Con parole tue').fill('Il mio cognome è scritto male.');
  await phone.getByText('Correggere i miei dati').click();
  await button(phone, 'Annulla').click();
  await button(phone, 'Chiedi qualcosa').click();
  expect(await phone.getByLabel('Con parole tue').inputValue()).toBe('Il mio cognome è scritto male.');
  await button(phone, 'Invia la richiesta').click();
  await page.getByText('Il mio cognome è scritto male.').waitFor();
  await button(page, 'Rispondi…').click();
  await button(page, 'Invia la risposta').click();
  await page.getByText('Scrivi una risposta.').waitFor();
  await page.getByLabel('La tua risposta alla persona').fill('Corretto, grazie.');
  await button(page, 'Invia la risposta').click();
  await phone.getByText('Corretto, grazie.').waitFor();
});

describe('the owner', () => {
  test('downloads a copy of everything, which opens without a network', async () => {
    await anna.device.connect();
    await anna.device.say(anna.contactId, 'Buongiorno, una focaccia');
    const device = await browser.open();
    await device.signIn('dashboard', bakery.username);
    const page = await device.page('/settings/data');
    await button(page, 'Prepara la copia').waitFor();
    // Nothing tells a device without a network that its copy is ready: it asks when it is back.
    await device.offline(true);
    await page
      .getByText(/senza rete/)
      .first()
      .waitFor();
    expectStatus(await bakery.owner.ask('POST', '/api/exports', {}), 202);
    await device.offline(false);
    const [file] = await Promise.all([page.waitForEvent('download'), button(page, 'Scarica').click()]);
    const folder = await mkdtemp(join(tmpdir(), 'colloquio-copy-'));
    try {
      const zip = await yauzl.fromBufferPromise(await buffer(await file.createReadStream()));
      let readable: string | undefined;
      for await (const entry of zip.eachEntry()) {
        if (!entry.fileName.endsWith('.html')) continue;
        const text = await buffer(await zip.openReadStreamPromise(entry));
        if (!text.includes('focaccia')) continue;
        readable = join(folder, 'page.html');
        await writeFile(readable, text);
      }
      expect(readable).toBeDefined();
      const elsewhere = await browser.open();
      await elsewhere.offline(true);
      const copy = await elsewhere.context.newPage();
      await copy.goto(`file://${readable}`);
      await copy.getByText('Buongiorno, una focaccia').first().waitFor();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('pauses and resumes, asks to close and stays, and every screen says so', async () => {
    const [page, phone] = await Promise.all([
      open('/settings/data'),
      open(`/app/c/${anna.contactId}`, { device: 'phone' }, anna.username),
    ]);
    const other = await open('/');
    await button(page, 'Metti in pausa').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Metti in pausa' }).click();
    await other.getByText('L’attività è in pausa').waitFor();
    await phone
      .getByText(/in pausa/)
      .first()
      .waitFor();
    await button(page, 'Riprendi').click();
    await other.getByText('L’attività è in pausa').waitFor({ state: 'detached' });
    await phone.getByRole('textbox', { name: /^Scrivi a / }).waitFor();

    await button(page, 'Chiudi l’attività…').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(/^Per confermare scrivi/).fill('forno aurora');
    await dialog.getByLabel('La tua password').fill('non è questa');
    await dialog.getByRole('button', { name: 'Chiudi l’attività' }).click();
    await dialog.getByText('La password attuale non è giusta.').waitFor();
    await dialog.getByLabel('La tua password').fill(password);
    await dialog.getByRole('button', { name: 'Chiudi l’attività' }).click();
    await other.getByText(/^L’attività chiude: tutto viene cancellato il /).waitFor();
    await button(page, 'Ci ho ripensato: resta aperta').click();
    await other.getByText(/^L’attività chiude/).waitFor({ state: 'detached' });
    expectStatus(await bakery.owner.ask('PUT', '/api/subscriber/pause', { paused: false }), 200);
  });
});

test('the owner sees what would be deleted and confirms it, both parties see one quiet line, and people see how long messages are kept', async () => {
  await anna.device.connect();
  await anna.device.say(anna.contactId, 'Vecchia ricetta');
  await anna.device.say(anna.contactId, 'Domanda di oggi');
  await world.rows(`UPDATE message SET sent_at = sent_at - interval '2 years' WHERE subscriber_id = $1 AND seq = 1`, [
    bakery.id,
  ]);
  const page = await open('/settings/retention');
  await heading(page, 'Tieni tutti i messaggi').waitFor();
  await page.getByLabel('Mesi').fill('0');
  await button(page, 'Guarda che cosa si cancella').click();
  await page.getByText('Scrivi un numero di mesi da 1 a 120.').waitFor();
  await page.getByLabel('Mesi').fill('12');
  await button(page, 'Guarda che cosa si cancella').click();
  await page.getByText(/si cancellano per sempre 1 messaggio/).waitFor();
  const act = button(page, 'Cancella i messaggi vecchi');
  await act.click();
  await page.getByText('Non è lo stesso numero. Scrivi: 1').waitFor();
  await page.getByLabel(/Per confermare scrivi il numero/).fill('1');
  await page.getByLabel(/E il nome della tua attività/).fill(String(bakery.registration['businessName']));
  await act.click();
  await heading(page, 'Tieni i messaggi 12 mesi').waitFor();
  await page.getByText(/Fino ad allora puoi ripensarci/).waitFor();

  const phone = await open('/app/privacy', { device: 'phone' }, anna.username);
  await phone.getByText(/cancella i messaggi più vecchi di 12 mesi/).waitFor();

  await expireBefore(world, bakery.id, new Date(Date.now() - 86_400_000));
  await page.reload();
  await page.getByText(/1 messaggio, 0 file/).waitFor();
  await phone.goto(`${world.url}/app/c/${anna.contactId}`);
  await phone.getByText('Messaggi cancellati fino a questo giorno').waitFor();
  await phone.getByText('Domanda di oggi').last().waitFor();
  expect(await phone.getByText('Vecchia ricetta').count()).toBe(0);
});
