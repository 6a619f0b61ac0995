import type { Consent } from './consent.entity.js';
import type { ConsentView } from './consents.dto.js';

/** A consent with the name of the business that it concerns. */
export interface NamedConsent {
  consent: Consent;
  businessName: string;
}

export function consentView({ consent, businessName }: NamedConsent): ConsentView {
  return {
    id: consent.id,
    contactId: consent.contactId,
    businessName,
    purpose: consent.purpose,
    given: consent.given,
    basis: consent.basis,
    policyId: consent.policyId,
    policyVersion: consent.policyVersion,
    locale: consent.locale,
    sha256: consent.textSha256.toString('hex'),
    how: consent.how,
    recordedAt: consent.recordedAt.toISOString(),
  };
}
