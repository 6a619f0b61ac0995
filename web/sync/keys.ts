/* Names under which this device keeps something about a conversation: all of it goes when the conversation is erased. */

/** The note about a contact that is being written. */
export const noteKey = (conversationId: string): string => `note/${conversationId}`;

/** The name of a business as it was shown last. */
export const nameKey = (conversationId: string): string => `name/${conversationId}`;
