import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { type TestContext, TestBrowser } from '../support/browser.js';
import { expectStatus, password, type Shop, unique, World } from '../support/world.js';

/** Changes by the owner to the business and to itself: the logo, the address, the password. */

let world: World;
let browser: TestBrowser;
let bakery: Shop;

beforeAll(async () => {
  world = await World.shared();
  browser = await TestBrowser.start(world);
  bakery = await world.shop('bakery');
});
afterEach(() => browser.closeContexts());
afterAll(async () => {
  await browser.close();
  await world.close();
});

async function signedIn(): Promise<TestContext> {
  const device = await browser.open();
  await device.signIn('dashboard', bakery.username);
  return device;
}

const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();

test('a logo is cropped to the part of the picture in the square', async () => {
  // Red on the left, blue on the right: the middle has both, the left end is red alone.
  const half = { width: 400, height: 400, channels: 3 as const };
  const blue = await sharp({ create: { ...half, background: 'blue' } })
    .png()
    .toBuffer();
  const buffer = await sharp({ create: { ...half, width: 800, background: 'red' } })
    .composite([{ input: blue, left: 400, top: 0 }])
    .png()
    .toBuffer();
  const page = await (await signedIn()).page('/settings/business');
  await press(page, 'Scegli un’immagine');
  const dialog = page.getByRole('dialog', { name: 'Il tuo logo' });
  const choose = (name: string, mimeType: string, bytes: Buffer) =>
    dialog.getByLabel('Scegli un’immagine').setInputFiles({ name, mimeType, buffer: bytes });
  await choose('logo.png', 'image/png', Buffer.from('no picture'));
  await dialog.getByText('Questa immagine non si può leggere.').waitFor();
  await choose('logo.png', 'image/png', buffer);
  const picture = dialog.getByRole('button', { name: /^Immagine del logo/ });
  await picture.focus();
  for (let step = 0; step < 6; step++) await page.keyboard.press('Shift+ArrowRight');
  await press(page, 'Usa questo logo');
  await page.getByText('Ecco il tuo logo').waitFor();

  const { code } = await world.invitation(bakery);
  const answer = await fetch(`${world.url}/api/invitations/by-code/${code}/logo`);
  expect(answer.status).toBe(200);
  const { channels, info } = await averages(Buffer.from(await answer.arrayBuffer()));
  expect(info.width).toBe(info.height);
  expect(channels[0]).toBeGreaterThan(240);
  expect(channels[2]).toBeLessThan(15);
});

async function averages(logo: Buffer): Promise<{ channels: number[]; info: { width: number; height: number } }> {
  const { width, height } = await sharp(logo).metadata();
  const { channels } = await sharp(logo).stats();
  return { channels: channels.map(({ mean }) => mean), info: { width, height } };
}

test('an address is changed with the password, and a wrong password is reported at its field', async () => {
  const page = await (await signedIn()).page('/settings/business');
  const address = page.getByLabel(/^Email/);
  const current = page.getByLabel('La tua password', { exact: true });
  const email = `forno-${unique()}@mail.example`;
  await address.fill(email);
  await current.fill('another-9-word');
  await press(page, 'Cambia l’email');
  await page.locator('[name=currentPassword][aria-invalid=true]').waitFor();
  await current.fill(password);
  await press(page, 'Cambia l’email');
  await page.getByText('Controlla la posta').waitFor();
  await page.getByText(`${email}: da confermare`).waitFor();
  expect(await current.inputValue()).toBe('');
});

test('a password is changed, and signs the other devices out', async () => {
  const next = 'merenda-4-violino';
  const page = await (await signedIn()).page('/settings/profile');
  const other = await (await signedIn()).page('/settings/profile');
  await other.getByRole('heading', { name: 'Nome e password' }).first().waitFor();
  await page.getByLabel('Password attuale', { exact: true }).fill(password);
  await page.getByLabel('Password nuova', { exact: true }).fill('breve');
  await press(page, 'Cambia la password');
  await page.locator('[name=newPassword][aria-invalid=true]').waitFor();
  await page.getByLabel('Password nuova', { exact: true }).fill(next);
  await press(page, 'Cambia la password');
  await page.getByText('Password cambiata.').waitFor();
  await other.waitForURL(/sign-in/);
  const sign = (secret: string) =>
    world.ask('POST', '/api/sessions', { body: { username: bakery.username, password: secret } });
  expectStatus(await sign(password), 401);
  expectStatus(await sign(next), 201);
});
