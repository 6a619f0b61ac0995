import type { Locale } from '../../src/contract/common.js';

export type { Locale };
export const locales = ['it', 'en'] as const satisfies readonly Locale[];

const key = 'colloquio-locale';
const isLocale = (value: unknown): value is Locale => locales.includes(value as Locale);

/** The language of this page: the one that was chosen here, else the browser's first that there is, else English. */
export const locale: Locale = chosen() ?? preferred();

function chosen(): Locale | undefined {
  try {
    const value = localStorage.getItem(key);
    return isLocale(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function preferred(): Locale {
  return navigator.languages.map((language) => language.slice(0, 2).toLowerCase()).find(isLocale) ?? 'en';
}

/** Chooses another language: kept on this device, and shown after loading the page again. */
export function chooseLocale(other: Locale): void {
  keepLocale(other);
  if (other !== locale) location.reload();
}

/** Keeps the language of the account, for the next time the page is opened. */
export function keepLocale(other: Locale): void {
  try {
    localStorage.setItem(key, other);
  } catch {
    // The browser keeps nothing; the account knows its language.
  }
}
