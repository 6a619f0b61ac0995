const labels = `ARRAY(SELECT label_id FROM contact_label
  WHERE contact_label.subscriber_id = contact.subscriber_id AND contact_id = contact.id ORDER BY label_id) AS labels`;

export interface DirectoryRow {
  id: string;
  identity: Buffer;
  region: string | null;
  province: string | null;
  sector: string | null;
  promotions: boolean;
  labels: string[];
  joined_at: Date;
  updated_at: Date;
}

const directoryColumns = `id, identity, region, province, sector, promotions, joined_at, updated_at, ${labels}`;

/** $1 subscriber, $2 the last id of the slice before, $3 how many. */
export const directorySliceQuery = `
  SELECT ${directoryColumns} FROM contact WHERE subscriber_id = $1 AND id > $2 ORDER BY id LIMIT $3`;

/** $1 subscriber, $2 ids. */
export const directoryRowsQuery = `
  SELECT ${directoryColumns} FROM contact WHERE subscriber_id = $1 AND id = ANY ($2::uuid[])`;

export interface ContactRow extends DirectoryRow {
  email_verified: boolean;
  address_shared: boolean;
  invitation_id: string | null;
  invitation_kind: 'personal' | 'open' | null;
  invitation_name: Buffer | null;
  note: Buffer | null;
  phone: Buffer | null;
  external_id: Buffer | null;
}

/** $1 subscriber, $2 ids. */
export const contactRowsQuery = `
  SELECT ${directoryColumns}, note, phone, external_id, email_verified, invitation_id,
         (SELECT kind FROM invitation
          WHERE invitation.subscriber_id = contact.subscriber_id AND invitation.id = invitation_id) AS invitation_kind,
         (SELECT name FROM invitation
          WHERE invitation.subscriber_id = contact.subscriber_id AND invitation.id = invitation_id) AS invitation_name,
         EXISTS (SELECT FROM contact AS other
                 WHERE other.subscriber_id = contact.subscriber_id AND other.address_hash = contact.address_hash
                   AND other.id <> contact.id) AS address_shared
  FROM contact WHERE subscriber_id = $1 AND id = ANY ($2::uuid[])`;

/** Locks contacts in the order of their ids, so that two changes of several do not wait for each other. $1 subscriber, $2 ids. */
export const lockContactsQuery = `
  SELECT id FROM contact WHERE subscriber_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id FOR NO KEY UPDATE`;

/** $1 subscriber, $2 ids. */
export const toEraseQuery = `
  SELECT id, interlocutor_id AS "interlocutorId", address_hash AS "addressHash"
  FROM contact WHERE subscriber_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id`;

/** Likewise, before they are erased. */
export const lockToEraseQuery = `
  SELECT id FROM contact WHERE subscriber_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id FOR UPDATE`;

/** $1 subscriber, $2 contacts, $3 labels; gives the contacts that got one. */
export const addLabelsQuery = `
  INSERT INTO contact_label (subscriber_id, contact_id, label_id)
  SELECT $1, contact_id, label_id FROM unnest($2::uuid[]) AS contact_id, unnest($3::uuid[]) AS label_id
  ON CONFLICT DO NOTHING RETURNING contact_id`;

/** Labels that are gone are passed over. $1 subscriber, $2 contact, $3 labels. */
export const startingLabelsQuery = `
  INSERT INTO contact_label (subscriber_id, contact_id, label_id)
  SELECT $1, $2, id FROM label WHERE subscriber_id = $1 AND id = ANY ($3::uuid[]) FOR KEY SHARE`;

/** $1 subscriber, $2 contacts, $3 labels; gives the contacts that lost one. */
export const removeLabelsQuery = `
  WITH gone AS (DELETE FROM contact_label
                WHERE subscriber_id = $1 AND contact_id = ANY ($2::uuid[]) AND label_id = ANY ($3::uuid[])
                RETURNING contact_id)
  SELECT contact_id FROM gone`;

/** As removeLabelsQuery, but all labels except $3. */
export const keepLabelsQuery = `
  WITH gone AS (DELETE FROM contact_label
                WHERE subscriber_id = $1 AND contact_id = ANY ($2::uuid[]) AND label_id <> ALL ($3::uuid[])
                RETURNING contact_id)
  SELECT contact_id FROM gone`;

/** $1 subscriber, $2 contacts, $3 the most labels a contact may have. */
export const overlabelledQuery = `
  SELECT contact_id FROM contact_label WHERE subscriber_id = $1 AND contact_id = ANY ($2::uuid[])
  GROUP BY contact_id HAVING count(*) > $3 LIMIT 1`;

/** Rises even when two changes fall into one millisecond. Heads of conversations show labels. $1 subscriber, $2 ids. */
export const touchContactsQuery = `
  UPDATE contact SET updated_at = greatest(change_time(), updated_at + interval '1 millisecond'),
         profile_changed_at = change_time()
  WHERE subscriber_id = $1 AND id = ANY ($2::uuid[])`;

/**
 * The others of an address, two at most: the only one begins or ceases to share it with the contact, for more nothing changes.
 * $1 subscriber, $2 hash of the address, $3 contact.
 */
export const twinsQuery = `
  SELECT id FROM contact WHERE subscriber_id = $1 AND address_hash = $2 AND id <> $3 LIMIT 2`;

/** Contacts that are alone with one of these addresses. $1 subscriber, $2 hashes of addresses. */
export const aloneQuery = `
  SELECT min(id::text)::uuid AS id FROM contact WHERE subscriber_id = $1 AND address_hash = ANY ($2::bytea[])
  GROUP BY address_hash HAVING count(*) = 1 ORDER BY 1`;

/** $1 interlocutor, $2 whether its address is verified; gives the contacts for which that is new. */
export const setEmailVerifiedQuery = `
  WITH changed AS (
    SELECT subscriber_id, id FROM contact WHERE interlocutor_id = $1 AND email_verified <> $2
    ORDER BY id FOR NO KEY UPDATE
  ), written AS (
    UPDATE contact SET email_verified = $2, updated_at = greatest(change_time(), updated_at + interval '1 millisecond')
    FROM changed WHERE contact.subscriber_id = changed.subscriber_id AND contact.id = changed.id
    RETURNING contact.subscriber_id, contact.id
  )
  SELECT subscriber_id AS "subscriberId", id FROM written ORDER BY id`;

/** Contacts of before addresses were hashed. $1 subscriber and $2 id of the last one, $3 how many. */
export const unhashedContactsQuery = `
  SELECT subscriber_id, id, identity FROM contact
  WHERE address_hash IS NULL AND (subscriber_id, id) > ($1::uuid, $2::uuid) ORDER BY subscriber_id, id LIMIT $3`;

/** $1 subscriber, $2 hash of the address, $3 time, $4 key of the acceptance or null, $5 hash of the password. */
export const joinedBeforeQuery = `
  SELECT contact.id, account.id AS account_id FROM contact
  JOIN interlocutor ON interlocutor.id = contact.interlocutor_id
  JOIN account ON account.id = interlocutor.account_id AND account.password_hash = $5
  WHERE contact.subscriber_id = $1
    AND (contact.joining_key = $4 OR (contact.address_hash = $2 AND contact.joined_at > $3))
  ORDER BY (contact.joining_key = $4) DESC NULLS LAST, contact.joined_at DESC LIMIT 20`;
