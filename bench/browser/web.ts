import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Page } from 'playwright-core';
import { unpackedChromium } from '../../test/support/chromium.js';
import { median, range, shown } from '../delivery/measures.js';
import { ServerProcess } from '../delivery/server-process.js';
import { large } from './large.js';
import { connect, onScene, type Person, type Scene, send } from './scene.js';

/**
 * Costs of the web apps in a real browser: `npm run bench:web`, or some of its parts by name.
 * Lighthouse is too large for a dependency; npx fetches the version below when its part runs.
 */

const lighthouseVersion = '13.5.0';
async function main(): Promise<void> {
  const [cpu] = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  console.log(`Node ${process.version}, ${cpus().length} × ${cpu!.model.trim()}, ${gigabytes} GB\n`);
  const parts = { lighthouse, warm, thread, enter };
  const named = process.argv.slice(2);
  const unknown = named.filter((name) => !(name in parts || name === 'large'));
  if (unknown.length > 0)
    throw new Error(`There is no part ${unknown.join(', ')}: ${Object.keys(parts).join(', ')}, large.`);
  const wanted = Object.entries(parts).filter(([name]) => named.length === 0 || named.includes(name));
  if (wanted.length > 0) {
    await onScene(async (scene) => {
      for (const [name, part] of wanted) {
        console.log(`## ${name}\n`);
        await part(scene);
        console.log();
      }
    });
  }
  if (named.length === 0 || named.includes('large')) await large();
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

await main();
