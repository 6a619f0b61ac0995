import type { Account } from './account.entity.js';

type Kind = Account['kind'];

/** Pages to which mails lead: in the dashboard for members, in the app for interlocutors. A page with an id ends in `/`. */
const pages = {
  home: { member: '/', interlocutor: '/app/' },
  signIn: { member: '/sign-in', interlocutor: '/app/sign-in' },
  verify: { member: '/verify/', interlocutor: '/app/verify/' },
  reset: { member: '/reset/', interlocutor: '/app/reset/' },
  askReset: { member: '/reset', interlocutor: '/app/reset' },
  conversation: { member: '/conversations/', interlocutor: '/app/c/' },
  request: { member: '/requests/', interlocutor: '/app/privacy/requests' },
  export: { member: '/exports/', interlocutor: '/app/privacy/exports' },
  leave: { member: '/settings/leave', interlocutor: '/app/privacy' },
  stopMails: { member: '/mail-stop/', interlocutor: '/app/mail-stop/' },
  agreed: { member: '/settings/agreed', interlocutor: '/app/privacy/agreed' },
  closing: { member: '/settings/closing', interlocutor: '/app/' },
} as const satisfies Record<string, Record<Kind, string>>;

export type Page = keyof typeof pages;

/**
 * The path of a page in the web app for a kind of account.
 * @param id the token or id that the page is about; left out where the page shows all of its kind
 */
export function pathOf(kind: Kind, page: Page, id = ''): string {
  const path = pages[page][kind];
  return path.endsWith('/') ? `${path}${id}` : path;
}
