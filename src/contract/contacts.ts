import type { PageAsked, Paged } from './common.js';
import type { ContactView, LabelView } from './events.js';
import type { LabelColor } from './label-colors.js';

/** Fields are described at the DTO classes, which implement these types completely, and in openapi.json. */
export interface ContactSearch extends PageAsked {
  ids?: string[];
  query?: string;
  region?: string;
  province?: string;
  sector?: string;
  label?: string[];
  hasLabel?: 'none' | 'any';
  promotions?: boolean;
  externalId?: string;
  sort?: 'name' | 'joined' | 'updated';
  order?: 'asc' | 'desc';
  updatedAfter?: string;
}

export interface ChangeContact {
  labels?: string[];
  note?: string | null;
  phone?: string | null;
  externalId?: string | null;
}

export interface LabelContacts {
  add?: string[];
  remove?: string[];
  contactIds: string[];
}

export interface LabelledContacts {
  changed: number;
}

export interface FacetView {
  value: string;
  contacts: number;
}

export interface ContactFacets {
  total: number;
  unlabelled: number;
  promotions: number;
  region: FacetView[];
  province: FacetView[];
  sector: FacetView[];
  label: FacetView[];
}

/** A contact search without its page. */
export type ContactFilter = Omit<ContactSearch, keyof PageAsked>;

export interface LetterPlace {
  letter: string;
  from: number;
}

export interface FoundContacts {
  ids: string[];
  letters: LetterPlace[];
}

export interface ContactList extends Paged<ContactView> {
  total: number;
}

export interface NewLabel {
  name: string;
  color?: LabelColor | null;
}

export interface ChangeLabel {
  name?: string;
  color?: LabelColor | null;
}

export interface CountedLabel extends LabelView {
  contacts: number;
}

export type LabelList = Paged<CountedLabel>;
