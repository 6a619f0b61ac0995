import { blankBusiness, type BusinessValues } from '../business.js';

/** Draft of a registration without its password: it survives a reload of the tab, and ends with it. */
export interface RegisterDraft extends BusinessValues {
  username: string;
  registrationCode: string;
  byTaxCode: boolean;
}

const key = 'colloquio-register';

export function keptDraft(): RegisterDraft {
  const blank = { ...blankBusiness(), username: '', registrationCode: '', byTaxCode: false };
  try {
    const kept = JSON.parse(sessionStorage.getItem(key) ?? '{}') as Partial<Record<string, unknown>>;
    const known = Object.entries(blank).map(([name, value]) => [
      name,
      typeof kept[name] === typeof value ? kept[name] : value,
    ]);
    return Object.fromEntries(known) as RegisterDraft;
  } catch {
    return blank;
  }
}

export function keepDraft(draft: RegisterDraft): void {
  try {
    sessionStorage.setItem(key, JSON.stringify(draft));
  } catch {
    // It lasts as long as this page.
  }
}

export function forgetDraft(): void {
  try {
    sessionStorage.removeItem(key);
  } catch {
    // There is nothing to forget.
  }
}
