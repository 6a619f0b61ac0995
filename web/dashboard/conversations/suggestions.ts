import { d, type SuggestionKind } from '../../words/dashboard.js';

/** Kind of suggestions by the category of a business; the others have general ones. */
const kinds: Readonly<Record<string, SuggestionKind>> = {
  grocery: 'food',
  bakery: 'food',
  butcher: 'food',
  restaurant: 'table',
  cafe: 'table',
  clothing: 'shop',
  jewellery: 'shop',
  home: 'shop',
  hardware: 'shop',
  electronics: 'shop',
  books: 'shop',
  flowers: 'shop',
  wholesale: 'shop',
  pharmacy: 'shop',
  pets: 'care',
  optician: 'care',
  health: 'care',
  hairdresser: 'care',
  beauty: 'care',
  legal: 'office',
  accounting: 'office',
  engineering: 'office',
  real_estate: 'office',
  insurance: 'office',
  it: 'office',
  communication: 'office',
  building: 'works',
  crafts: 'works',
  vehicles: 'works',
  cleaning: 'works',
  fitness: 'group',
  school: 'group',
  sports_association: 'group',
  cultural_association: 'group',
  voluntary_association: 'group',
  religious_body: 'group',
  trade_association: 'group',
};

/** First messages that suit a business; they are put into the composer, never sent. */
export const suggestionsFor = (category: string | undefined): readonly string[] =>
  d.suggestions[kinds[category ?? ''] ?? 'other'];
