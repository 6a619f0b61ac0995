import type { ConversationHead, MessageView, Party } from '../../src/contract/events.js';

export interface OpenedMessage {
  conversationId: string;
  message: MessageView;
  head: ConversationHead | undefined;
  party: Party;
  /** The button that it was opened by. */
  anchor: HTMLElement;
  /** Puts a text into the composer. */
  onedit: (text: string) => void;
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
