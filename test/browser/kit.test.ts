import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import send from 'send';
import { TestBrowser } from '../support/browser.js';

/** The primitives of both apps, on the page that shows them all: by keyboard alone, and by the rules of axe-core. */

let folder: string;
let server: Server;
let browser: TestBrowser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'colloquio-kit-'));
  const vite = ['node_modules/vite/bin/vite.js', 'build', '--outDir', folder, '--emptyOutDir'];
  const { status } = spawnSync(process.execPath, vite, { env: { ...process.env, ONLY_KIT: '1', NODE_OPTIONS: '' } });
  expect(status).toBe(0);
  const pathOf = ({ url }: IncomingMessage) => new URL(url!, 'http://localhost').pathname;
  server = createServer(
    (request, response) => void send(request, pathOf(request), { root: folder }).pipe(response),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  browser = await TestBrowser.start({ url: `http://127.0.0.1:${port}` });
});
afterEach(() => browser.closeContexts());
afterAll(async () => {
  await browser.close();
  server.close();
  await rm(folder, { recursive: true });
});

const focused = (page: Page) => page.evaluate(() => (document.activeElement as HTMLElement).innerText.trim());
const opened = async (device: 'desktop' | 'phone' = 'desktop', theme: 'light' | 'dark' = 'light') =>
  (await browser.open({ device, theme })).page(`/kit/?theme=${theme}`);

test.each(['desktop', 'phone'] as const)('a dialog takes the focus, and returns it (%s)', async (device) => {
  const page = await opened(device);
  await page.getByRole('button', { name: 'Finestra' }).focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  expect(await dialog.evaluate((each) => each.contains(document.activeElement))).toBe(true);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  expect(await focused(page)).toBe('Finestra');
});

test.each(['desktop', 'phone'] as const)(
  'a menu is gone through by keys, and gives the focus back (%s)',
  async (device) => {
    const page = await opened(device);
    const trigger = page.getByRole('button', { name: 'Menu' });
    await trigger.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('menu').waitFor();
    if (device === 'phone') await page.getByRole('menuitem', { name: 'Rispondi' }).focus();
    await page.keyboard.press('End');
    expect(await focused(page)).toContain('Limita');
    await page.keyboard.press('r');
    expect(await focused(page)).toBe('Rispondi');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('status').filter({ hasText: 'Copia' }).waitFor();
    await page.getByRole('menu').waitFor({ state: 'detached' });
    expect(await focused(page)).toBe('Menu');
  },
);

test('boxes, switches, choices and tabs work with the keyboard', async () => {
  const page = await opened();
  const box = page.getByLabel('Questo dispositivo lo usano anche altri');
  await box.focus();
  await page.keyboard.press('Space');
  expect(await box.isChecked()).toBe(false);
  const promotions = page.getByRole('switch', { name: 'Offerte' });
  await promotions.focus();
  await page.keyboard.press('Space');
  expect(await promotions.getAttribute('aria-checked')).toBe('false');
  await page.getByLabel(/Come il sistema/).focus();
  await page.keyboard.press('ArrowDown');
  expect(await page.getByLabel('Chiaro').isChecked()).toBe(true);
  await page.getByRole('tab', { name: /Conversazioni/ }).focus();
  await page.keyboard.press('End');
  expect(await page.getByRole('tab', { name: 'Archivio' }).getAttribute('aria-selected')).toBe('true');
});

test.each(['light', 'dark'] as const)('axe-core finds no fault in any primitive (%s)', async (theme) => {
  const page = await opened('desktop', theme);
  await page.getByRole('heading', { name: 'Componenti e stati' }).waitFor();
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  expect(await page.evaluate('axe.run().then(({ violations }) => violations.map(({ id }) => id))')).toEqual([]);
});
