import { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { MemberPrincipal } from '../src/auth/principal.js';
import { Identities } from '../src/interlocutors/identities.js';
import { Labels } from '../src/labels/labels.service.js';
import { Vault } from '../src/platform/vault/vault.js';
import type { RunningService } from '../src/service.js';

const beginnings = [
  'Ros',
  'Bian',
  'Fer',
  'Espo',
  'Mar',
  'Gal',
  'Con',
  'Cos',
  'Gior',
  'Riz',
  'Lom',
  'Bar',
  'Gre',
  'Zan',
];
const middles = ['a', 'e', 'i', 'o', 'an', 'er', 'in', 'on', 'ett', 'ell', 'ar', 'ad', 'ì', 'ù'];
const ends = ['si', 'chi', 'ri', 'ti', 'ni', 'li', 'sio', 'ci', 'lli', 'tti', 'no', 'do', 'ghi', 'vich'];
const firstNames = [
  'Anna',
  'Bruno',
  'Carla',
  'Niccolò',
  'Łukasz',
  'Maria Chiara',
  'Jean-Pierre',
  'Zoë',
  'Оксана',
  'Ugo',
];
const provinces = ['RA', 'FC', 'BO', 'MI', 'VE', 'TO', 'RM', 'NA', 'PA', 'BA'];

/** Names that repeat about as often as surnames do; always the same for the same number. */
export function personOf(number: number) {
  const pick = <Item>(list: readonly Item[], salt: number) =>
    list[Math.floor((Math.imul(number + 1, 2654435761 + salt * 40503) >>> 0) / 65536) % list.length]!;
  const surname = pick(beginnings, 1) + pick(middles, 2) + pick(middles, 3) + pick(ends, 4);
  const firstName = pick(firstNames, 5);
  return {
    firstName,
    surname,
    email: `${firstName.slice(0, 1)}${number}@mail.example`.normalize('NFKD').replace(/[^\w.@]/g, 'x'),
    region: pick(['Emilia-Romagna', 'Lombardia', 'Veneto', 'Lazio', 'Sicilia'], 6),
    province: pick(provinces, 7),
    sector: number % 10 === 0 ? 'Ristorazione' : null,
  };
}

/** The owner of a business, without a session. */
export async function ownerOf(service: RunningService, subscriberId: string): Promise<MemberPrincipal> {
  const [{ memberId, accountId }] = await service.app
    .get(DataSource)
    .query<[{ memberId: string; accountId: string }]>(
      'SELECT id AS "memberId", account_id AS "accountId" FROM member WHERE subscriber_id = $1',
      [subscriberId],
    );
  return { kind: 'member', role: 'owner', subscriberId, accountId, memberId, sessionId: uuid(), locale: 'it' };
}

/**
 * Contacts as joining makes them: a key each, identities sealed with it, and a conversation. Without accounts, which no list
 * looks at.
 */
export async function addContacts(service: RunningService, shop: MemberPrincipal, size: number): Promise<void> {
  const database = service.app.get(DataSource);
  const [identities, labels, vault] = [service.app.get(Identities), service.app.get(Labels), service.app.get(Vault)];
  const labelIds: string[] = [];
  for (let i = 0; i < 20; i++) labelIds.push((await labels.create(shop, { name: `Etichetta ${i}` })).id);
  const { subscriberId } = shop;
  for (let start = 0; start < size; start += 1_000) {
    const people = Array.from({ length: Math.min(1_000, size - start) }, (_, i) => ({
      id: uuid(),
      ...personOf(start + i),
    }));
    const ids = people.map(({ id }) => id);
    await vault.createKeys(...ids.map((id) => ({ scope: 'contact', id }) as const));
    await service.keyring.keys('contact', ids);
    const sealed = await Promise.all(
      people.map(({ id, firstName, surname, email }) =>
        identities.sealCopy(subscriberId, id, { firstName, surname, email }),
      ),
    );
    await database.query(
      `INSERT INTO contact (subscriber_id, id, interlocutor_id, identity, region, province, sector,
                            promotions, privacy_version, joined_at, updated_at)
       SELECT $1, id, gen_random_uuid(), identity, region, province, sector, false, 1,
              now() - random() * interval '1 year', now()
       FROM unnest($2::uuid[], $3::bytea[], $4::text[], $5::text[], $6::text[])
              AS new (id, identity, region, province, sector)`,
      [
        subscriberId,
        ids,
        sealed,
        people.map(({ region }) => region),
        people.map(({ province }) => province),
        people.map(({ sector }) => sector),
      ],
    );
    await database.query(
      `INSERT INTO contact_label SELECT $1, contact_id, label_id
       FROM unnest($2::uuid[], $3::uuid[]) AS new (contact_id, label_id)`,
      [subscriberId, ids, ids.map((_, i) => labelIds[i % labelIds.length])],
    );
    await database.query(
      `WITH new AS (SELECT id FROM unnest($2::uuid[]) AS new (id)),
            conversations AS (INSERT INTO conversation (subscriber_id, id, changed_at) SELECT $1, id, now() FROM new)
       INSERT INTO watermark (subscriber_id, conversation_id, party, minute, told_minute)
       SELECT $1, id, party, minute, minute
       FROM new, unnest(enum_range(NULL::party)) AS party, date_trunc('minute', now()) AS minute`,
      [subscriberId, ids],
    );
  }
}
