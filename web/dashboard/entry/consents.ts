import type { GivenConsent, PolicyView } from '../../../src/contract/consents.js';

/** Acceptances of all required boxes, as they go to the service; undefined while one of them is not ticked. */
export function consentsOf(
  policies: readonly PolicyView[],
  accepted: Readonly<Record<string, boolean>>,
): GivenConsent[] | undefined {
  const wanted = policies.flatMap((policy) =>
    policy.checkboxes
      .filter(({ required }) => required)
      .map(({ purpose }) => ({ policyId: policy.id, purpose, sha256: policy.sha256 })),
  );
  return wanted.every(({ policyId, purpose }) => accepted[`${policyId} ${purpose}`]) ? wanted : undefined;
}
