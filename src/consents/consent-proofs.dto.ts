import { IsIn } from 'class-validator';
import { type ConsentBasis, consentBases, type ConsentOccasion, consentOccasions } from '../contract/consents.js';
import { type ConsentPurpose, consentPurposes } from '../contract/events.js';
import type * as wire from '../contract/index.js';
import { IsEmailAddress } from '../platform/validation/text.js';

export class ConsentProofSearch implements wire.ConsentProofSearch {
  @IsEmailAddress()
  email: string;
}

export class ConsentProofView implements wire.ConsentProofView {
  id: string;
  @IsIn(consentPurposes)
  purpose: ConsentPurpose;
  given: boolean;
  @IsIn(consentBases)
  basis: ConsentBasis;
  policyVersion: number;
  locale: string;
  /** SHA-256 of the text as it was shown. */
  sha256: string;
  /** SHA-256 of the words beside the checkbox. */
  wordsSha256: string;
  @IsIn(consentOccasions)
  how: ConsentOccasion;
  recordedAt: string;
  /** The end of its term, when it is deleted. */
  keepUntil: string;
}

export class ConsentProofList implements wire.ConsentProofList {
  items: ConsentProofView[];
}
