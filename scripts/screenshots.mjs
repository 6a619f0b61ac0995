// Makes pictures of the screens of both web apps with the demo's data: npm run screenshots [-- --only thread --beside DIR]
//
//   --only TEXTS    only screens whose names hold one of these, such as archive,app-search
//   --out DIR       instead of ./screenshots
//   --beside DIR    pictures of the design, by the same names, are shown beside them on the overview
//   --devices LIST  desktop, phone, small (320 pixels), instead of desktop,phone on which the app is shown on a phone alone
//   --height SIZE   of the window in pixels, to see all of a screen that scrolls
//   --letters SIZE  size of letters in the settings of the browser, such as 200%
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { launchChromium } from '../test/support/chromium.ts';
import { asIfPermitted } from './notifications.mjs';
import { deviceOf, languages, listen, settled, violationsOn } from './pictures.mjs';
import { stages } from './policy-stages.mjs';
import { screens } from './screens.mjs';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    out: { type: 'string', default: join(root, 'screenshots') },
    beside: { type: 'string' },
    devices: { type: 'string' },
    height: { type: 'string' },
    letters: { type: 'string' },
  },
});
const only = values.only.split(',');
const out = resolve(values.out);
mkdirSync(out, { recursive: true });

const demo = fork(join(root, 'demo/play.mjs'), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
const [scene] = await Promise.race([
  once(demo, 'message'),
  once(demo, 'exit').then(() => {
    throw new Error('The demo has ended before it was ready.');
  }),
]);
const browser = await launchChromium(lettersAsSet());
const made = [];
const faults = [];
try {
  const order = [undefined, ...Object.keys(stages)];
  const last = Math.max(...screens.filter((screen) => isWanted(screen)).map(({ stage }) => order.indexOf(stage)));
  for (const stage of order.slice(0, last + 1)) {
    if (stage) await stages[stage](scene);
    for (const variant of variants()) {
      const shown = screens.filter((screen) => screen.stage === stage && isWanted(screen, [variant]));
      if (shown.length === 0) continue;
      const context = await signedIn(variant);
      for (const screen of shown) await take(context, screen, nameOf(screen, variant), variant);
      await context.close();
    }
  }
} finally {
  await browser.close();
  if (demo.connected) {
    demo.disconnect();
    await once(demo, 'exit');
  }
}
writeFileSync(join(out, 'index.html'), overview());
console.log(`${made.length} pictures in ${out}`);
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;

function variants() {
  return (values.devices ?? 'desktop,phone')
    .split(',')
    .flatMap((device) =>
      Object.keys(languages).flatMap((language) => ['light', 'dark'].map((theme) => ({ device, language, theme }))),
    );
}

function nameOf(screen, { device, language, theme }) {
  return `${screen.name}-${device}-${language}-${theme}`;
}

function isWanted(screen, of = variants()) {
  return of.some((variant) => {
    const isFor = !screen.devices || values.devices !== undefined || screen.devices.includes(variant.device);
    return isFor && only.some((each) => nameOf(screen, variant).includes(each));
  });
}

/** A device of the shop in the dashboard and of one of its customers in the app, or of those a screen is for. */
async function signedIn(variant, { dashboard = scene.shop, app = personOf('Giulia') } = {}) {
  const context = await stranger(variant);
  await signIn(context, variant.language, { dashboard, app });
  return context;
}

function personOf(name) {
  return scene.people.find(({ firstName }) => firstName === name);
}

async function signIn(context, locale, accounts) {
  for (const [app, { username, password }] of Object.entries(accounts)) {
    await context.request.post('/api/sessions', {
      headers: { 'X-Colloquio-App': app, origin: scene.url },
      data: { username, password },
    });
    // The apps speak the language of the account.
    await context.request.patch('/api/me', {
      headers: { 'X-Colloquio-App': app, origin: scene.url },
      data: { locale },
    });
  }
  await context.addInitScript(() => {
    localStorage.setItem('colloquio-dashboard-here', '1');
    localStorage.setItem('colloquio-app-here', '1');
  });
}

async function take(context, screen, name, variant) {
  // Strangers see some screens; others are seen by who is signed in.
  const used = screen.stranger
    ? await stranger(variant)
    : screen.as
      ? await signedIn(variant, screen.as(scene))
      : context;
  const page = await used.newPage();
  if (screen.notifications) await asIfPermitted(page, screen.notifications);
  if (screen.media) await page.emulateMedia({ media: screen.media });
  listen(page, (fault) => faults.push(`${name}: ${fault}`));
  try {
    const path = typeof screen.path === 'function' ? await screen.path(scene, context) : screen.path;
    await screen.before?.(page, { scene, context: used });
    await page.goto(scene.url + path);
    await screen.ready?.(page, { ...variant, scene });
    await settled(page);
    const file = `${name}.png`;
    await page.screenshot({ path: join(out, file), fullPage: Boolean(screen.whole) });
    for (const violation of await violationsOn(page)) faults.push(`${name}: ${violation}`);
    made.push({ name, file, look: lookOf(screen, variant) });
  } catch (error) {
    faults.push(`${name}: ${error.message.split('\n')[0]}`);
  } finally {
    await page.close();
    if (used !== context) await used.close();
  }
}

async function stranger(variant) {
  const device = deviceOf(variant);
  if (values.height) device.viewport = { ...device.viewport, height: Number(values.height) };
  return browser.newContext({ ...device, baseURL: scene.url });
}

/** Sets the size of letters as the settings of the browser do: media queries in `em` follow it as well. */
function lettersAsSet() {
  return values.letters ? [`--blink-settings=defaultFontSize=${(16 * parseInt(values.letters)) / 100}`] : [];
}

/** The picture of the design for a screen, if there is one. */
function lookOf({ look }, { device, theme }) {
  if (!values.beside || !look) return undefined;
  const endings = [
    ...(device === 'phone' ? [`-phone${theme === 'dark' ? '-dark' : ''}`, '-phone'] : []),
    ...(theme === 'dark' ? ['-dark'] : []),
    '',
  ];
  const found = endings.map((ending) => `${look}${ending}.png`).find((name) => existsSync(join(values.beside, name)));
  if (found) copyFileSync(join(values.beside, found), join(out, `look-${found}`));
  return found && `look-${found}`;
}

function overview() {
  const picture = (file) => `<a href="${file}"><img loading="lazy" src="${file}" alt=""></a>`;
  const rows = made.map(
    ({ name, file, look }) =>
      `<section><h2>${name}</h2><div>${picture(file)}${look ? picture(look) : ''}</div></section>`,
  );
  return `<!doctype html><meta charset="utf-8"><title>Screens</title>
<style>body{font:14px system-ui;margin:24px}div{display:flex;gap:16px;align-items:flex-start}img{max-width:640px;max-height:560px;border:1px solid #ccc}</style>
${rows.join('\n')}
`;
}
