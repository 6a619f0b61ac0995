import type { Locale } from '../contract/common.js';
import type { BroadcastKind, BroadcastMark, BroadcastReason } from '../contract/events.js';

/** Sealing context of a broadcast's text, which is sealed with the subscriber's key. */
export const broadcastContext = (subscriberId: string, broadcastId: string) => [
  'broadcast',
  subscriberId,
  broadcastId,
  'body',
];

interface Marked {
  kind: BroadcastKind;
  reason: BroadcastReason | null;
  /** The language in which it was written. */
  locale: Locale;
}

/**
 * Metadata of a message sent as part of a broadcast.
 * @param optOut for the recipient of a promotional one: the contact and the policy of an opt-out
 */
export function broadcastMark(
  { kind, reason, locale }: Marked,
  optOut?: { policyId: string; contactId: string },
): BroadcastMark {
  return {
    kind,
    reason,
    words: reason === null ? promotional[locale] : service[locale][reason],
    ...(optOut && kind === 'promotional' && { optOut: { ...optOut, purpose: 'promotions', given: false } }),
  };
}

const promotional: Record<Locale, string> = { it: 'Messaggio promozionale', en: 'Promotional message' };

const service: Record<Locale, Record<BroadcastReason, string>> = {
  it: {
    order: 'Avviso sul tuo ordine',
    appointment: 'Avviso sul tuo appuntamento',
    closure: 'Avviso di chiusura',
    membership: 'Avviso ai soci',
    safety: 'Avviso di sicurezza',
    other: 'Avviso di servizio',
  },
  en: {
    order: 'About your order',
    appointment: 'About your appointment',
    closure: 'About a closure',
    membership: 'For members',
    safety: 'About safety',
    other: 'Service message',
  },
};
