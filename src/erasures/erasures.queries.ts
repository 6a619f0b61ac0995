/** $1 subscriber, $2 id, $3 origin, $4 member, $5 when, $6 until when proofs of consent are kept. */
export const beginQuery = `
  INSERT INTO erasure (subscriber_id, id, origin, requested_by, contacts, begun_at, proofs_until)
  VALUES ($1, $2, $3, $4, 0, $5, $6) ON CONFLICT DO NOTHING`;

/**
 * Notes whom an erasure is about; a contact that another erasure is about is left to that one. $1 subscriber, $2 erasure, $3
 * contacts, $4 interlocutors, $5 hashes of addresses, $6 key of proofs, $7 hashes of proofs, $8 hashes of readers.
 */
export const subjectsQuery = `
  WITH noted AS (
    INSERT INTO erased_contact (subscriber_id, contact_id, erasure_id, interlocutor_id, address_hash, proof_key_id, proof_hash, told_hash)
    SELECT $1, contact_id, $2, interlocutor_id, address_hash, $6, proof_hash, told_hash
    FROM unnest($3::uuid[], $4::uuid[], $5::bytea[], $7::bytea[], $8::bytea[])
      AS subject (contact_id, interlocutor_id, address_hash, proof_hash, told_hash)
    ORDER BY contact_id
    ON CONFLICT DO NOTHING RETURNING contact_id
  ), counted AS (
    UPDATE erasure SET contacts = contacts + (SELECT count(*) FROM noted) WHERE subscriber_id = $1 AND id = $2
  )
  SELECT contact_id AS id FROM noted`;

/**
 * Takes over contacts that came back with a backup although an erasure had ended with them. $1 subscriber, $2 erasure, $3
 * contacts, $4 interlocutors, $5 hashes of addresses, $6 key of proofs, $7 hashes of proofs, $8 hashes of readers.
 */
export const retakeQuery = `
  UPDATE erased_contact
  SET erasure_id = $2, cut_at = NULL, gone_at = NULL, interlocutor_id = subject.interlocutor_id,
      address_hash = subject.address_hash, proof_key_id = $6, proof_hash = subject.proof_hash, told_hash = subject.told_hash
  FROM unnest($3::uuid[], $4::uuid[], $5::bytea[], $7::bytea[], $8::bytea[])
    AS subject (contact_id, interlocutor_id, address_hash, proof_hash, told_hash)
  WHERE erased_contact.subscriber_id = $1 AND erased_contact.contact_id = subject.contact_id AND gone_at IS NOT NULL`;

/** The erasure that a contact is in. $1 subscriber, $2 contact. */
export const erasureOfQuery = `
  SELECT erasure.id, unreadable_at IS NOT NULL AS unreadable
  FROM erased_contact JOIN erasure ON erasure.subscriber_id = erased_contact.subscriber_id AND erasure.id = erasure_id
  WHERE erased_contact.subscriber_id = $1 AND contact_id = $2 AND gone_at IS NULL`;

export interface ErasureRow {
  subscriber_id: string;
  id: string;
  origin: string;
  contacts: number;
  begun_at: Date;
  unreadable_at: Date | null;
  residue_unreadable_at: Date | null;
  finished_at: Date | null;
  proofs_until: Date | null;
  of_subscriber: boolean;
  address_until: Date | null;
  counts: Record<string, number>;
}

const columns = `subscriber_id, id, origin, contacts, begun_at, unreadable_at, residue_unreadable_at, finished_at, proofs_until,
  of_subscriber, address_until, counts`;

/** $1 subscriber, $2 erasure. */
export const erasureQuery = `SELECT ${columns} FROM erasure WHERE subscriber_id = $1 AND id = $2`;

/** Newest first. $1 subscriber, $2 behind which one, or null. */
export const erasuresQuery = (limit: number): string => `
  SELECT ${columns} FROM erasure WHERE subscriber_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT ${limit}`;

/** Erasures whose rows are not gone yet, the oldest first. */
export const unfinishedQuery = `
  SELECT subscriber_id AS "subscriberId", id FROM erasure WHERE finished_at IS NULL ORDER BY begun_at LIMIT 1000`;

/** $1 subscriber, $2 erasure. */
export const contactsOfQuery = `
  SELECT contact_id AS id FROM erased_contact WHERE subscriber_id = $1 AND erasure_id = $2 AND gone_at IS NULL
  ORDER BY contact_id`;

export interface SubjectRow {
  id: string;
  interlocutorId: string;
  addressHash: Buffer | null;
}

const subjectColumns = `contact_id AS id, interlocutor_id AS "interlocutorId", address_hash AS "addressHash"`;

/** Locks the next contacts that are still there. $1 subscriber, $2 erasure. */
export const uncutQuery = (limit: number): string => `
  SELECT ${subjectColumns} FROM erased_contact
  WHERE subscriber_id = $1 AND erasure_id = $2 AND cut_at IS NULL ORDER BY contact_id LIMIT ${limit} FOR UPDATE`;

/** $1 subscriber, $2 contacts, $3 interlocutors that are gone with them. */
export const cutQuery = `
  UPDATE erased_contact
  SET cut_at = change_time(), account_gone = interlocutor_id = ANY ($3::uuid[]),
      told_hash = CASE WHEN interlocutor_id = ANY ($3::uuid[]) THEN NULL ELSE told_hash END
  WHERE subscriber_id = $1 AND contact_id = ANY ($2::uuid[]) AND cut_at IS NULL`;

/** Interlocutors that were gone with their contacts. $1 subscriber, $2 erasure. */
export const accountsGoneQuery = `
  SELECT DISTINCT interlocutor_id AS id FROM erased_contact WHERE subscriber_id = $1 AND erasure_id = $2 AND account_gone`;

/** The next contacts of which something may be left. $1 subscriber, $2 erasure. */
export const unfinishedContactsQuery = (limit: number): string => `
  SELECT ${subjectColumns} FROM erased_contact
  WHERE subscriber_id = $1 AND erasure_id = $2 AND cut_at IS NOT NULL AND gone_at IS NULL ORDER BY contact_id LIMIT ${limit}`;

/** Forgets all but the ids of contacts of which nothing is left. $1 subscriber, $2 contacts. */
export const goneQuery = `
  UPDATE erased_contact
  SET gone_at = clock_timestamp(), interlocutor_id = NULL, account_gone = false, address_hash = NULL, proof_key_id = NULL,
      proof_hash = NULL
  WHERE subscriber_id = $1 AND contact_id = ANY ($2::uuid[])`;

/** Adds counts of kinds to those of an erasure. $1 subscriber, $2 erasure, $3 counts. */
export const countQuery = `
  UPDATE erasure
  SET counts = (SELECT coalesce(jsonb_object_agg(kind, total), '{}')
                FROM (SELECT kind, sum(count::bigint) AS total
                      FROM (SELECT * FROM jsonb_each_text(counts) UNION ALL SELECT * FROM jsonb_each_text($3::jsonb))
                        AS every (kind, count)
                      GROUP BY kind) AS totals)
  WHERE subscriber_id = $1 AND id = $2`;

/** All keys are destroyed, the last of them in this epoch. $1 subscriber, $2 erasure, $3 epoch. */
export const unreadableQuery = `
  UPDATE erasure SET unreadable_at = clock_timestamp(), epoch = $3
  WHERE subscriber_id = $1 AND id = $2 AND unreadable_at IS NULL`;

/** Everything is gone. $1 subscriber, $2 erasure. */
export const finishedQuery = `
  UPDATE erasure SET finished_at = clock_timestamp() WHERE subscriber_id = $1 AND id = $2 AND finished_at IS NULL`;

/** The epochs of these erasures open no more. $1 the oldest epoch that opens. */
export const residueQuery = `
  UPDATE erasure SET residue_unreadable_at = clock_timestamp()
  WHERE residue_unreadable_at IS NULL AND unreadable_at IS NOT NULL AND epoch < $1`;

/** Tells whether an erasure waits for the epoch to be renewed. */
export const waitingQuery = `
  SELECT EXISTS (SELECT FROM erasure WHERE residue_unreadable_at IS NULL AND unreadable_at IS NOT NULL) AS any`;

/** Readers are told for this many days. $1 days. */
export const untellQuery = `
  UPDATE erased_contact SET told_hash = NULL WHERE told_hash IS NOT NULL AND cut_at < now() - make_interval(days => $1)`;

/** Erasures among these that the main database knows, which it ends or has ended. $1 ids. */
export const knownErasuresQuery = `SELECT DISTINCT id FROM erasure WHERE id = ANY ($1::uuid[])`;

/** Contacts among these ids, of any subscriber. $1 ids. */
export const contactsAmongQuery = `
  SELECT subscriber_id AS "subscriberId", id FROM contact WHERE id = ANY ($1::uuid[]) ORDER BY subscriber_id, id`;

/** Contacts of these interlocutors. $1 interlocutors. */
export const contactsOfInterlocutorsQuery = `
  SELECT subscriber_id AS "subscriberId", id FROM contact WHERE interlocutor_id = ANY ($1::uuid[]) ORDER BY subscriber_id, id`;

/** Notes the sealed address that gets the certificate. $1 subscriber, $2 id, $3 erasure, $4 sealed, $5 until when. */
export const noteMailQuery = `
  WITH noted AS (
    INSERT INTO certificate_mail (subscriber_id, id, erasure_id, sealed, until) VALUES ($1, $2, $3, $4, $5)
  )
  UPDATE erasure SET address_until = greatest(address_until, $5::timestamptz) WHERE subscriber_id = $1 AND id = $3`;

/** Certificates that are signed and wait to be mailed. */
export const certificatesToMailQuery = `
  SELECT erasure.*, certificate_mail.id AS mail_id, sealed, until
  FROM certificate_mail
  JOIN erasure ON erasure.subscriber_id = certificate_mail.subscriber_id AND erasure.id = erasure_id
  WHERE posted_at IS NULL AND until > now() AND finished_at IS NOT NULL AND residue_unreadable_at IS NOT NULL
  ORDER BY until LIMIT 500`;

/** $1 subscriber, $2 id. */
export const postedMailQuery = `
  UPDATE certificate_mail SET posted_at = clock_timestamp(), sealed = NULL
  WHERE subscriber_id = $1 AND id = $2 AND posted_at IS NULL RETURNING id`;

/** Addresses whose mail was sent, or cannot be, or whose time is over. */
export const endedMailsQuery = `
  SELECT id FROM certificate_mail
  WHERE until <= now() OR (posted_at IS NOT NULL AND NOT EXISTS (
    SELECT FROM mail WHERE key_scope = 'mail' AND key_id = certificate_mail.id AND failed_at IS NULL))
  LIMIT 1000`;

/** $1 ids. */
export const removeMailsQuery = `
  DELETE FROM certificate_mail WHERE id = ANY ($1::uuid[])`;

/** Marks an erasure as that of the whole subscriber, which is not finished then. $1 subscriber, $2 erasure. */
export const ofSubscriberQuery = `UPDATE erasure SET of_subscriber = true, finished_at = NULL WHERE subscriber_id = $1 AND id = $2`;

/** Invitations of a subscriber, whose keys are those of the contacts they may become. $1 subscriber. */
export const invitationsQuery = `SELECT id FROM invitation WHERE subscriber_id = $1`;
