// Parts that the scripts share which make pictures of the web apps.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const devices = {
  desktop: { viewport: { width: 1440, height: 900 } },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  small: { viewport: { width: 320, height: 640 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};
export const languages = { it: 'it-IT', en: 'en-GB' };

/** Settings of a context: somebody's device. */
export function deviceOf({ device, language, theme }) {
  return {
    ...devices[device],
    locale: languages[language],
    timezoneId: 'Europe/Rome',
    colorScheme: theme,
    reducedMotion: 'reduce',
  };
}

/** The browser's own complaints about requests that fail, as they do without a network. */
const isOfNetwork = /^(Failed to load|An unknown error occurred when fetching the script)/;

/** Tells of exceptions and of complaints of the page's console. */
export function listen(page, tell) {
  page.on('pageerror', (error) => tell(error.message));
  page.on('console', (message) => {
    const text = message.text();
    if (message.type() === 'error' && !isOfNetwork.test(text)) tell(text);
  });
}

/** Waits until all is drawn that was asked for. */
export async function settled(page) {
  await page.evaluate('document.fonts.ready');
  await page.waitForLoadState('networkidle');
}

/** Violations that axe finds on a page, a line for each. */
export async function violationsOn(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate('axe.run()');
  return violations.map(({ id, nodes }) => {
    const places = nodes
      .slice(0, 3)
      .map(({ target, failureSummary }) => `${target.join(' ')} (${failureSummary.split('\n')[1]?.trim()})`);
    return `${id}: ${places.join('; ')}`;
  });
}
