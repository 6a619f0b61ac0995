import type { Party } from '../contract/events.js';

/** What a sealed body belongs to: moved to another place it does not open. */
export const messageContext = (subscriberId: string, conversationId: string, sender: Party, clientId: string) => [
  'message',
  subscriberId,
  conversationId,
  sender,
  clientId,
];
