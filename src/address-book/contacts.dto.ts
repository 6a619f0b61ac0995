import { ApiProperty, IntersectionType } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ArrayUnique, IsIn, IsString, MaxLength } from 'class-validator';
import { type Locale, locales } from '../contract/common.js';
import { type InvitationKind, invitationKinds } from '../contract/events.js';
import type * as wire from '../contract/index.js';
import { limits } from '../contract/limits.js';
import { Page } from '../platform/validation/page.dto.js';
import { IsPlainText, Trimmed } from '../platform/validation/text.js';
import { Clearable, IsIds, IsTime, Omittable, Optional } from '../platform/validation/fields.js';
import { IsPhone } from './phones.js';

/** Filters and order of the address book; filters combine. */
export class ContactFilter implements wire.ContactFilter {
  /** Only these contacts, up to 200; in a query, one `ids=` for each. `limit` still applies to the page. */
  @Optional()
  @Transform(({ value }): unknown[] => (Array.isArray(value) ? value : [value]))
  @IsIds({
    max: limits.contactsById,
    message: `You can request at most ${limits.contactsById} contacts by id.`,
  })
  ids?: string[];

  /**
   * Beginnings of words in the name, or of the address, its local part or its domain; all must match. A query without letters
   * and digits, such as `%`, matches nobody; an empty one matches everybody. This and the next three filters ignore case,
   * accents and the like: `lukasz` finds Łukasz, `dangelo` finds D'Angelo, `muller` and `mueller` find Müller, `emilia romagna`
   * is Emilia-Romagna.
   */
  @Optional()
  @IsString()
  @MaxLength(limits.searchLength)
  query?: string;

  @Optional()
  @IsString()
  @MaxLength(limits.nameLength)
  region?: string;

  @Optional()
  @IsString()
  @MaxLength(limits.nameLength)
  province?: string;

  @Optional()
  @IsString()
  @MaxLength(limits.nameLength)
  sector?: string;

  /** Ids of labels; in a query, one `label=` for each. Contacts must have all of them. */
  @Optional()
  @Transform(({ value }): unknown[] => (Array.isArray(value) ? value : [value]))
  @IsIds({ max: limits.labelsPerContact })
  label?: string[];

  /** Contacts without any label, or with at least one. */
  @Optional()
  @IsIn(['none', 'any'])
  hasLabel?: 'none' | 'any';

  /** `true`: only contacts who agree to promotions; `false`: only the others. */
  @Optional()
  @Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsIn([true, false])
  promotions?: boolean;

  /** The contact with exactly this external id. */
  @Optional()
  @Trimmed()
  @IsPlainText({ max: limits.externalIdLength })
  externalId?: string;

  /** By name as in a phone book (the default), by the time of joining, or by the last change. */
  @Optional()
  @IsIn(['name', 'joined', 'updated'])
  sort?: 'name' | 'joined' | 'updated';

  /** Ascending by default. */
  @Optional()
  @IsIn(['asc', 'desc'])
  order?: 'asc' | 'desc';

  /** Only contacts changed at this time or later. */
  @Optional()
  @IsTime()
  updatedAfter?: string;
}

export class ContactSearch extends IntersectionType(ContactFilter, Page) implements wire.ContactSearch {}

export class LetterPlace implements wire.LetterPlace {
  /** The first letter of the surname or the company's name, without accents; `#` for anything else. */
  letter: string;
  /** Index of its first contact in `ids`, from 0. */
  from: number;
}

export class FoundContacts implements wire.FoundContacts {
  /** The ids of all matching contacts, in the requested order. */
  ids: string[];
  /** The letters for an index by name; empty in any other order. */
  letters: LetterPlace[];
}

/** The invitation by which a contact joined. */
export class JoinedByView implements wire.JoinedBy {
  invitationId: string;
  /** `personal`: by a link for one person; `open`: by a link or QR code for everybody. */
  @IsIn(invitationKinds)
  kind: InvitationKind;
  /** The name that the business gave the invitation, such as "counter". */
  name?: string;
}

export class ContactView implements wire.ContactView {
  id: string;
  displayName: string;
  firstName?: string;
  surname?: string;
  companyName?: string;
  companyType?: string;
  email: string;
  region: string | null;
  province: string | null;
  sector: string | null;
  /** True once the person has verified the address with a link in a mail. Anybody can join under any address. */
  emailVerified: boolean;
  /** True while another contact in this address book has the same address. Check which of them is verified. */
  addressShared: boolean;
  /** The invitation with which the contact joined; null if that was not recorded. */
  @ApiProperty({ type: () => JoinedByView, nullable: true })
  joinedBy: JoinedByView | null;
  /** True while the contact agrees to promotions. */
  promotions: boolean;
  /** The ids of its labels. */
  labels: string[];
  note: string | null;
  /** In international form if it is a valid number, otherwise as it was typed. */
  phone: string | null;
  externalId: string | null;
  joinedAt: string;
  /** Rises with every change: of two views, keep the later one. */
  updatedAt: string;
}

export class ChangeContact implements wire.ChangeContact {
  /** The ids of all labels that the contact will have; at most 20. */
  @Omittable()
  @IsIds({ max: limits.labelsPerContact })
  @ArrayUnique()
  labels?: string[];

  /**
   * At most 2,000 characters; `null` or an empty text deletes the note. The contact does not see it in the app, but it is in
   * the copy of its data that it can export.
   */
  @Clearable()
  @Trimmed({ multiline: true })
  @IsPlainText({ min: 0, max: limits.noteLength, multiline: true })
  note?: string | null;

  /**
   * Telephone number, at most 40 characters; `null` or an empty text deletes it. The contact never sees it. A valid number of
   * the business's country is kept in international form.
   */
  @Clearable()
  @Trimmed()
  @IsPhone()
  phone?: string | null;

  /** Id of the contact in another system, such as a customer number; at most 64 characters, one contact each. */
  @Clearable()
  @Trimmed()
  @IsPlainText({ min: 0, max: limits.externalIdLength })
  externalId?: string | null;
}

export class LabelContacts implements wire.LabelContacts {
  /** Ids of labels to add; at most 20. */
  @Omittable()
  @IsIds({ max: limits.labelsPerContact })
  add?: string[];

  /** Ids of labels to remove; at most 20. */
  @Omittable()
  @IsIds({ max: limits.labelsPerContact })
  remove?: string[];

  /** At most 500. */
  @IsIds({ max: limits.contactsLabelled })
  contactIds: string[];
}

export class LabelledContacts implements wire.LabelledContacts {
  /** Number of contacts that were changed. */
  changed: number;
}

export class FacetView implements wire.FacetView {
  /** A region, province or sector, or the id of a label. */
  value: string;
  contacts: number;
}

export class ContactFacets implements wire.ContactFacets {
  total: number;
  /** Number of contacts without a label. */
  unlabelled: number;
  /** Number of contacts who agree to promotions. */
  promotions: number;
  region: FacetView[];
  province: FacetView[];
  sector: FacetView[];
  label: FacetView[];
}

export class ContactList implements wire.ContactList {
  items: ContactView[];
  nextCursor: string | null;
  /** Number of contacts that match, on all pages. */
  total: number;
}

export class ExportContacts {
  @IsIn(['csv', 'json'])
  format: 'csv' | 'json' = 'csv';

  /** Language of the column names; it also sets the separator: `;` for it, `,` for en. By default the member's language. */
  @Optional()
  @IsIn(locales)
  locale?: Locale;
}
