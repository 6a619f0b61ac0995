// Makes pictures of the screens of both web apps with the demo's data: npm run screenshots [-- --only thread --beside DIR]
//
//   --only TEXT     only screens whose names hold it
//   --out DIR       instead of ./screenshots
//   --beside DIR    pictures of the design, by the same names, are shown beside them on the overview
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { launchChromium } from '../test/support/chromium.ts';
import { screens } from './screens.mjs';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    out: { type: 'string', default: join(root, 'screenshots') },
    beside: { type: 'string' },
  },
});
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const out = resolve(values.out);
mkdirSync(out, { recursive: true });

const devices = {
  desktop: { viewport: { width: 1440, height: 900 } },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};
const languages = { it: 'it-IT', en: 'en-GB' };

const demo = fork(join(root, 'demo/play.mjs'), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
const [scene] = await Promise.race([
  once(demo, 'message'),
  once(demo, 'exit').then(() => {
    throw new Error('The demo has ended before it was ready.');
  }),
]);
const browser = await launchChromium();
const made = [];
const faults = [];
try {
  for (const [device, size] of Object.entries(devices)) {
    for (const [language, locale] of Object.entries(languages)) {
      for (const theme of ['light', 'dark']) {
        const context = await browser.newContext({
          ...size,
          baseURL: scene.url,
          locale,
          timezoneId: 'Europe/Rome',
          colorScheme: theme,
          reducedMotion: 'reduce',
        });
        await signIn(context, language);
        for (const screen of screens) {
          const name = `${screen.name}-${device}-${language}-${theme}`;
          const isFor = (screen.devices ?? Object.keys(devices)).includes(device);
          if (!isFor || !name.includes(values.only)) continue;
          await take(context, screen, name, { device, language, theme });
        }
        await context.close();
      }
    }
  }
} finally {
  await browser.close();
  demo.disconnect();
  await once(demo, 'exit');
}
writeFileSync(join(out, 'index.html'), overview());
console.log(`${made.length} pictures in ${out}`);
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;

/** As the shop in the dashboard, and as one of its customers in the app. */
async function signIn(context, locale) {
  const giulia = scene.people.find(({ firstName }) => firstName === 'Giulia');
  const accounts = { dashboard: scene.shop, app: giulia };
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
  const used = screen.stranger ? await stranger(context, variant) : context;
  const page = await used.newPage();
  page.on('pageerror', (error) => faults.push(`${name}: ${error.message}`));
  page.on('console', (message) => {
    const text = message.text();
    if (message.type() === 'error' && !text.startsWith('Failed to load')) faults.push(`${name}: ${text}`);
  });
  try {
    const path = typeof screen.path === 'function' ? await screen.path(scene, context) : screen.path;
    await page.goto(scene.url + path);
    await screen.ready?.(page, { ...variant, scene });
    await page.evaluate('document.fonts.ready');
    await page.waitForLoadState('networkidle');
    const file = `${name}.png`;
    await page.screenshot({ path: join(out, file), fullPage: Boolean(screen.whole) });
    await page.evaluate(axe);
    const { violations } = await page.evaluate('axe.run()');
    for (const { id, nodes } of violations) {
      const places = nodes
        .slice(0, 3)
        .map(({ target, failureSummary }) => `${target.join(' ')} (${failureSummary.split('\n')[1]?.trim()})`);
      faults.push(`${name}: ${id}: ${places.join('; ')}`);
    }
    made.push({ name, file, look: lookOf(screen, variant) });
  } catch (error) {
    faults.push(`${name}: ${error.message.split('\n')[0]}`);
  } finally {
    await page.close();
    if (used !== context) await used.close();
  }
}

function stranger(context, { device, language, theme }) {
  return context.browser().newContext({
    ...devices[device],
    locale: languages[language],
    colorScheme: theme,
    reducedMotion: 'reduce',
    timezoneId: 'Europe/Rome',
  });
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
