import { Type } from 'class-transformer';
import { IsIn } from 'class-validator';
import { type PolicyAudience, policyAudiences, type PolicyPurpose, policyPurposes } from '../contract/consents.js';
import { type ConsentPurpose, consentPurposes } from '../contract/events.js';
import type * as wire from '../contract/index.js';
import { type RequestKind, requestKinds } from '../contract/rights.js';

export class ContactFigures implements wire.ContactFigures {
  /** Contacts in the address book. */
  total: number;
  /** Contacts who get promotions. */
  promotions: number;
  /** Contacts who have accepted the privacy policy that requires acceptance. */
  upToDate: number;
  /** Contacts whose conversation is restricted. */
  restricted: number;
}

export class ConsentFigures implements wire.ConsentFigures {
  @IsIn(consentPurposes)
  purpose: ConsentPurpose;
  /** Acceptances and consents, including those of erased contacts while their proofs are kept. */
  given: number;
  /** Withdrawals likewise. */
  withdrawn: number;
}

export class PolicyInForce implements wire.PolicyInForce {
  @IsIn(policyAudiences)
  audience: PolicyAudience;
  @IsIn(policyPurposes)
  purpose: PolicyPurpose;
  version: number;
  /** Day from which it is in force, such as `2026-01-01`. */
  effective: string;
}

export class ErasureFigures implements wire.ErasureFigures {
  /** Erasures under way. */
  running: number;
  finished: number;
  /** Contacts in all of these erasures. */
  contacts: number;
}

/** Requests of contacts that are in the address book: those of an erased contact are erased with it. */
export class RequestFigures implements wire.RequestFigures {
  @IsIn(requestKinds)
  kind: RequestKind;
  open: number;
  /** Open requests past their deadline. */
  overdue: number;
  fulfilled: number;
  refused: number;
  takenBack: number;
  /** Fulfilled and refused requests that were answered late. */
  late: number;
}

export class ExportFigures implements wire.ExportFigures {
  /** Requested copies of everything. */
  copies: number;
  /** Downloads of such copies. */
  downloads: number;
  /** Downloads of the address book as a table. */
  addressBooks: number;
  /** Downloads of a conversation. */
  conversations: number;
}

export class MemberFigures implements wire.MemberFigures {
  /** Members of the business, including the owner. */
  active: number;
  invited: number;
  removed: number;
}

export class Figures implements wire.Figures {
  /** Time of the figures, which all describe one moment. */
  at: string;
  contacts: ContactFigures;
  /** One entry for each purpose ever recorded. */
  @Type(() => ConsentFigures)
  consents: ConsentFigures[];
  /** The policies in force, for the business and for its people. */
  @Type(() => PolicyInForce)
  policies: PolicyInForce[];
  erasures: ErasureFigures;
  /** One entry for each kind ever requested. */
  @Type(() => RequestFigures)
  requests: RequestFigures[];
  exports: ExportFigures;
  members: MemberFigures;
  /** Years for which a proof of consent is kept after its person was erased. */
  consentProofYears: number;
}
