/** The key of a month, if its terms end in time. $1 subscriber, $2 month, $3 the end of its last term. */
export const keyThereQuery = `
  SELECT id FROM consent_proof_key
  WHERE subscriber_id = $1 AND month = ($2::timestamptz AT TIME ZONE 'UTC')::date AND keep_until >= $3`;

/** The key of a month: the one that is there, or this one. $1 subscriber, $2 id, $3 month, $4 the end of its last term. */
export const keyOfMonthQuery = `
  INSERT INTO consent_proof_key (subscriber_id, id, month, keep_until) VALUES ($1, $2, ($3::timestamptz AT TIME ZONE 'UTC')::date, $4)
  ON CONFLICT (subscriber_id, month)
  DO UPDATE SET keep_until = greatest(consent_proof_key.keep_until, excluded.keep_until)
  RETURNING id`;

/**
 * Writes down the proofs of the consents of erased contacts, under the hashes that their erasure has noted. Without one the
 * consents came back with an old backup, and their proofs were written down the first time. $1 subscriber, $2 contacts.
 */
export const proveQuery = `
  INSERT INTO consent_proof (subscriber_id, id, key_id, address_hash, purpose, given, basis, policy_id, policy_version, locale,
                             text_sha256, words_sha256, how, recorded_at, keep_until)
  SELECT consent.subscriber_id, consent.id, erased.proof_key_id, erased.proof_hash, purpose, given, basis, policy_id,
         policy_version, locale, text_sha256, words_sha256, how, recorded_at, erasure.proofs_until
  FROM consent
  JOIN erased_contact AS erased USING (subscriber_id, contact_id)
  JOIN erasure ON erasure.subscriber_id = erased.subscriber_id AND erasure.id = erased.erasure_id
  WHERE consent.subscriber_id = $1 AND consent.contact_id = ANY ($2::uuid[])
  ON CONFLICT DO NOTHING`;

/** $1 subscriber, $2 contacts. */
export const provenQuery = `DELETE FROM consent WHERE subscriber_id = $1 AND contact_id = ANY ($2::uuid[])`;

/** $1 subscriber. */
export const keysQuery = `SELECT id FROM consent_proof_key WHERE subscriber_id = $1 ORDER BY month`;

/** $1 subscriber, $2 hashes of an address. */
export const proofsQuery = `
  SELECT id, purpose, given, basis, policy_version, locale, text_sha256, words_sha256, how, recorded_at, keep_until
  FROM consent_proof
  WHERE subscriber_id = $1 AND address_hash = ANY ($2::bytea[]) AND keep_until > now()
  ORDER BY recorded_at DESC, id DESC LIMIT 1000`;

/** $1 how many. */
export const deleteEndedProofsQuery = `
  DELETE FROM consent_proof WHERE ctid = ANY (ARRAY(SELECT ctid FROM consent_proof WHERE keep_until <= now() LIMIT $1))`;

export const endedKeysQuery = `
  SELECT subscriber_id AS "subscriberId", id FROM consent_proof_key AS key
  WHERE keep_until <= now()
    AND NOT EXISTS (SELECT FROM consent_proof WHERE consent_proof.subscriber_id = key.subscriber_id AND key_id = key.id)`;

/** $1 subscriber, $2 id. */
export const deleteEndedKeyQuery = `DELETE FROM consent_proof_key WHERE subscriber_id = $1 AND id = $2`;
