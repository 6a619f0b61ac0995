import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { TestBrowser } from '../support/browser.js';
import { World } from '../support/world.js';

/** The frame of both web apps: their pages, their policy, their workers. */

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

const pages = ['/', '/settings', '/app', '/app/privacy'];

test.each(pages)('%s is a page that runs no foreign and no inline code', async (path) => {
  const { headers, status } = await fetch(world.url + path, { headers: { accept: 'text/html' } });
  expect(status).toBe(200);
  const policy = headers.get('content-security-policy')!;
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("require-trusted-types-for 'script'");
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
  expect(headers.get('referrer-policy')).toBe('no-referrer');
  expect(headers.get('permissions-policy')).toContain('camera=()');
  expect(headers.get('cache-control')).toBe('no-cache');
});

test('files with a hash in their name are cached for a year, and arrive compressed', async () => {
  const html = await (await fetch(`${world.url}/app`)).text();
  const shared = /modulepreload"[^>]* href="(\/assets\/[^"]+\.js)"/.exec(html)![1]!;
  const { headers } = await fetch(world.url + shared, { headers: { 'accept-encoding': 'br' } });
  expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(headers.get('content-encoding')).toBe('br');
});

test.each([
  ['/', 'SignIn'],
  ['/app', 'SignIn'],
  ['/app/join/abc', 'Join'],
])('the answer to %s names what its first screen needs, and all of it is there', async (path, screen) => {
  const { headers } = await fetch(world.url + path, { headers: { accept: 'text/html' } });
  const named = [...headers.get('link')!.matchAll(/<([^>]+)>/g)].map(([, address]) => address!);
  expect(named.filter((address) => address.endsWith('.js'))[0]).toContain(`/${screen}-`);
  for (const address of named) expect((await fetch(world.url + address)).status).toBe(200);
});

test('the code of an invitation leads to the app, and a program that does not ask for a page gets none', async () => {
  const joining = await fetch(`${world.url}/join/abc`, { redirect: 'manual' });
  expect(joining.headers.get('location')).toBe('/app/join/abc');
  const nothing = await fetch(`${world.url}/nothing`);
  expect(nothing.status).toBe(404);
  expect(nothing.headers.get('content-type')).toContain('application/problem+json');
  expect((await fetch(`${world.url}/assets/gone.js`, { headers: { accept: 'text/html' } })).status).toBe(404);
});

test('the manifest of the app contains a code in its start address, and nothing else', async () => {
  const manifest = async (query: string) => {
    const answer = await fetch(`${world.url}/app/manifest.webmanifest${query}`);
    const { start_url: start } = (await answer.json()) as { start_url: string };
    return { start, cache: answer.headers.get('cache-control') };
  };
  const code = 'aB3_-'.repeat(5);
  expect(await manifest(`?carry=${code}`)).toEqual({ start: `/app?carry=${code}`, cache: 'no-store' });
  for (const query of ['', '?carry=short', `?carry=${code}%26next=x`, `?carry=${code}&carry=${code}`]) {
    expect((await manifest(query)).start).toBe('/app');
  }
});

test.each([
  ['/', '/sw.js'],
  ['/app', '/app-sw.js'],
])('the app at %s has a worker of its own', async (path, script) => {
  const device = await browser.open({ hasWorker: true });
  const page = await device.page(path);
  const workers = await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    const registrations = await navigator.serviceWorker.getRegistrations();
    return registrations.map(({ scope, active }) => [new URL(scope).pathname, new URL(active!.scriptURL).pathname]);
  });
  expect(workers).toEqual([[path, script]]);
});

test('an app opened after the other one in the same browser reports no new version', async () => {
  const anna = await world.join(await world.shop('bakery'), 'anna');
  const device = await browser.open({ hasWorker: true });
  await device.signIn('app', anna.username);
  const dashboard = await device.page('/sign-in');
  await dashboard.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  const app = await device.page('/app');
  // The dashboard's worker controls the page until the app's own is there.
  await app.evaluate(async () => {
    const own = async () =>
      (await navigator.serviceWorker.getRegistrations()).find(({ scope }) => scope.endsWith('/app'));
    while (!(await own())?.active) await new Promise((later) => setTimeout(later, 20));
  });
  await app.getByRole('heading', { name: 'Conversazioni' }).waitFor();
  expect(await app.getByText('C’è una versione nuova').count()).toBe(0);
});
