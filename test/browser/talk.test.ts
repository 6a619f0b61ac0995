import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { movie } from '../hostile-files/containers.js';
import { TestBrowser, type TestContext } from '../support/browser.js';
import { people, type Person, type Shop, unique, until, World } from '../support/world.js';

/** Conversations as both apps show them: the thread, messages and the composer. */

const addresses = {
  dashboard: (id: string, seq?: number) => `/conversations/${id}${seq === undefined ? '' : `?m=${seq}`}`,
  app: (id: string) => `/app/c/${id}`,
};

let world: World;
let browser: TestBrowser;
let bakery: Shop;
let anna: Person;
let id: string;

beforeAll(async () => {
  world = await World.shared();
  browser = await TestBrowser.start(world);
  bakery = await world.shop('bakery');
  await bakery.owner.connect();
});
beforeEach(async () => {
  anna = await world.join(bakery, 'anna');
  await anna.device.connect();
  id = anna.contactId;
});
afterEach(() => browser.closeContexts());
afterAll(async () => {
  await browser.close();
  await world.close();
});

/** The conversation with Anna, as the bakery has it on its screen. */
async function atTheBakery(seq?: number): Promise<{ page: Page; device: TestContext }> {
  const device = await browser.open();
  await device.signIn('dashboard', bakery.username);
  return { device, page: await device.page(addresses.dashboard(id, seq)) };
}

/** The conversation with the bakery, on Anna's phone. */
async function atAnnas(): Promise<{ page: Page; device: TestContext }> {
  const device = await browser.open({ device: 'phone' });
  await device.signIn('app', anna.username);
  return { device, page: await device.page(addresses.app(id)) };
}

/** So many messages of Anna, of different lengths. */
async function annaWrites(count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 50) {
    const batch = Array.from({ length: Math.min(50, count - sent) }, (_, index) => sent + index);
    await Promise.all(
      batch.map((each) => anna.device.say(id, `${each} ${'pane e burro '.repeat(1 + ((each * 7) % 30))}`)),
    );
  }
}

const field = (page: Page) => page.getByRole('textbox', { name: /^Scrivi a / });
const thread = (page: Page) => page.getByRole('region', { name: /^Messaggi con / });
const row = (page: Page, seq: number) => page.locator(`[data-seq="${seq}"]`);
const toEnd = (page: Page) => page.getByRole('button', { name: /Vai agli ultimi messaggi|messaggi(o nuovo| nuovi)/ });
const distanceToEnd = (page: Page) =>
  thread(page).evaluate((box) => Math.round(box.scrollHeight - box.clientHeight - box.scrollTop));

/** Scrolls by so many pixels in each of so many frames. Gives the rows that were not where they should be, and most messages. */
const scroll = (page: Page, step: number, frames: number) =>
  thread(page).evaluate(
    async (box, [by, count]) => {
      const wrong: unknown[] = [];
      let most = 0;
      for (let frame = 0; frame < count!; frame++) {
        const edge = box.getBoundingClientRect();
        const seen = [...box.querySelectorAll<HTMLElement>('[data-seq]')].find(
          (each) => each.getBoundingClientRect().bottom > edge.top + 150,
        )!;
        const { key, seq } = seen.dataset;
        const { top } = seen.getBoundingClientRect();
        const before = box.scrollTop;
        box.scrollTop += by!;
        const moved = box.scrollTop - before;
        await new Promise<void>((done) => requestAnimationFrame(() => setTimeout(done)));
        const there = box.querySelector(`[data-key="${CSS.escape(key!)}"]`)?.getBoundingClientRect().top;
        if (there === undefined || Math.abs(there - top + moved) > 1) wrong.push({ frame, seq, top, there, moved });
        most = Math.max(most, box.querySelectorAll('[data-seq]').length);
      }
      return { wrong, most };
    },
    [step, frames],
  );

test('a long conversation scrolls without a jump, and renders few of its messages at once', async () => {
  await annaWrites(500);
  const { page } = await atTheBakery(500);
  await row(page, 500).waitFor();
  const up = await scroll(page, -150, 200);
  expect(up).toEqual({ wrong: [], most: expect.any(Number) });
  expect(up.most).toBeLessThanOrEqual(200);
  expect(await row(page, 500).count()).toBe(0);
  expect((await scroll(page, 150, 60)).wrong).toEqual([]);

  // The width changes: what is read stays.
  const first = () =>
    thread(page).evaluate((box) => {
      const { top } = box.getBoundingClientRect();
      const rows = [...box.querySelectorAll<HTMLElement>('[data-seq]')];
      return rows.find((each) => each.getBoundingClientRect().bottom > top)!.dataset.seq;
    });
  const before = await first();
  await page.setViewportSize({ width: 700, height: 700 });
  await until(async () => (await thread(page).evaluate((box) => box.clientWidth)) <= 700, 'it is narrower');
  expect(await first()).toBe(before);

  await toEnd(page).click();
  await row(page, 500).waitFor();
  await until(async () => (await distanceToEnd(page)) === 0, 'it is at its end');
});

test('the address of a message leads to it, and the thread continues both ways', async () => {
  await annaWrites(200);
  const { page } = await atTheBakery(60);
  // It is marked for a moment only.
  await page.locator('[data-seq="60"].hit').waitFor();
  const place = await row(page, 60).boundingBox();
  expect(place!.y).toBeGreaterThan(100);
  expect(place!.y).toBeLessThan(800);
  expect((await scroll(page, 200, 40)).wrong).toEqual([]);
  expect((await scroll(page, -200, 70)).wrong).toEqual([]);
  await until(
    async () => (await scroll(page, -400, 5), (await row(page, 1).count()) > 0),
    'it shows the first message',
  );
});

test('a new message moves nothing while the person reads, and is shown at the end', async () => {
  await annaWrites(40);
  await bakery.owner.ask('PUT', `/api/conversations/${id}/receipt`, { deliveredSeq: 40, seenSeq: 40 });
  const { page } = await atTheBakery();
  await row(page, 40).waitFor();
  await until(async () => (await distanceToEnd(page)) === 0, 'it opens at the end');
  await anna.device.say(id, 'Ci siete?');
  await row(page, 41).waitFor();
  await until(async () => (await distanceToEnd(page)) === 0, 'it follows the end');

  await thread(page).evaluate((box) => (box.scrollTop -= 600));
  await toEnd(page).waitFor();
  const top = await thread(page).evaluate((box) => box.scrollTop);
  await anna.device.say(id, 'Pronto?');
  await row(page, 42).waitFor({ state: 'attached' });
  await page.getByRole('button', { name: /^[12] messagg/ }).waitFor();
  expect(await thread(page).evaluate((box) => box.scrollTop)).toBe(top);
  // Writing leads back to the end.
  await field(page).fill('Eccoci');
  await field(page).press('Enter');
  await row(page, 43).waitFor();
  await until(async () => (await distanceToEnd(page)) === 0, 'it is at its end again');
});

test('a conversation opens at the first message that is new', async () => {
  await annaWrites(100);
  await bakery.owner.ask('PUT', `/api/conversations/${id}/receipt`, { deliveredSeq: 50, seenSeq: 50 });
  const { page } = await atTheBakery();
  await page.getByText('50 messaggi nuovi').first().waitFor();
  await row(page, 51).waitFor();
  const [line, box] = await Promise.all([page.locator('[data-key=unread]').boundingBox(), thread(page).boundingBox()]);
  expect(line!.y - box!.y).toBeGreaterThan(0);
  expect(line!.y - box!.y).toBeLessThan(150);
});

test('a message counts as seen once it was on the screen of an attentive person', async () => {
  await bakery.owner.say(id, 'Il pane è pronto');
  const device = await browser.open({ device: 'phone' });
  await device.signIn('app', anna.username);
  await device.context.addInitScript(() => {
    document.hasFocus = () => 'looks' in window;
  });
  await device.context.clock.install();
  const page = await device.page(addresses.app(id));
  await row(page, 1).waitFor();
  await bakery.owner.hears(
    'receipt.changed',
    ({ conversationId, deliveredSeq }) => conversationId === id && deliveredSeq === 1,
  );
  await device.context.clock.fastForward(10_000);
  // Nobody looks: the next receipt says that a message has come, and nothing more.
  await bakery.owner.say(id, 'E le focacce');
  await row(page, 2).waitFor();
  await device.context.clock.fastForward(10_000);
  await bakery.owner.hears(
    'receipt.changed',
    ({ conversationId, deliveredSeq }) => conversationId === id && deliveredSeq === 2,
  );
  const seen = (receipt: { conversationId: string; seenSeq: number }) =>
    receipt.conversationId === id && receipt.seenSeq > 0;
  expect(bakery.owner.heard.some(({ event, payload }) => event === 'receipt.changed' && seen(payload as never))).toBe(
    false,
  );

  await page.evaluate(() => {
    Object.assign(window, { looks: true });
    dispatchEvent(new FocusEvent('focus'));
  });
  await device.context.clock.fastForward(10_000);
  await bakery.owner.hears('receipt.changed', seen);
});

test('a draft stays with its conversation, in another tab and after a reload', async () => {
  const bruno = await world.join(bakery, 'bruno');
  const { page, device } = await atTheBakery();
  await field(page).fill('Buongiorno Anna, le tenian');
  const other = await device.page(addresses.dashboard(id));
  await until(async () => (await field(other).inputValue()) === 'Buongiorno Anna, le tenian', 'another tab has it');
  await page.goto(world.url + addresses.dashboard(bruno.contactId));
  await field(page).waitFor();
  expect(await field(page).inputValue()).toBe('');
  // A field that somebody is in keeps what stands in it.
  await field(other).focus();
  await page.goto(world.url + addresses.dashboard(id));
  await until(async () => (await field(page).inputValue()) === 'Buongiorno Anna, le tenian', 'the draft is back');
  await field(page).press('End');
  await field(page).pressSequentially('o il pane');
  expect(await field(other).inputValue()).toBe('Buongiorno Anna, le tenian');
  await field(other).blur();
  await until(async () => (await field(other).inputValue()) === 'Buongiorno Anna, le teniano il pane', 'it is kept');
  await page.reload();
  await until(async () => (await field(page).inputValue()) === 'Buongiorno Anna, le teniano il pane', 'it is back');
});

test('Enter sends, Shift+Enter breaks the line, and during a composition Enter does neither', async () => {
  const { page } = await atTheBakery();
  await field(page).fill('Ciao');
  await field(page).evaluate((element) => {
    const enter = { key: 'Enter', bubbles: true, cancelable: true };
    element.dispatchEvent(new KeyboardEvent('keydown', { ...enter, isComposing: true }));
    element.dispatchEvent(new KeyboardEvent('keydown', { ...enter, keyCode: 229 }));
  });
  await field(page).press('Shift+Enter');
  await field(page).pressSequentially('a domani');
  expect(await field(page).inputValue()).toBe('Ciao\na domani');
  await field(page).press('Enter');
  const { body } = await anna.device.hears('message.sent', ({ conversationId }) => conversationId === id);
  expect(body).toBe('Ciao\na domani');
  expect(await field(page).inputValue()).toBe('');
});

const picture = async () => ({
  name: 'torta.png',
  mimeType: 'image/png',
  buffer: await readFile(new URL('../../web/public/icons/app-512.png', import.meta.url)),
});
const attach = (page: Page, files: Parameters<ReturnType<Page['locator']>['setInputFiles']>[0]) =>
  page.locator('input[type=file]:not([accept])').setInputFiles(files);

test('an upload is cancelled, another is sent, and its picture is viewed', async () => {
  const { page } = await atTheBakery();
  await field(page).waitFor();
  // Its request gets no answer.
  await page.route('**/api/attachments', () => undefined);
  await attach(page, { name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('farina') });
  await page.getByRole('button', { name: 'Annulla il caricamento di note.txt' }).click();
  await until(async () => (await page.getByText('note.txt').count()) === 0, 'the card is gone');
  await page.unroute('**/api/attachments');

  await attach(page, await picture());
  await page.getByRole('button', { name: 'Togli torta.png' }).waitFor();
  await page.getByRole('button', { name: 'Invia' }).click();
  const { attachments } = await anna.device.hears('message.sent', ({ conversationId }) => conversationId === id);
  expect(attachments).toMatchObject([{ name: 'torta.png', family: 'image', width: 512 }]);

  await page.getByRole('button', { name: 'Immagine: torta.png' }).click();
  const viewer = page.getByRole('dialog', { name: 'Immagini' });
  await viewer.waitFor();
  await page.keyboard.press('+');
  await page.keyboard.press('Escape');
  await viewer.waitFor({ state: 'detached' });
});

test('an interrupted upload of a large file resumes where it was', async () => {
  const { page } = await atTheBakery();
  await field(page).waitFor();
  // The second piece is refused once.
  await page.evaluate(() => {
    const asked: string[] = [];
    Object.assign(globalThis, { asked });
    const open = Reflect.get(XMLHttpRequest.prototype, 'open') as (...asked: unknown[]) => void;
    XMLHttpRequest.prototype.open = function (this: XMLHttpRequest, method: string, url: string, ...rest: unknown[]) {
      if (!url.includes('/api/attachments/uploads')) return open.call(this, method, url, ...rest);
      asked.push(method);
      const isSecond = method === 'PATCH' && asked.filter((each) => each === 'PATCH').length === 2;
      return open.call(this, method, isSecond ? '/api/nothing' : url, ...rest);
    };
  });
  await page.locator('input[type=file]:not([accept])').evaluate((input: HTMLInputElement) => {
    const chosen = new DataTransfer();
    chosen.items.add(new File([new Uint8Array(9_000_000)], 'listino.bin'));
    input.files = chosen.files;
    input.dispatchEvent(new Event('change', { bubbles: true }));
  });
  await page.getByRole('button', { name: /^Riprova/ }).click();
  await page.getByRole('button', { name: 'Togli listino.bin' }).waitFor();
  const asked = await page.evaluate(() => (globalThis as unknown as { asked: string[] }).asked);
  expect(asked).toEqual(['POST', 'PATCH', 'PATCH', 'HEAD', 'PATCH', 'PATCH']);
  await page.getByRole('button', { name: 'Invia' }).click();
  const { attachments } = await anna.device.hears('message.sent', ({ conversationId }) => conversationId === id);
  expect(attachments).toMatchObject([{ name: 'listino.bin', size: 9_000_000 }]);
});

test('a text and a file that are sent without a network arrive once it is back', async () => {
  const { page, device } = await atAnnas();
  await field(page).waitFor();
  await device.offline(true);
  await attach(page, { name: 'lista.txt', mimeType: 'text/plain', buffer: Buffer.from('pane, latte') });
  await page.getByText('In attesa della rete').first().waitFor();
  await field(page).fill('Ecco la lista');
  await page.getByRole('button', { name: 'Invia' }).click();
  await page.getByText('Parte da solo appena torna la rete').waitFor();
  await device.offline(false);
  const sent = await bakery.owner.hears('message.sent', ({ conversationId }) => conversationId === id);
  expect(sent).toMatchObject({ body: 'Ecco la lista', attachments: [{ name: 'lista.txt' }] });
  await row(page, 1).waitFor();
  expect(await thread(page).getByText('Ecco la lista', { exact: true }).count()).toBe(1);
});

test('a video that the browser cannot play can be saved, on both screens', async () => {
  const { page } = await atAnnas();
  const buffer = movie({ tracks: [{ kind: 'vide' }], duration: 2_000 });
  await attach(page, { name: 'torta.mp4', mimeType: 'video/mp4', buffer });
  await page.getByRole('button', { name: /^Togli torta/ }).waitFor();
  await page.getByRole('button', { name: 'Invia' }).click();
  const { attachments } = await bakery.owner.hears('message.sent', ({ conversationId }) => conversationId === id);
  expect(attachments).toMatchObject([{ family: 'video', inline: true }]);
  for (const screen of [page, (await atTheBakery()).page]) {
    const link = screen.getByRole('link', { name: /^Salva torta\.mp4/ });
    await link.waitFor();
    expect(await link.getAttribute('download')).toBe('torta.mp4');
  }
});

test('a computer that has slept reconnects as soon as it wakes', async () => {
  const { page } = await atTheBakery();
  const hear = async (body: string) => {
    await anna.device.say(id, body);
    await thread(page).getByText(body, { exact: true }).waitFor();
  };
  await hear('Buonanotte');
  // What is sent finds out by itself that the connection is dead: nothing is about to be.
  await anna.device.hears('receipt.changed', ({ seenSeq }) => seenSeq === 1);
  // The next sign of life of the service, which finds it out as well, comes 25 seconds after the connection.
  const isNew = (url: string) => /[/]socket[.]io[/][?](?!.*\bsid=)/.test(url);
  const anew = page.waitForRequest((request) => isNew(request.url()), { timeout: 15_000 });
  await page.evaluate(() => {
    const { now } = Date;
    Date.now = () => now() + 60 * 60 * 1000;
  });
  await anew;
  await hear('Buongiorno');
});

test('a voice note is recorded, played and sent with its duration and waveform', async () => {
  const { page } = await atAnnas();
  await page.getByRole('button', { name: 'Registra un messaggio vocale' }).click();
  await page.getByRole('timer').filter({ hasText: '0:01' }).waitFor();
  await page.getByRole('button', { name: 'Ferma e ascolta' }).click();
  await page.getByRole('button', { name: /^Togli Messaggio vocale/ }).waitFor();
  await page.getByRole('button', { name: 'Invia' }).click();
  const { attachments } = await bakery.owner.hears('message.sent', ({ conversationId }) => conversationId === id);
  expect(attachments).toMatchObject([{ family: 'audio', inline: true }]);
  expect(attachments[0]!.duration).toBeGreaterThan(0);
  expect(attachments[0]!.waveform!.length).toBeGreaterThan(5);
});

test('one tap in a promotional message ends promotions, and another undoes it', async () => {
  anna = await world.join(bakery, 'anna', { promotions: true });
  await anna.device.connect();
  id = anna.contactId;
  const broadcast = { clientId: unique(), kind: 'promotional', body: 'Panettoni!', audience: { contactIds: [id] } };
  expect((await bakery.owner.ask('POST', '/api/broadcasts', broadcast)).status).toBe(202);
  await anna.device.hears('message.sent', ({ conversationId }) => conversationId === id);
  const { page } = await atAnnas();
  await page.getByRole('button', { name: 'Non voglio più promozioni' }).click();
  const hears = (given: boolean) =>
    bakery.owner.hears('consent.changed', (change) => change.conversationId === id && change.given === given);
  await hears(false);
  await page.getByText('Non ricevi più promozioni').waitFor();
  await page.getByRole('button', { name: 'Annulla' }).click();
  await hears(true);
  await page.getByRole('button', { name: 'Non voglio più promozioni' }).waitFor();
});

test('a link from the other party says where it leads before it is opened', async () => {
  await anna.device.say(id, 'Guardate forno.example.com/torta?x=1');
  const { page } = await atTheBakery();
  const link = thread(page).getByRole('link', { name: 'forno.example.com/torta?x=1' });
  expect(await link.getAttribute('rel')).toContain('noopener noreferrer');
  await link.click();
  await page.getByRole('dialog').getByText('Porta a forno.example.com', { exact: false }).waitFor();
  await page.getByRole('button', { name: 'Annulla' }).click();
});

test('a withdrawn message returns to the composer', async () => {
  const { page } = await atTheBakery();
  await field(page).fill('Chiudiamo alle 12');
  await field(page).press('Enter');
  await row(page, 1).getByRole('button', { name: 'Altro su questo messaggio' }).click();
  await page.getByRole('menuitem', { name: 'Ritira il messaggio' }).click();
  await anna.device.hears('message.withdrawn', ({ conversationId }) => conversationId === id);
  await page.getByText('Hai ritirato un messaggio').waitFor();
  await page.getByRole('button', { name: 'Riscrivi' }).click();
  expect(await field(page).inputValue()).toBe('Chiudiamo alle 12');
});

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

test.each(['light', 'dark'] as const)('a conversation has no fault that axe-core finds (%s)', async (theme) => {
  await anna.device.say(id, `Buongiorno, sono ${people.anna.firstName} 👋 www.example.com`);
  await bakery.owner.say(id, 'Buongiorno!');
  const device = await browser.open({ theme });
  await device.signIn('dashboard', bakery.username);
  const page = await device.page(addresses.dashboard(id));
  await row(page, 2).waitFor();
  // Not through a script element, which the policy of the page refuses.
  await page.evaluate(await readFile(axe, 'utf8'));
  const violations = await page.evaluate(async () => {
    const { axe: tool } = window as unknown as {
      axe: { run: (where: unknown) => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const found = await tool.run({ include: [['.conversation']] });
    return found.violations.map((violation) => [violation.id, violation.nodes.map(({ html }) => html.slice(0, 160))]);
  });
  expect(violations).toEqual([]);
});
