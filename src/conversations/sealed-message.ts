import type { Party } from '../contract/events.js';

/** Sealing context of a body: moved to another place, the body does not open. */
export const messageContext = (subscriberId: string, conversationId: string, sender: Party, clientId: string) => [
  'message',
  subscriberId,
  conversationId,
  sender,
  clientId,
];
