import type { ConsentPurpose } from '../contract/events.js';
import type { PolicyWaiting } from '../contract/consents.js';
import type { PolicyDocument, ShownPolicy } from '../policies/policies.service.js';
import type { PolicyChangeView, PolicyView } from './consents.dto.js';
import { isRequired } from './consents.service.js';

/** State of a policy for the principal who asks. */
interface Standing {
  /** Versions that the asker has accepted. */
  accepted?: { terms: number; privacy: number } | undefined;
  waitsFor?: PolicyWaiting;
}

/** A shown policy as clients get it. */
export function policyView(
  { next, ...shown }: ShownPolicy & { next?: PolicyDocument | undefined },
  { accepted, waitsFor }: Standing = {},
): PolicyView {
  const { document, title, summary, text, sha256 } = shown;
  const { id, purpose, version, locale, effectiveAt, changes, requiresAcceptance } = document;
  const checkboxes = (Object.entries(shown.checkboxes) as [ConsentPurpose, string][]).map(([each, words]) => ({
    purpose: each,
    required: isRequired(each),
    words,
  }));
  return {
    id,
    purpose,
    required: true,
    version,
    locale,
    title,
    summary,
    text,
    sha256: sha256.toString('hex'),
    checkboxes,
    effectiveAt: effectiveAt.toISOString(),
    changes,
    requiresAcceptance,
    ...(next && { next: policyChange(next) }),
    ...(accepted && { accepted: accepted[purpose] >= version }),
    ...(waitsFor !== undefined && { waitsFor }),
  };
}

export function policyChange(document: PolicyDocument): PolicyChangeView {
  const { id: policyId, purpose, version, effectiveAt, requiresAcceptance, changes } = document;
  return { policyId, purpose, version, effectiveAt: effectiveAt.toISOString(), requiresAcceptance, changes };
}
