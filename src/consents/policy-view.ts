import type { ConsentPurpose } from '../contract/events.js';
import type { ShownPolicy } from '../policies/policies.service.js';
import type { PolicyView } from './consents.dto.js';
import { isRequired } from './consents.service.js';

/** A shown policy as clients get it; `accepted` are the versions that the asker has accepted. */
export function policyView(shown: ShownPolicy, accepted?: { terms: number; privacy: number }): PolicyView {
  const { document, title, summary, text, sha256 } = shown;
  const { id, purpose, version, locale } = document;
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
    ...(accepted && { accepted: accepted[purpose] >= version }),
  };
}
