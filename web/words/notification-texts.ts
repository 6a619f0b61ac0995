import type { PushPayload } from '../../src/contract/push.js';

interface NotificationText {
  title: string;
  body: string;
}

/** Texts for pushes in one language; the worker loads no other words. */
interface NotificationTexts {
  message: (count: number, business: string | undefined) => NotificationText;
  test: NotificationText;
  /** For an unreadable push, because every push must show something. */
  other: NotificationText;
}

const it: NotificationTexts = {
  message: (count, business) => ({
    title: (count > 1 ? `${count} nuovi messaggi` : 'Nuovo messaggio') + (business ? ` da ${business}` : ''),
    body: 'Tocca per leggere.',
  }),
  test: { title: 'Le notifiche funzionano', body: 'Questa è la prova che hai chiesto.' },
  other: { title: 'Colloquio', body: 'C’è qualcosa di nuovo.' },
};

const en: NotificationTexts = {
  message: (count, business) => ({
    title: (count > 1 ? `${count} new messages` : 'New message') + (business ? ` from ${business}` : ''),
    body: 'Tap to read.',
  }),
  test: { title: 'Notifications work', body: 'This is the test that you asked for.' },
  other: { title: 'Colloquio', body: 'There is something new.' },
};

/** The text of a notification in the language of its account. */
export function notificationText(payload: PushPayload | undefined): NotificationText {
  const texts = payload?.locale === 'it' ? it : en;
  if (payload?.kind === 'message') return texts.message(payload.count, payload.business);
  return payload?.kind === 'test' ? texts.test : texts.other;
}
