/** Languages of the service: of its mails, its policies and the names in its lists. */
export const locales = ['it', 'en'] as const;
export type Locale = (typeof locales)[number];

/** A page of a list; `nextCursor` asks for the next one. */
export interface Paged<Item> {
  items: Item[];
  nextCursor: string | null;
}

/** The page that a list is asked for. */
export interface PageAsked {
  cursor?: string;
  limit?: number;
}
