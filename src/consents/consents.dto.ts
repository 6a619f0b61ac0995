import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsBoolean, IsIn } from 'class-validator';
import {
  type ConsentBasis,
  consentBases,
  type ConsentOccasion,
  consentOccasions,
  type PolicyPurpose,
  policyPurposes,
  type PolicyWaiting,
  policyWaitings,
} from '../contract/consents.js';
import { type ConsentPurpose, consentPurposes } from '../contract/events.js';
import type * as wire from '../contract/index.js';
import { IsId, IsSha256, Optional } from '../platform/validation/fields.js';
import { Page } from '../platform/validation/page.dto.js';
import { InLocale } from '../subscribers/subscribers.dto.js';

export class GivenConsent implements wire.GivenConsent {
  @IsId()
  policyId: string;

  /** Consent to promotions names the privacy policy that describes them. */
  @IsIn(consentPurposes)
  purpose: ConsentPurpose;

  /** The hash of the text that was shown. If it is no longer current, the answer is `policy_changed`. */
  @Optional()
  @IsSha256()
  sha256?: string;
}

export class ChangeConsent extends GivenConsent implements wire.ChangeConsent {
  @IsBoolean()
  given: boolean;

  /** Interlocutors only: the contact (the conversation) with the subscriber concerned. */
  @Optional()
  @IsId()
  contactId?: string;
}

export class CurrentPolicies extends InLocale {
  @IsIn(['subscriber', 'interlocutor'])
  audience: 'subscriber' | 'interlocutor';

  /** With audience=interlocutor: the own contact whose subscriber's policies are asked for. */
  @Optional()
  @IsId()
  contactId?: string;
}

export class Checkbox implements wire.Checkbox {
  @IsIn(consentPurposes)
  purpose: ConsentPurpose;
  required: boolean;
  /** The exact words to show beside the checkbox. */
  words: string;
}

/** A newer version of a policy. */
export class PolicyChangeView implements wire.PolicyChangeView {
  policyId: string;
  @IsIn(policyPurposes)
  purpose: PolicyPurpose;
  version: number;
  /** Time from which it is in force. */
  effectiveAt: string;
  /** False if you need not accept it, and are only informed. */
  requiresAcceptance: boolean;
  /** The changes since the previous version, in a few plain lines. */
  changes: string[];
}

export class OwnPolicyChange extends PolicyChangeView implements wire.OwnPolicyChange {
  /** False while it is announced. */
  inForce: boolean;
  /**
   * `acceptance`: accept it with `POST /api/consents`; until then you cannot send. `notice`: show it, and say so with
   * `POST /api/policies/notices`. `owner`: the owner of the business has to accept it before staff can send.
   */
  @IsIn(policyWaitings)
  @ApiProperty({ type: 'string', enum: [...policyWaitings], nullable: true })
  waitsFor: PolicyWaiting;
  /** An interlocutor's contacts that it concerns. */
  contactIds: string[];
}

export class OwnPolicyChanges implements wire.OwnPolicyChanges {
  items: OwnPolicyChange[];
}

export class NotePolicy implements wire.NotePolicy {
  /** A text announced or in force. */
  @IsId()
  policyId: string;
}

export class PolicyView implements wire.PolicyView {
  id: string;
  @IsIn(policyPurposes)
  purpose: PolicyPurpose;
  required: boolean;
  version: number;
  locale: string;
  title: string;
  /** Summary in a few plain lines. */
  summary: string[];
  /** Markdown. */
  text: string;
  /** SHA-256 of the text, in hexadecimal. */
  sha256: string;
  /** The consents that can be given with this policy. */
  @Type(() => Checkbox)
  checkboxes: Checkbox[];
  /** Time from which it is in force. */
  effectiveAt: string;
  /** The changes since the previous version, in a few plain lines; empty for the first version. */
  changes: string[];
  /** False if people who accepted an earlier version need not accept this one, and are only informed. */
  requiresAcceptance: boolean;
  /** The next version, if one is announced: its text is at `GET /api/policies/announced`. */
  @Optional()
  @Type(() => PolicyChangeView)
  next?: PolicyChangeView;
  /** True if you are signed in and have accepted this version. */
  accepted?: boolean;
  /** Expectation of you, if you are signed in: see `GET /api/policies/changes`. */
  @IsIn(policyWaitings)
  @ApiProperty({ type: 'string', enum: [...policyWaitings], nullable: true, required: false })
  waitsFor?: PolicyWaiting;
}

/** The business that decides on the data. */
export class ControllerView implements wire.ControllerView {
  businessName: string;
  /** Street, postcode, city and country on one line. */
  address: string;
  email: string;
}

/** Operator of this installation, as its settings name it; empty where they do not. */
export class HostView implements wire.HostView {
  name: string;
  address: string;
  /** The address for questions about personal data. */
  contact: string;
  /** Days in which a business can answer a request to delete everything, before it is carried out. */
  deletionDays: number;
}

export class PolicyList implements wire.PolicyList {
  items: PolicyView[];
  /** With `contactId` only. */
  @Type(() => ControllerView)
  @Optional()
  business?: ControllerView;
  @Type(() => HostView)
  host: HostView;
}

export class ConsentView implements wire.ConsentView {
  id: string;
  contactId: string | null;
  /** The business it concerns. */
  businessName: string;
  @IsIn(consentPurposes)
  purpose: ConsentPurpose;
  given: boolean;
  @IsIn(consentBases)
  basis: ConsentBasis;
  policyId: string;
  policyVersion: number;
  locale: string;
  /** SHA-256 of the text as it was shown. */
  sha256: string;
  @IsIn(consentOccasions)
  how: ConsentOccasion;
  recordedAt: string;
}

/** A consent with what was shown when it was given or withdrawn. */
export class ShownConsentView extends ConsentView implements wire.ShownConsentView {
  /** The words beside the checkbox or the button. */
  words: string;
  /** The whole text, in Markdown. */
  text: string;
}

/** A consent of a contact with the words beside the checkbox or the button. */
export class ContactConsentView extends ConsentView implements wire.ContactConsentView {
  words: string;
}

export class ContactConsentList implements wire.ContactConsentList {
  items: ContactConsentView[];
  nextCursor: string | null;
}

export class ListConsents extends Page {}

export class ConsentList implements wire.ConsentList {
  items: ConsentView[];
  nextCursor: string | null;
}
