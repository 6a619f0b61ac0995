const labels = `ARRAY(SELECT label_id FROM contact_label
  WHERE contact_label.subscriber_id = contact.subscriber_id AND contact_id = contact.id ORDER BY label_id) AS labels`;

export interface DirectoryRow {
  id: string;
  identity: Buffer;
  region: string | null;
  province: string | null;
  sector: string | null;
  labels: string[];
  joined_at: Date;
  updated_at: Date;
}

const directoryColumns = `id, identity, region, province, sector, joined_at, updated_at, ${labels}`;

/** $1 subscriber, $2 the last id of the slice before, $3 how many. */
export const directorySliceQuery = `
  SELECT ${directoryColumns} FROM contact WHERE subscriber_id = $1 AND id > $2 ORDER BY id LIMIT $3`;

/** $1 subscriber, $2 ids. */
export const directoryRowsQuery = `
  SELECT ${directoryColumns} FROM contact WHERE subscriber_id = $1 AND id = ANY ($2::uuid[])`;

export interface ContactRow extends DirectoryRow {
  promotions: boolean;
  note: Buffer | null;
  phone: Buffer | null;
  external_id: Buffer | null;
}

/** $1 subscriber, $2 ids. */
export const contactRowsQuery = `
  SELECT ${directoryColumns}, promotions, note, phone, external_id
  FROM contact WHERE subscriber_id = $1 AND id = ANY ($2::uuid[])`;

/** Locks contacts in the order of their ids, so that two changes of several do not wait for each other. $1 subscriber, $2 ids. */
export const lockContactsQuery = `
  SELECT id FROM contact WHERE subscriber_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id FOR NO KEY UPDATE`;

/** Whoever locks both locks the conversation before the contact. $1 subscriber, $2 contact. */
export const lockConversationQuery = `
  SELECT FROM conversation WHERE subscriber_id = $1 AND id = $2 FOR NO KEY UPDATE`;

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
