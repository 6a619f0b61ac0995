import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Locator, Page } from 'playwright-core';
import { v7 as uuid } from 'uuid';
import { loadConfig } from '../../src/platform/config.js';
import { startService } from '../../src/service.js';
import { addContacts, ownerOf } from '../contacts.js';
import { shown } from '../delivery/measures.js';
import { ask, onScene, register, type Scene, type Shop } from './scene.js';

const contacts = 10_000;
const broadcasts = 500;
const writers = 20;
const messagesEach = 250;
const scrolledFrames = 200;

/** Time until a step is done, and the tasks over 50 ms of the page meanwhile and right after. */
interface Step {
  name: string;
  milliseconds: number;
  tasks: number[];
  requests: number;
}

/** The dashboard of a business with 10,000 contacts, 500 broadcasts, and 5,000 messages that one search finds. */
export async function large(): Promise<void> {
  await onScene(measure, fill);
}

async function fill(dataDir: string): Promise<Shop> {
  const service = await startService(
    loadConfig({ DATA_DIR: dataDir, PORT: '0', REGISTRATION: 'open', LOG_LEVEL: 'error' }),
  );
  try {
    const shop = await register(service.url);
    await addContacts(service, await ownerOf(service, shop.subscriberId), contacts);
    return shop;
  } finally {
    await service.stop();
  }
}

async function measure(scene: Scene): Promise<void> {
  const began = performance.now();
  for (let number = 0; number < writers; number++) {
    await scene.write(await scene.person(`Cliente${number}`), messagesEach);
  }
  const latest = await send(scene);
  await found(scene);
  // Heads that changed in the minute of a list are asked for once more after it: that is not what is measured.
  await sleep(60_000);
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(
    `## large: ${contacts} contacts, ${broadcasts} broadcasts, ${writers * messagesEach} messages (${seconds} s)\n`,
  );
  console.log('| step | ms | slowest task ms | tasks over 50 ms, ms | requests |\n| --- | --- | --- | --- | --- |');
  for (const device of ['desktop', 'phone'] as const) {
    const context = await scene.signedIn('dashboard', scene.shop.username, device);
    const page = await context.newPage();
    await page.addInitScript(watchTasks);
    for await (const step of steps(page, latest)) tell(`${device}: ${step.name}`, step);
    await context.close();
  }
}

/** Broadcasts to a few people each, and the last one to everybody. Gives its id. */
async function send({ url, shop: { token } }: Scene): Promise<string> {
  const { items } = await ask(url, 'GET', '/api/contacts?limit=3', { token });
  const few = { contactIds: items.map(({ id }: { id: string }) => id) };
  let id = '';
  for (let number = 1; number <= broadcasts; number++) {
    const audience = number === broadcasts ? { all: true } : few;
    const text = { clientId: uuid(), kind: 'service', reason: 'other', body: `Comunicazione ${number} di tante` };
    ({ id } = await ask(url, 'POST', '/api/broadcasts', { token, body: { ...text, audience } }));
  }
  for (;;) {
    const { items: waiting } = await ask(url, 'GET', '/api/broadcasts?stage=under_way', { token });
    if (waiting.length === 0) return id;
    await sleep(500);
  }
}

/** Waits until the archive has indexed the last message. */
async function found({ url, shop: { token } }: Scene): Promise<void> {
  const last = `${messagesEach - 1} burro`;
  for (;;) {
    const { items } = await ask(url, 'POST', '/api/archive/searches', { token, body: { q: last, limit: writers } });
    if (items.length === writers) return;
    await sleep(500);
  }
}

async function* steps(page: Page, broadcast: string): AsyncGenerator<Step> {
  const book = page.locator('main a[href^="/address-book/0"]').first();
  const row = page.locator('[data-row]').first();
  yield step(page, 'conversations until all are loaded', async () => {
    await page.goto('/');
    await row.waitFor();
    await page.waitForLoadState('networkidle');
  });
  yield step(page, 'scrolling the conversations', () => scroll(page.locator('section.list .scroll')));
  yield step(page, 'conversations to answer', async () => {
    await page.getByRole('button', { name: /^Da rispondere/ }).click();
    await row.waitFor();
  });
  yield step(page, 'a search among the conversations', async () => {
    await page.getByRole('searchbox').fill('ros');
    await row.waitFor();
    await page.waitForLoadState('networkidle');
  });
  yield step(page, 'the address book', async () => {
    await page.goto('/address-book');
    await book.waitFor();
  });
  yield step(page, 'scrolling the address book', () => scroll(page.locator('.scroll').last()));
  const all = page.getByRole('checkbox', { name: /^Scegli tutti/ });
  if (await all.count()) {
    yield step(page, 'choosing all', async () => {
      await all.check({ force: true });
      await page.getByRole('toolbar').waitFor();
    });
    yield step(page, 'leaving them', async () => {
      await all.uncheck({ force: true });
      await page.getByRole('toolbar').waitFor({ state: 'detached' });
    });
  }
  yield step(page, 'a search in the address book', async () => {
    await page.getByRole('searchbox').fill('ros mar');
    await page
      .getByText(/ di 10/)
      .first()
      .waitFor();
  });
  yield step(page, 'a filter of the address book', async () => {
    await page.goto('/address-book?province=RA');
    await book.waitFor();
  });
  yield step(page, 'the broadcasts', async () => {
    await page.goto('/broadcasts');
    await page.locator('a[href^="/broadcasts/0"]').first().waitFor();
  });
  yield step(page, 'all broadcasts, by "show more"', async () => {
    const more = page.getByRole('button', { name: 'Mostra altre' });
    while (await more.count()) await more.click({ timeout: 1_000 }).catch(() => undefined);
  });
  yield step(page, 'the results of a broadcast to everybody', async () => {
    await page.goto(`/broadcasts/${broadcast}`);
    await page.locator('.ledger tbody tr').first().waitFor();
  });
  yield step(page, 'a search of the archive', async () => {
    await page.goto('/archive#q=burro');
    await page.locator('a.hit').first().waitFor();
  });
  yield step(page, 'scrolling its hits', () => scroll(page.locator('.results')));
}

/** Does something, and waits until the page rests. */
async function step(page: Page, name: string, work: () => Promise<unknown>): Promise<Step> {
  let requests = 0;
  const count = () => requests++;
  page.on('request', count);
  const watched = () => page.evaluate(() => (globalThis as unknown as { tasks?: number[] }).tasks?.splice(0) ?? []);
  await watched();
  const began = performance.now();
  await work();
  const milliseconds = performance.now() - began;
  await page.waitForLoadState('networkidle');
  await sleep(500);
  page.off('request', count);
  return { name, milliseconds, tasks: await watched(), requests };
}

function watchTasks(): void {
  const seen: number[] = [];
  Object.assign(globalThis, { tasks: seen });
  new PerformanceObserver((list) => seen.push(...list.getEntries().map(({ duration }) => duration))).observe({
    type: 'longtask',
  });
}

/** Scrolls a screen a frame, as somebody who looks for something. */
function scroll(box: Locator): Promise<void> {
  return box.evaluate(async (element, frames) => {
    for (let frame = 0; frame < frames; frame++) {
      element.scrollTop += element.clientHeight;
      await new Promise<void>((done) => requestAnimationFrame(() => setTimeout(done)));
    }
  }, scrolledFrames);
}

function tell(name: string, { milliseconds, tasks, requests }: Step): void {
  const sum = tasks.reduce((total, each) => total + each, 0);
  const cells = [name, shown(milliseconds), shown(Math.max(0, ...tasks)), shown(sum), requests];
  console.log(`| ${cells.join(' | ')} |`);
}
