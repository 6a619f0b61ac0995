import type { Content } from '../../client/index.js';
import type { ConversationHead, MessageView, Party } from '../../src/contract/events.js';

export interface OpenedMessage {
  conversationId: string;
  message: MessageView;
  head: ConversationHead | undefined;
  party: Party;
  /** The button that it was opened by. */
  anchor: HTMLElement;
  /** Puts a content into the composer. */
  onedit: (content: Content) => void;
}

/** The menu of a message; `MessageMenu.svelte` shows it, one for all. */
class MessageMenu {
  opened = $state.raw<OpenedMessage>();

  open(message: OpenedMessage): void {
    this.opened = message;
  }

  close(): void {
    this.opened = undefined;
  }
}

export const messageMenu = new MessageMenu();
