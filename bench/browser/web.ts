import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { io, type Socket } from 'socket.io-client';
import { launchChromium, unpackedChromium } from '../../test/support/chromium.js';
import { median, range, shown } from '../delivery/measures.js';
import { ServerProcess } from '../delivery/server-process.js';

/**
 * Costs of the web apps in a real browser: `npm run bench:web`, or some of its parts by name.
 * Lighthouse is too large for a dependency; npx fetches the version below when its part runs.
 */

const lighthouseVersion = '13.5.0';
const password = 'tegame-7-lucertola';
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
const desktop = { viewport: { width: 1440, height: 900 } };

interface Shop {
  token: string;
  username: string;
  code: string;
}
interface Person {
  token: string;
  username: string;
  conversationId: string;
}

class Scene {
  readonly shop: Shop;
  readonly browser: Browser;
  private readonly server: ServerProcess;

  constructor(server: ServerProcess, shop: Shop, browser: Browser) {
    this.server = server;
    this.shop = shop;
    this.browser = browser;
  }

  get url(): string {
    return this.server.url;
  }

  async person(name: string): Promise<Person> {
    const { policies } = await ask(this.url, 'GET', `/api/invitations/by-code/${this.shop.code}?locale=it`);
    const { interlocutor, contact, session } = await ask(
      this.url,
      'POST',
      `/api/invitations/by-code/${this.shop.code}/acceptance`,
      {
        body: {
          firstName: name,
          surname: 'Rossi',
          email: `${name.toLowerCase()}@mail.example`,
          password,
          ageConfirmed: true,
          locale: 'it',
          consents: [{ policyId: policies[0].id, purpose: 'privacy' }],
        },
      },
    );
    return { token: session.token, username: interlocutor.username, conversationId: contact.id };
  }

  /** Sends so many messages of a person to the shop, of different lengths. */
  async write(person: Person, count: number): Promise<void> {
    const socket = await connect(this.url, person.token);
    for (let sent = 0; sent < count; sent += 50) {
      const batch = Array.from({ length: Math.min(50, count - sent) }, (_, index) => sent + index);
      await Promise.all(
        batch.map(async (number) => {
          const body = `${number} ${'pane e burro '.repeat(1 + ((number * 7) % 20))}`;
          const message = { conversationId: person.conversationId, clientId: `w${number}`, body };
          await send(socket, message);
        }),
      );
    }
    socket.disconnect();
  }

  /** A browser context that is signed in to one of the apps. */
  async signedIn(app: 'dashboard' | 'app', username: string): Promise<BrowserContext> {
    const context = await this.browser.newContext({
      ...(app === 'app' ? phone : desktop),
      baseURL: this.url,
      locale: 'it-IT',
      reducedMotion: 'reduce',
    });
    const answer = await context.request.post('/api/sessions', {
      headers: { 'X-Colloquio-App': app, origin: this.url },
      data: { username, password },
    });
    if (answer.status() !== 201) throw new Error(await answer.text());
    await context.addInitScript((key) => {
      if (location.protocol !== 'about:') localStorage.setItem(key, '1');
    }, `colloquio-${app}-here`);
    return context;
  }
}

async function main(): Promise<void> {
  const [cpu] = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  console.log(`Node ${process.version}, ${cpus().length} × ${cpu!.model.trim()}, ${gigabytes} GB\n`);
  const parts = { lighthouse, warm, thread, enter };
  const named = process.argv.slice(2);
  const unknown = named.filter((name) => !(name in parts));
  if (unknown.length > 0) throw new Error(`There is no part ${unknown.join(', ')}: ${Object.keys(parts).join(', ')}.`);
  await onScene(async (scene) => {
    for (const [name, part] of Object.entries(parts)) {
      if (named.length > 0 && !named.includes(name)) continue;
      console.log(`## ${name}\n`);
      await part(scene);
      console.log();
    }
  });
}

async function onScene(work: (scene: Scene) => Promise<void>): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'colloquio-bench-'));
  const server = await ServerProcess.colloquio({
    DATA_DIR: dataDir,
    REGISTRATION: 'open',
    RATE_MESSAGES: '1000000',
    RATE_SIGN_IN: '1000',
    RATE_JOIN: '1000',
    LOG_LEVEL: 'error',
  });
  const browser = await launchChromium();
  try {
    await work(new Scene(server, await register(server.url), browser));
  } finally {
    await browser.close();
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function register(url: string): Promise<Shop> {
  const { items } = await ask(url, 'GET', '/api/policies/current?audience=subscriber&locale=it');
  const username = 'forno.aurora';
  const { session } = await ask(url, 'POST', '/api/subscribers', {
    body: {
      businessName: 'Forno Aurora',
      email: 'info@aurora.example',
      street: 'Via Roma',
      streetNumber: '12/A',
      postcode: '48018',
      city: 'Faenza',
      province: 'RA',
      country: 'IT',
      category: 'bakery',
      vatNumber: '01234567897',
      locale: 'it',
      username,
      password,
      consents: items.map(({ id, purpose }: { id: string; purpose: string }) => ({ policyId: id, purpose })),
    },
  });
  const { code } = await ask(url, 'POST', '/api/invitations', { token: session.token, body: { kind: 'open' } });
  return { token: session.token, username, code };
}

/** Lighthouse with its mobile preset, three times each; marks are 98, 100 and 100. */
async function lighthouse(scene: Scene): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'colloquio-lighthouse-'));
  const executable = await unpackedChromium();
  const categories = ['performance', 'accessibility', 'best-practices'];
  console.log(
    `| page | ${categories.join(' | ')} | largest paint ms | blocked ms |\n| --- | --- | --- | --- | --- | --- |`,
  );
  for (const path of ['/', '/app', `/app/join/${scene.shop.code}`]) {
    const reports = Array.from({ length: 3 }, (_, round) => {
      const file = join(folder, `${round}.json`);
      const { status, stderr } = spawnSync(
        'npx',
        [
          ...['--yes', `lighthouse@${lighthouseVersion}`, scene.url + path, '--quiet'],
          ...['--output=json', `--output-path=${file}`, `--only-categories=${categories.join(',')}`],
          '--chrome-flags=--headless --no-sandbox --disable-gpu',
        ],
        { env: { ...process.env, CHROME_PATH: executable }, encoding: 'utf8' },
      );
      if (status !== 0) throw new Error(`Lighthouse has failed: ${stderr}`);
      return JSON.parse(readFileSync(file, 'utf8')) as LighthouseReport;
    });
    const scores = categories.map((each) => median(reports.map((report) => report.categories[each]!.score * 100)));
    const [paint, blocked] = ['largest-contentful-paint', 'total-blocking-time'].map((each) =>
      median(reports.map((report) => report.audits[each]!.numericValue!)),
    );
    console.log(
      `| ${path.replace(scene.shop.code, 'CODE')} | ${scores.map(shown).join(' | ')} | ${shown(paint!)} | ${shown(blocked!)} |`,
    );
    const lost = Object.values(reports[0]!.audits).filter(
      ({ score, scoreDisplayMode }) => score === 0 && scoreDisplayMode === 'binary',
    );
    for (const { id, title } of lost) console.log(`\nnot met on ${path}: ${id} (${title})`);
  }
  rmSync(folder, { recursive: true });
}

interface LighthouseReport {
  categories: Record<string, { score: number }>;
  audits: Record<
    string,
    { id: string; title: string; score: number | null; scoreDisplayMode: string; numericValue?: number }
  >;
}

/** From the start of a navigation to readable text, with everything in the caches and the processor slowed down. */
async function warm(scene: Scene): Promise<void> {
  const giulia = await scene.person('Giulia');
  await scene.write(giulia, 300);
  const context = await scene.signedIn('app', giulia.username);
  const page = await context.newPage();
  await page.goto('/app');
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  const places = {
    list: { path: '/app', text: '299 pane' },
    conversation: { path: `/app/c/${giulia.conversationId}`, text: 'pane e burro' },
  };
  const session = await context.newCDPSession(page);
  console.log('| page | slowed | median ms | min–max |\n| --- | --- | --- | --- |');
  for (const slowed of [1, 4]) {
    await session.send('Emulation.setCPUThrottlingRate', { rate: slowed });
    for (const [name, { path, text }] of Object.entries(places)) {
      const times: number[] = [];
      for (let round = 0; round < 11; round++) {
        await page.goto('about:blank');
        await page.goto(path, { waitUntil: 'commit' });
        times.push(await page.evaluate(readableAt, text));
      }
      // The first start fills what the device keeps.
      console.log(`| ${name} | ${slowed} × | ${shown(median(times.slice(1)))} | ${range(times.slice(1))} |`);
    }
  }
  await context.close();
}

/** Milliseconds from the start of the navigation until the text stands on the page. */
function readableAt(text: string): Promise<number> {
  return new Promise((resolve) => {
    const look = () => {
      if (!document.body?.innerText.includes(text)) return requestAnimationFrame(look);
      return resolve(performance.now());
    };
    look();
  });
}

/** A thread of 20,000 messages that is scrolled through, beside one of 50. */
async function thread(scene: Scene): Promise<void> {
  console.log(
    '| messages | frames | moved wrongly | most in the page | slowest task ms | slow tasks |\n| --- | --- | --- | --- | --- | --- |',
  );
  for (const [name, count, frames] of [
    ['Carla', 50, 100],
    ['Bruno', 20_000, 2_000],
  ] as const) {
    const person = await scene.person(name);
    await scene.write(person, count);
    const context = await scene.signedIn('dashboard', scene.shop.username);
    const page = await context.newPage();
    await page.goto(`/conversations/${person.conversationId}?m=${count}`);
    await page.locator(`[data-seq="${count}"]`).waitFor();
    const { wrong, most, tasks } = await scrollThrough(page, frames);
    console.log(
      `| ${count.toLocaleString('en')} | ${frames} | ${wrong} | ${most} | ${shown(Math.max(0, ...tasks))} | ${tasks.length} |`,
    );
    await context.close();
  }
}

function scrollThrough(page: Page, frames: number): Promise<{ wrong: number; most: number; tasks: number[] }> {
  return page.getByRole('region', { name: /^Messaggi con / }).evaluate(async (box, count) => {
    const tasks: number[] = [];
    const observer = new PerformanceObserver((list) =>
      tasks.push(...list.getEntries().map(({ duration }) => duration)),
    );
    observer.observe({ type: 'longtask' });
    let wrong = 0;
    let most = 0;
    for (let frame = 0; frame < count; frame++) {
      const top = box.getBoundingClientRect().top;
      const rows = [...box.querySelectorAll<HTMLElement>('[data-seq]')];
      const seen = rows.find((each) => each.getBoundingClientRect().bottom > top + 150);
      if (!seen) break;
      const before = { place: seen.getBoundingClientRect().top, scrolled: box.scrollTop };
      box.scrollTop -= 90;
      const moved = box.scrollTop - before.scrolled;
      await new Promise<void>((done) => requestAnimationFrame(() => setTimeout(done)));
      const now = box.querySelector(`[data-key="${CSS.escape(seen.dataset['key']!)}"]`)?.getBoundingClientRect().top;
      if (now === undefined || Math.abs(now - before.place + moved) > 1) wrong++;
      most = Math.max(most, rows.length);
    }
    observer.disconnect();
    return { wrong, most, tasks };
  }, frames);
}

/** From Enter on one screen to the text on the other, beside the service alone and a bare Socket.IO. */
async function enter(scene: Scene): Promise<void> {
  const rounds = 100;
  const anna = await scene.person('Anna');
  const [shop, app] = await Promise.all([
    scene.signedIn('dashboard', scene.shop.username),
    scene.signedIn('app', anna.username),
  ]);
  const [writing, reading] = await Promise.all([shop.newPage(), app.newPage()]);
  await writing.goto(`/conversations/${anna.conversationId}`);
  await reading.goto(`/app/c/${anna.conversationId}`);
  const field = writing.getByRole('textbox', { name: /^Scrivi a / });
  await field.waitFor();
  await reading.getByRole('textbox', { name: /^Scrivi a / }).waitFor();
  await writing.evaluate(() => {
    addEventListener(
      'keydown',
      ({ key, timeStamp }) => {
        if (key === 'Enter') (globalThis as { pressed?: number }).pressed = performance.timeOrigin + timeStamp;
      },
      true,
    );
  });
  const screens: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const text = `numero ${round} fine`;
    const shownAt = reading.evaluate(
      (wanted) =>
        new Promise<number>((resolve) => {
          const look = () => {
            if (!document.body.innerText.includes(wanted)) return false;
            requestAnimationFrame(() => resolve(performance.timeOrigin + performance.now()));
            return true;
          };
          const observer = new MutationObserver(() => look() && observer.disconnect());
          observer.observe(document.body, { subtree: true, childList: true, characterData: true });
        }),
      text,
    );
    await field.fill(text);
    await field.press('Enter');
    const pressed = await writing.evaluate(() => (globalThis as { pressed?: number }).pressed!);
    screens.push((await shownAt) - pressed);
  }
  await Promise.all([shop.close(), app.close()]);
  const [alone, bare] = [await betweenDevices(scene, anna, rounds), await bareRoundTrips(rounds)];
  console.log('| from, to | median ms | p99 ms | of the bare round trip |\n| --- | --- | --- | --- |');
  for (const [name, times] of [
    ['Enter to the text on the other screen', screens],
    ['sent to heard, of two devices without a screen', alone],
    ['bare Socket.IO: sent to answered', bare],
  ] as const) {
    const p99 = [...times].sort((a, b) => a - b)[Math.ceil(times.length * 0.99) - 1]!;
    console.log(`| ${name} | ${shown(median(times))} | ${shown(p99)} | ${shown(median(times) / median(bare))} |`);
  }
}

async function betweenDevices(scene: Scene, person: Person, rounds: number): Promise<number[]> {
  const [from, to] = await Promise.all([connect(scene.url, scene.shop.token), connect(scene.url, person.token)]);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const heard = new Promise<void>((resolve) => to.once('message.sent', () => resolve()));
    const message = { conversationId: person.conversationId, clientId: `d${round}`, body: `numero ${round}` };
    const began = performance.now();
    const stored = send(from, message);
    await heard;
    times.push(performance.now() - began);
    await stored;
  }
  from.disconnect();
  to.disconnect();
  return times;
}

async function bareRoundTrips(rounds: number): Promise<number[]> {
  const server = await ServerProcess.bareSocketIo();
  const socket = await connect(server.url, 'bare');
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    await socket.emitWithAck('echo', { body: `numero ${round}` });
    times.push(performance.now() - began);
  }
  socket.disconnect();
  await server.stop();
  return times;
}

async function connect(url: string, token: string): Promise<Socket> {
  const socket = io(url, { auth: { token }, transports: ['websocket'], reconnection: false, forceNew: true });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject));
  return socket;
}

/** @throws Error when the service refuses the message. */
async function send(socket: Socket, message: object): Promise<void> {
  const answer = (await socket.emitWithAck('message.send', message)) as { error?: { detail: string } };
  if (answer.error) throw new Error(answer.error.detail);
}

interface Request {
  token?: string;
  body?: unknown;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a bench reads any field of any answer
async function ask(url: string, method: string, path: string, { token, body }: Request = {}): Promise<any> {
  const answer = await fetch(url + path, {
    method,
    // While Lighthouse runs, this process closes no connection that the service has given up.
    headers: {
      'content-type': 'application/json',
      connection: 'close',
      ...(token && { authorization: `Bearer ${token}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

await main();
