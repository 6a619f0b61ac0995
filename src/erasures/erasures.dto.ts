import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsIn, IsInt, IsString, Max, MaxLength, Min } from 'class-validator';
import { type Locale, locales } from '../contract/common.js';
import {
  type ErasureOrigin,
  erasureOrigins,
  type ErasureState,
  erasureStates,
  type KeptKind,
  keptKinds,
} from '../contract/erasures.js';
import type * as wire from '../contract/index.js';
import { limits } from '../contract/limits.js';
import { IsIds, IsPart, IsTrue, Optional } from '../platform/validation/fields.js';
import { Page } from '../platform/validation/page.dto.js';

/** Filters of the address book, as `GET /api/contacts` has them; they combine. */
export class ErasureFilter implements wire.ErasureFilter {
  /** Every contact; cannot be combined with another filter. */
  @Optional()
  @IsTrue()
  all?: true;

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

  /** Ids of labels. Contacts must have all of them. */
  @Optional()
  @Transform(({ value }): unknown[] => (Array.isArray(value) ? value : [value]))
  @IsIds({ max: limits.labelsPerContact })
  label?: string[];

  @Optional()
  @IsIn(['none', 'any'])
  hasLabel?: 'none' | 'any';
}

/** Words that a person types to show that it means it. */
export class ErasureConfirmation implements wire.ErasureConfirmation {
  /** The number of contacts that will be erased. */
  @IsInt()
  @Min(1)
  @Max(10_000_000)
  contacts: number;

  /** The name of the business, in upper or lower case. */
  @IsString()
  @MaxLength(limits.nameLength)
  businessName: string;
}

/** Either contacts or a filter. */
export class NewErasure implements wire.NewErasure {
  /** At most 500. Contacts that do not exist are left out of the count. */
  @Optional()
  @IsIds({ max: limits.contactsErased })
  contactIds?: string[];

  /** A blank `query` and an empty `label` are ignored. To erase every contact, send `all`. */
  @Optional()
  @IsPart(() => ErasureFilter)
  filter?: ErasureFilter;

  @IsPart(() => ErasureConfirmation)
  confirmation: ErasureConfirmation;
}

export class BegunErasure implements wire.BegunErasure {
  /** Ask `GET /api/erasures/:id` for its certificate. */
  erasureId: string;
}

export class ErasureView implements wire.ErasureView {
  id: string;
  /** `finished` once everything is deleted and the residue is unreadable too. */
  @IsIn(erasureStates)
  state: ErasureState;
  /**
   * `subscriber`: the owner asked for it; `interlocutor`: the person did; `closing`: the whole business was closed; `replay`: an
   * older backup had brought back what was erased before.
   */
  @IsIn(erasureOrigins)
  origin: ErasureOrigin;
  /** Number of contacts. */
  contacts: number;
  begunAt: string;
  /** Time at which the keys were destroyed and the data became unreadable. */
  unreadableAt: string | null;
  /** Time from which wrapped keys left in dead rows and logs of the database can no longer be opened. */
  residueUnreadableAt: string | null;
  /** The time at which the last row and the last file were deleted. */
  finishedAt: string | null;
}

export class KeptRecord implements wire.KeptRecord {
  /**
   * `consent_proofs`: purposes, hashes of texts and times, under a keyed hash of the address; `erasure_record`: this
   * record; `certificate_address`: the address that the certificate is mailed to, under a key of its own.
   */
  @IsIn(keptKinds)
  what: KeptKind;
  law: string;
  /** Null if there is no term. */
  until: string | null;
}

/** Counts of erased data, by kind. */
export class ErasedCounts implements wire.ErasedCounts {
  contacts: number;
  accounts: number;
  sessions: number;
  messages: number;
  files: number;
  pictures: number;
  notes: number;
  labels: number;
  receipts: number;
  broadcasts_received: number;
  advertising_reports: number;
  search_entries: number;
  invitations: number;
  import_lines: number;
  requests: number;
  waiting_mails: number;
  actions: number;
  consents: number;
}

/**
 * Record of an erasure, without personal data. Once it is finished it is signed: save the answer as a file, and
 * `npm run verify-certificate -- FILE` verifies it without a network.
 */
export class Certificate extends ErasureView implements wire.Certificate {
  @IsIn(['colloquio-erasure-1'])
  format: 'colloquio-erasure-1';
  /** Name of the business. */
  business: string;
  erased: ErasedCounts;
  @ApiProperty({ type: () => [KeptRecord] })
  kept: KeptRecord[];
  /** The installation's Ed25519 key, in base64. */
  publicKey: string;
  /**
   * Ed25519 signature (RFC 8032) in base64, over the certificate without this field, as JSON with all fields sorted by name and
   * without whitespace. Null until it is finished.
   */
  signature: string | null;
}

export class ListErasures extends Page {}

export class ErasureList implements wire.ErasureList {
  items: ErasureView[];
  nextCursor: string | null;
}

export class ErasureKey implements wire.ErasureKey {
  @IsIn(['Ed25519'])
  algorithm: 'Ed25519';
  /** 32 bytes as base64. */
  publicKey: string;
  /** Short form for comparing: `npm run verify-certificate -- FILE --fingerprint "…"`. */
  fingerprint: string;
}

export class PrintCertificate {
  /** Language of the page; by default the member's. */
  @Optional()
  @IsIn(locales)
  locale?: Locale;
}

export class NewErasureProposals implements wire.NewErasureProposals {
  /** At most 500. Contacts that do not exist are skipped. */
  @IsIds({ max: limits.contactsErased })
  contactIds: string[];
}

export class ErasureProposal implements wire.ErasureProposal {
  contactId: string;
  /** The member who proposed it. */
  proposedBy: string;
  proposedAt: string;
}

export class ListErasureProposals extends Page {}

export class ErasureProposalList implements wire.ErasureProposalList {
  items: ErasureProposal[];
  nextCursor: string | null;
}

export class ProposedErasures implements wire.ProposedErasures {
  /** Number of contacts newly proposed. */
  proposed: number;
}
