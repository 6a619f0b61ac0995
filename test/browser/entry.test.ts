import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { TestBrowser } from '../support/browser.js';
import { password, shops, World } from '../support/world.js';

/** A business from its registration to the sheet at its counter, and its way in and out. */

let world: World;
let browser: TestBrowser;

beforeAll(async () => {
  world = await World.shared();
  browser = await TestBrowser.start(world);
});
afterEach(() => browser.closeContexts());
afterAll(async () => {
  await browser.close();
  await world.close();
});

const username = `bottega-${Date.now().toString(36)}`;
const label = (page: Page, name: string) => page.getByLabel(name, { exact: true });
const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();

test('a business registers, prints its sheet and logs out', async () => {
  const { businessName, street, streetNumber, postcode, city, email } = shops.bakery;
  const page = await (await browser.open()).page('/register');
  await label(page, 'Nome dell’attività').fill(businessName);
  await label(page, 'Categoria').selectOption('bakery');
  await label(page, 'Email dell’attività').fill('info@');
  await press(page, 'Continua');
  expect(await page.getByText('deve essere un indirizzo email').count()).toBe(1);
  await label(page, 'Email dell’attività').fill(email);
  await press(page, 'Continua');

  await label(page, 'Via o piazza').fill(street);
  await label(page, 'Numero').fill(streetNumber);
  await label(page, 'CAP').fill(postcode);
  await label(page, 'Comune').fill(city);
  await label(page, 'Provincia').selectOption('RA');
  await label(page, 'Partita IVA').fill('01234567898');
  await label(page, 'Comune').focus();
  await page.getByText('cifra di controllo').waitFor();
  await page.reload();
  expect(await label(page, 'Comune').inputValue()).toBe(city);
  await label(page, 'Partita IVA').fill('01234567897');
  await press(page, 'Continua');

  await label(page, 'Nome utente').fill(username);
  await label(page, 'Password').fill(password);
  await press(page, 'Continua');
  await press(page, 'Accetta e registra');
  expect(await page.getByText('Spunta la casella per continuare.').count()).toBe(2);
  await page
    .getByRole('button', { name: /^Leggi tutto/ })
    .first()
    .click();
  for (const box of await page.getByRole('checkbox').all()) await box.check();
  await press(page, 'Accetta e registra');

  await page.getByRole('heading', { name: 'Apriamo la porta.' }).waitFor();
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toContain(password);
  await press(page, 'Prepara il foglio');
  const code = page.getByRole('img', { name: 'Codice QR dell’invito' });
  await code.waitFor();
  await expect(code.evaluate((image) => (image as HTMLImageElement).decode())).resolves.toBeUndefined();

  await page.goto(`${world.url}/settings/devices`);
  await page.getByText('Questo dispositivo').waitFor();
  await press(page, 'Esci');
  await page.getByRole('dialog').getByRole('button', { name: 'Esci' }).click();
  await page.getByRole('heading', { name: 'Ciao di nuovo' }).waitFor();
  expect(
    (await page.request.get(`${world.url}/api/me`, { headers: { 'X-Colloquio-App': 'dashboard' } })).status(),
  ).toBe(401);
});

test('an address is confirmed by a click, not by opening the link', async () => {
  const page = await (await browser.open()).page('/sign-in');
  let asked = 0;
  await page.route('**/api/me/email-verification/confirmation', (route) => {
    asked++;
    return route.fulfill({ status: 204 });
  });
  await page.goto(`${world.url}/verify/a-token`);
  await page.getByRole('heading', { name: 'Conferma il tuo indirizzo' }).waitFor();
  expect(asked).toBe(0);
  await press(page, 'Conferma');
  await page.getByRole('heading', { name: 'Indirizzo confermato' }).waitFor();
  expect(asked).toBe(1);
});

test('a wrong password keeps the name, and the right one leads to the requested page', async () => {
  const page = await (await browser.open({ device: 'phone' })).page('/settings/profile');
  await label(page, 'Nome utente o email').fill(username);
  await label(page, 'Password').fill('another-9-word');
  await press(page, 'Entra');
  await page.getByText('Nome utente o password non sono giusti').waitFor();
  expect(await label(page, 'Nome utente o email').inputValue()).toBe(username);
  await label(page, 'Password').fill(password);
  await press(page, 'Entra');
  await label(page, 'Il tuo nome').fill('Nives');
  await press(page, 'Salva');
  await page.getByText('Salvato').waitFor();
});

test('an invitation by email is listed, and revoked', async () => {
  const device = await browser.open({ device: 'small phone', locale: 'en-GB', theme: 'dark' });
  await device.signIn('dashboard', username);
  const page = await device.page('/invite');
  await label(page, 'Email of the person').fill('dora@person.example');
  await press(page, 'Invite');
  await page.getByRole('button', { name: 'Actions for dora@person.example' }).click();
  await page.getByText('Revoke…').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click();
  await page.getByText('Invitation revoked').waitFor();
  await page.getByRole('listitem').filter({ hasText: 'dora@person.example' }).getByText('Revoked').waitFor();
});
