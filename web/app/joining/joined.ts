import type { GivenConsent, PolicyView } from '../../../src/contract/consents.js';
import type { OpenedInvitation } from '../../../src/contract/invitations.js';
import { locale } from '../../words/locale.js';

/** Form of a joining, as it is typed. The password is never kept. */
export interface Typed {
  kind: 'person' | 'company';
  firstName: string;
  surname: string;
  companyName: string;
  companyType: string;
  email: string;
  promotions: boolean;
  /** Names the acceptance, so that a retry makes nothing twice. */
  clientId: string;
  step: 1 | 2 | 3;
}

export const blank = (): Typed => ({
  ...{ kind: 'person', firstName: '', surname: '', companyName: '', companyType: '', email: '' },
  ...{ promotions: false, clientId: crypto.randomUUID(), step: 1 },
});

/** The invitation that the service has put into the page, if it is this one and in the language of this page; given once. */
export function broughtByPage(code: string): OpenedInvitation | undefined {
  const brought = document.getElementById('invitation');
  if (!brought) return undefined;
  brought.remove();
  const isThisOne = brought.dataset['code'] === code && brought.lang === locale;
  return isThisOne ? (JSON.parse(brought.textContent) as OpenedInvitation) : undefined;
}

const keyOf = (code: string) => `colloquio-join-${code}`;

/** Keeps what was typed until this tab is closed. */
export function keep(code: string, typed: Typed): void {
  try {
    sessionStorage.setItem(keyOf(code), JSON.stringify(typed));
  } catch {
    // It lasts as long as this page.
  }
}

export function kept(code: string): Typed | undefined {
  try {
    const value = sessionStorage.getItem(keyOf(code));
    return value === null ? undefined : { ...blank(), ...(JSON.parse(value) as Partial<Typed>) };
  } catch {
    return undefined;
  }
}

export function forget(code: string): void {
  try {
    sessionStorage.removeItem(keyOf(code));
  } catch {
    // Nothing was kept.
  }
}

/** Consents of a joining: the policies are accepted by the act itself, promotions by their box. */
export function consentsOf(policies: readonly PolicyView[], promotions: boolean): GivenConsent[] {
  return policies.flatMap(({ id: policyId, sha256, checkboxes }) =>
    checkboxes
      .filter(({ required, purpose }) => required || (purpose === 'promotions' && promotions))
      .map(({ purpose }) => ({ policyId, purpose, sha256 })),
  );
}
