import type { Paged } from './common.js';

/** Fields are described at the DTO classes, which implement these types completely, and in openapi.json. */
export interface NewQuickReply {
  title: string;
  text: string;
}

export interface ChangeQuickReply {
  title?: string;
  text?: string;
}

export interface QuickReplyView {
  id: string;
  title: string;
  text: string;
}

export type QuickReplyList = Paged<QuickReplyView>;
