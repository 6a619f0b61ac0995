import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { type Opened, TestBrowser } from '../support/browser.js';
import { expectStatus, password, type Shop, unique, until, World } from '../support/world.js';

/** The settings about the team, what it does, and the figures for an auditor. */

let world: World;
let browser: TestBrowser;
let bakery: Shop;

beforeAll(async () => {
  world = await World.shared();
  browser = await TestBrowser.start(world);
});
beforeEach(async () => {
  bakery = await world.shop('bakery');
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

const settings = (page: Page) => page.getByRole('navigation', { name: 'Impostazioni' });

test('the owner invites a colleague by a link, sees it join, and removes it, which signs its devices out', async () => {
  const page = await open('/settings/team');
  await page.getByText('sei tu').waitFor();
  await page.getByRole('button', { name: 'Invita un collaboratore' }).click();
  const dialog = page.getByRole('dialog', { name: 'Invita un collaboratore' });
  await dialog.getByRole('textbox', { name: 'Email' }).fill('camilla');
  await dialog.getByRole('button', { name: 'Invita' }).click();
  expect(await dialog.getByRole('textbox', { name: 'Email' }).getAttribute('aria-invalid')).toBe('true');
  await dialog.getByRole('textbox', { name: 'Email' }).fill('camilla@mail.example');
  await dialog.getByRole('textbox', { name: 'Nome' }).fill('Camilla');
  await dialog.getByRole('button', { name: 'Invita' }).click();
  const ready = page.getByRole('dialog', { name: 'Invito pronto' });
  const url = await ready.getByRole('textbox', { name: 'Link dell’invito' }).inputValue();
  await ready.getByRole('button', { name: 'Fatto' }).click();
  await page.getByText(/^camilla@mail\.example, l’invito vale fino al/).waitFor();

  const hers = await (await browser.open({ device: 'phone' })).page(new URL(url).pathname);
  await hers.getByLabel('Il tuo nome').fill('Camilla');
  await hers.getByLabel('Nome utente').fill(`camilla-${unique()}`);
  await hers.getByLabel('Password', { exact: true }).fill(password);
  await hers.getByRole('button', { name: 'Accetta ed entra' }).click();
  await hers.getByText('Spunta la casella per continuare.').first().waitFor();
  for (const box of await hers.getByRole('checkbox').all()) await box.check();
  await hers.getByRole('button', { name: 'Accetta ed entra' }).click();
  await hers.waitForURL(`${world.url}/`);
  await page.getByText('Collabora', { exact: true }).waitFor();
  await hers.goto(`${world.url}/settings/team`);
  await hers.getByText('Leggere e rispondere').waitFor();
  expect(await hers.getByRole('button', { name: 'Invita un collaboratore' }).count()).toBe(0);
  expect(await settings(hers).getByRole('link', { name: 'Registro', exact: true }).count()).toBe(0);
  expect(await settings(page).getByRole('link', { name: 'Registro', exact: true }).count()).toBe(1);
  await hers.goto(`${world.url}/settings/activity`);
  await hers.getByText('Solo il titolare vede questa pagina.').waitFor();

  await page.getByRole('button', { name: 'Togli Camilla' }).click();
  const asking = page.getByRole('dialog', { name: 'Togliere Camilla?' });
  await asking.getByText('Esce subito da tutti i suoi dispositivi').waitFor();
  await asking.getByRole('button', { name: 'Togli', exact: true }).click();
  await page.getByRole('button', { name: 'Togli Camilla' }).waitFor({ state: 'detached' });
  await hers.waitForURL(/sign-in/);
});

test('the activity log says in words who did what, and an auditor gets figures without names', async () => {
  const sara = await world.staff(bakery);
  const anna = await world.join(bakery, 'anna');
  expectStatus(await sara.device.ask('PATCH', `/api/contacts/${anna.contactId}`, { note: 'Senza noci' }), 200);
  expectStatus(await bakery.owner.ask('PATCH', '/api/subscriber', { city: 'Monza' }), 200);
  const page = await open('/');
  await page.locator(`[data-row="${anna.contactId}"]`).waitFor();
  await page.getByRole('link', { name: 'Impostazioni' }).click();
  await settings(page).getByRole('link', { name: 'Registro', exact: true }).click();
  const lines = page
    .getByRole('main')
    .getByRole('listitem')
    .filter({ has: page.locator('time') });
  await lines.filter({ hasText: 'Sara ha cambiato un contatto: Anna Rossi' }).waitFor();
  await lines.filter({ hasText: 'Il titolare ha cambiato i dati dell’attività' }).waitFor();
  await page.getByRole('combobox', { name: 'Chi' }).selectOption({ label: 'Sara' });
  await lines.filter({ hasText: 'Il titolare' }).first().waitFor({ state: 'detached' });
  await page.getByRole('combobox', { name: 'Che cosa' }).selectOption({ label: 'Comunicazioni' });
  await page.getByText('Niente con questi filtri').waitFor();
  await page.reload();
  await page.getByRole('button', { name: 'Mostra tutto' }).click();
  await lines.filter({ hasText: 'Il titolare' }).first().waitFor();

  await settings(page).getByRole('link', { name: 'Spazio occupato' }).click();
  await page.getByRole('progressbar', { name: 'Spazio occupato' }).waitFor({ state: 'attached' });
  await settings(page).getByRole('link', { name: 'Ricevute di lettura' }).click();
  await page.getByRole('switch').click();
  await page.getByText('Ricevute spente').waitFor();
  expect((await bakery.owner.ask('GET', '/api/me')).body.subscriber.seenTimes).toBe(false);

  const { erasureId } = (await bakery.owner.ask('DELETE', `/api/contacts/${anna.contactId}`)).body;
  await until(
    async () => (await bakery.owner.ask('GET', `/api/erasures/${erasureId}`)).body.finishedAt !== null,
    'the erasure has finished',
  );
  await settings(page).getByRole('link', { name: 'Dati per una verifica' }).click();
  const paper = page.getByRole('article');
  await paper.getByText(String(erasureId)).waitFor();
  await paper.getByText('1 cancellazione conclusa, 1 contatto in tutto.').waitFor();
  expect(await paper.getByRole('row', { name: /^Informativa accettata 1 0$/ }).count()).toBe(1);
  expect(await paper.textContent()).not.toMatch(/Anna|Rossi|Sara/);
  await page.emulateMedia({ media: 'print' });
  expect(await page.getByRole('button', { name: 'Stampa' }).isVisible()).toBe(false);
  expect(await paper.isVisible()).toBe(true);
});
