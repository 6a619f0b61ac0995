import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { Contacts } from '../../src/address-book/contacts.service.js';
import { Accounts } from '../../src/auth/accounts.service.js';
import { Sessions } from '../../src/auth/sessions.service.js';
import { Conversations } from '../../src/conversations/conversations.service.js';
import { Identities } from '../../src/interlocutors/identities.js';
import { Interlocutors } from '../../src/interlocutors/interlocutors.service.js';
import { Member } from '../../src/members/member.entity.js';
import { loadConfig } from '../../src/platform/config.js';
import { Vault } from '../../src/platform/vault/vault.js';
import { type RunningService, startService } from '../../src/service.js';
import { Subscriber } from '../../src/subscribers/subscriber.entity.js';
import { people as named, registrationOf } from '../../test/support/names.js';
import type { Stage } from './stage.js';

/** The database that holds the people and nothing else; others are made as copies of it. */
const pristine = 'people';
/** Each has a keyring of its own, because two services do not share one. */
const keyringOf = (database: string) => `${database}_keyring`;

export interface Shop {
  token: string;
  subscriberId: string;
  people: Person[];
}

export interface Person {
  token: string;
  conversationId: string;
}

export interface People {
  /** Each with one interlocutor: the two write to each other. */
  couples: Shop[];
  /** One with many. */
  market: Shop;
}

/** Environment of the service under test; it has no rate limits, because all requests come from one address. */
export function environmentOf(stage: Stage, database: string): Record<string, string> {
  return {
    DATA_DIR: join(stage.dir, 'colloquio'),
    DATABASE_URL: stage.url(database),
    KEYRING_DATABASE_URL: stage.url(keyringOf(database)),
    REGISTRATION: 'open',
    RATE_MESSAGES: '1000000',
    RATE_SEARCHES: '1000000',
    RATE_SIGN_IN: '1000000',
    RATE_JOIN: '1000000',
    LOG_LEVEL: 'error',
  };
}

/**
 * Makes people as registering and joining do, with a key and a session each, but without the forms, consents and
 * passwords, which take a hundred milliseconds a person.
 */
export async function makePeople(stage: Stage, counts: { couples: number; market: number }): Promise<People> {
  await stage.createDatabase(pristine);
  await stage.createDatabase(keyringOf(pristine));
  const service = await startService(loadConfig({ ...environmentOf(stage, pristine), PORT: '0' }));
  try {
    const makers = new Makers(service, await register(service));
    const couples: Shop[] = [];
    for (let i = 0; i < counts.couples; i++) {
      const shop = await makers.shop();
      couples.push({ ...shop, people: await makers.people(shop.subscriberId, 1) });
    }
    const market = await makers.shop();
    return { couples, market: { ...market, people: await makers.people(market.subscriberId, counts.market) } };
  } finally {
    await service.stop();
  }
}

/** A new database with the people in it. */
export async function copyPeople(stage: Stage, database: string): Promise<void> {
  for (const nameOf of [(name: string) => name, keyringOf]) {
    await stage.dropDatabase(nameOf(database));
    await stage.createDatabase(nameOf(database), nameOf(pristine));
  }
}

/** Adds contacts with a key each, but without accounts, with whom nobody signs in. */
export async function addContacts(stage: Stage, database: string, subscriberId: string, count: number): Promise<void> {
  const service = await startService(loadConfig({ ...environmentOf(stage, database), PORT: '0' }));
  try {
    const makers = new Makers(service, await anyShop(service));
    for (let start = 0; start < count; start += 1_000) {
      await makers.contacts(subscriberId, Math.min(1_000, count - start));
    }
  } finally {
    await service.stop();
  }
}

function anyShop(service: RunningService): Promise<Subscriber> {
  return service.app.get(DataSource).manager.findOneOrFail(Subscriber, { where: {} });
}

/** Registers a shop through the API, whose data the others have too. */
async function register(service: RunningService): Promise<Subscriber> {
  const policies = await fetch(`${service.url}/api/policies/current?audience=subscriber&locale=it`);
  const { items } = (await policies.json()) as { items: { id: string; purpose: string }[] };
  const answer = await fetch(`${service.url}/api/subscribers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(registrationOf('bakery', 'forno-aurora', items)),
  });
  const body = (await answer.json()) as { subscriber: { id: string } };
  if (answer.status !== 201) throw new Error(JSON.stringify(body));
  return service.app.get(DataSource).manager.findOneByOrFail(Subscriber, { id: body.subscriber.id });
}

const inOneTransaction = 250;

class Makers {
  private readonly service: RunningService;
  private readonly model: Subscriber;
  private readonly database: DataSource;
  private readonly vault: Vault;

  constructor(service: RunningService, model: Subscriber) {
    this.service = service;
    this.model = model;
    this.database = service.app.get(DataSource);
    this.vault = service.app.get(Vault);
  }

  async shop(): Promise<Omit<Shop, 'people'>> {
    const [accounts, sessions] = [this.service.app.get(Accounts), this.service.app.get(Sessions)];
    const [subscriberId, accountId] = [uuid(), uuid()];
    const key = { scope: 'subscriber', id: subscriberId } as const;
    const now = new Date();
    await this.vault.createKeys(key);
    return this.database.transaction(async (manager) => {
      const account = { ...nobodySignsIn, id: accountId, kind: 'member', subscriberId, key, username: uuid() } as const;
      await accounts.create(manager, account);
      await manager.insert(Subscriber, { ...this.model, id: subscriberId });
      await manager.insert(Member, {
        subscriberId,
        id: uuid(),
        accountId,
        role: 'owner',
        createdAt: now,
        joinedAt: now,
      });
      const { token } = await sessions.create(manager, accountId, { key, device: undefined });
      return { token, subscriberId };
    });
  }

  async people(subscriberId: string, count: number): Promise<Person[]> {
    const people: Person[] = [];
    for (let start = 0; start < count; start += inOneTransaction) {
      people.push(...(await this.slice(subscriberId, Math.min(inOneTransaction, count - start))));
    }
    return people;
  }

  async contacts(subscriberId: string, count: number): Promise<void> {
    const identities = this.service.app.get(Identities);
    const ids = Array.from({ length: count }, () => uuid());
    await this.vault.createKeys(...ids.map((id) => ({ scope: 'contact', id }) as const));
    const sealed = await Promise.all(ids.map((id) => identities.sealCopy(subscriberId, id, anna)));
    await this.database.query(
      `INSERT INTO contact (subscriber_id, id, interlocutor_id, identity, promotions, privacy_version, joined_at, updated_at)
       SELECT $1, id, gen_random_uuid(), identity, true, $4, now(), now()
       FROM unnest($2::uuid[], $3::bytea[]) AS new (id, identity)`,
      [subscriberId, ids, sealed, this.model.privacyVersion],
    );
    await this.database.query(
      `WITH new AS (SELECT id FROM unnest($2::uuid[]) AS new (id)),
            conversations AS (INSERT INTO conversation (subscriber_id, id, changed_at) SELECT $1, id, now() FROM new)
       INSERT INTO watermark (subscriber_id, conversation_id, party, minute, told_minute)
       SELECT $1, id, party, minute, minute
       FROM new, unnest(enum_range(NULL::party)) AS party, date_trunc('minute', now()) AS minute`,
      [subscriberId, ids],
    );
  }

  private async slice(subscriberId: string, count: number): Promise<Person[]> {
    const { app } = this.service;
    const [accounts, sessions, interlocutors] = [app.get(Accounts), app.get(Sessions), app.get(Interlocutors)];
    const [contacts, conversations] = [app.get(Contacts), app.get(Conversations)];
    const ids = Array.from({ length: count }, () => ({ interlocutorId: uuid(), contactId: uuid() }));
    await this.vault.createKeys(
      ...ids.flatMap(({ interlocutorId, contactId }) => [
        { scope: 'interlocutor', id: interlocutorId } as const,
        { scope: 'contact', id: contactId } as const,
      ]),
    );
    return this.database.transaction(async (manager) => {
      const people: Person[] = [];
      for (const { interlocutorId, contactId } of ids) {
        const key = { scope: 'interlocutor', id: interlocutorId } as const;
        const accountId = uuid();
        const stated = { identity: anna, region: null, province: null, sector: null };
        const account = { ...nobodySignsIn, id: accountId, kind: 'interlocutor', subscriberId: null, key } as const;
        await accounts.create(manager, { ...account, username: uuid() });
        await interlocutors.create(manager, interlocutorId, accountId, stated);
        await contacts.add(manager, {
          subscriberId,
          id: contactId,
          interlocutorId,
          stated,
          promotions: true,
          privacyVersion: this.model.privacyVersion,
          externalId: undefined,
          joinedAt: new Date(),
        });
        await conversations.create(manager, subscriberId, contactId);
        const { token } = await sessions.create(manager, accountId, { key, device: undefined });
        people.push({ token, conversationId: contactId });
      }
      return people;
    });
  }
}

const { anna } = named;
/** No password has this hash. */
const nobodySignsIn = { passwordHash: '-', locale: 'it' };
