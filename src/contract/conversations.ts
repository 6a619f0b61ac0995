import type { PageAsked, Paged } from './common.js';
import type { ConversationHead, MessageView } from './events.js';

/** Fields are described at the DTO classes, which implement these types completely, and in openapi.json. */
export interface ListConversations extends PageAsked {
  changedSince?: string;
  unread?: true;
  unanswered?: true;
  withoutBroadcasts?: true;
  label?: string[];
  claimed?: 'me';
  query?: string;
}

export interface ConversationList extends Paged<ConversationHead> {
  syncedAt: string;
  erased?: string[] | null;
}

export interface UnreadTotals {
  conversations: number;
  messages: number;
  unanswered: number;
}

export interface AnsweredUpTo {
  seq: number;
}

export type MessageList = Paged<MessageView>;
