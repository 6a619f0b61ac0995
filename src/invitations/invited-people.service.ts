import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { limits } from '../contract/limits.js';
import type { Forgotten, Gone } from '../platform/forgetting/holdings.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { Outbox } from '../platform/mail/outbox.js';
import { AddressHashes } from '../platform/vault/address-hashes.js';
import { type CanonicalAddress, canonicalAddress } from '../platform/validation/email-addresses.js';
import { Vault } from '../platform/vault/vault.js';
import type { Invitation } from './invitation.entity.js';
import type { SuggestedPerson } from './invitations.dto.js';

/** A person to invite: by mail with an address, by letter without one. */
export interface InvitedPerson {
  /** Id of the invitation, and of the contact it becomes. */
  id: string;
  email?: string;
  suggestion?: SuggestedPerson;
  /**
   * Several people of one file have this address. A mailbox gets one invitation: the first of them has it, unless one that
   * stands is another's, and the others are invited by letter.
   */
  shared?: 'first' | 'further';
  /** Tells one without address apart from namesakes in the same file. */
  apart?: string;
}

/** Opened data about an invited person; empty if it was forgotten. */
export type OpenedPerson = Omit<InvitedPerson, 'id'>;

export interface SealedPerson {
  email: Buffer | null;
  emailHash: Buffer | null;
  lineHash: Buffer | null;
  stopHash: Buffer | null;
  suggestion: Buffer | null;
}

const forgetInvited = defineJob('invitation.forget', { cron: '41 * * * *' });
const forgottenAtOnce = 500;

/** Seals what is known of people who are invited but did not join, and forgets it. */
@Injectable()
export class InvitedPeople {
  constructor(
    private readonly addresses: AddressHashes,
    private readonly database: DataSource,
    private readonly outbox: Outbox,
    private readonly vault: Vault,
    jobs: Jobs,
  ) {
    jobs.handle(forgetInvited, () => this.forgetExpired());
  }

  /** Seals each with the key of its invitation, which has to be there. */
  async seal(subscriberId: string, people: readonly InvitedPerson[]): Promise<SealedPerson[]> {
    const texts = people.flatMap(({ id, email, suggestion }) => [
      ...(email === undefined ? [] : [{ id, text: email, context: emailContext(subscriberId, id) }]),
      ...(suggestion ? [{ id, text: JSON.stringify(suggestion), context: suggestionContext(subscriberId, id) }] : []),
    ]);
    const sealed = (await this.vault.sealMany('contact', texts)).values();
    const sealedPeople: SealedPerson[] = [];
    for (const person of people) {
      const { id, email, suggestion } = person;
      sealedPeople.push({
        email: email === undefined ? null : sealed.next().value!,
        suggestion: suggestion ? sealed.next().value! : null,
        emailHash: this.emailHashes(subscriberId, person)[0] ?? null,
        lineHash: this.lineHash(subscriberId, person) ?? null,
        stopHash: email === undefined ? null : await this.sealStopHash(subscriberId, id, email),
      });
    }
    return sealedPeople;
  }

  /** In the order of the invitations, which are of one subscriber. */
  async open(subscriberId: string, invitations: readonly Invitation[]): Promise<OpenedPerson[]> {
    const values = invitations.flatMap(({ id, email, suggestion }) => [
      ...(email ? [{ id, sealed: email, context: emailContext(subscriberId, id) }] : []),
      ...(suggestion ? [{ id, sealed: suggestion, context: suggestionContext(subscriberId, id) }] : []),
    ]);
    const texts = (await this.vault.openMany('contact', values)).values();
    return invitations.map(({ email, suggestion }) => {
      const address = email ? texts.next().value : undefined;
      const text = suggestion ? texts.next().value : undefined;
      return {
        ...(address !== undefined && { email: address }),
        ...(text !== undefined && { suggestion: JSON.parse(text) as SuggestedPerson }),
      };
    });
  }

  /** By which an address is found among the invitations of one subscriber: the first is the one that is stored today. */
  emailHashes(subscriberId: string, { email }: OpenedPerson): Buffer[] {
    return email === undefined ? [] : this.addresses.all('invited address', email, subscriberId);
  }

  /** By which a line without address is recognised: by its `externalId`, or else by all it says but note and labels. */
  lineHash(subscriberId: string, { email, suggestion, apart }: OpenedPerson): Buffer | undefined {
    if (email !== undefined || !suggestion) return undefined;
    const { externalId, note: _, labels: __, ...rest } = suggestion;
    const line = Object.entries(rest)
      .map(([field, text]) => `${field}=${String(text).toLowerCase()}`)
      .sort();
    const what =
      externalId === undefined
        ? ['line', ...line, ...(apart === undefined ? [] : [`apart=${apart}`])]
        : ['externalId', externalId];
    return this.vault.lookupHash('invited line', JSON.stringify([subscriberId, ...what]));
  }

  /** Addresses among these whose owners asked not to be written to, whatever the spelling was then. */
  async stoppedAmong(manager: EntityManager, addresses: readonly string[]): Promise<Set<CanonicalAddress>> {
    const byHash = new Map<string, CanonicalAddress>();
    for (const address of addresses) {
      for (const hash of this.addresses.all('stopped address', address))
        byHash.set(hash.toString('hex'), canonicalAddress(address));
    }
    if (byHash.size === 0) return new Set();
    const rows = await manager.query<{ hash: string }[]>(
      `SELECT encode(email_hash, 'hex') AS hash FROM mail_stop WHERE email_hash = ANY ($1)`,
      [[...byHash.keys()].map((hash) => Buffer.from(hash, 'hex'))],
    );
    return new Set(rows.map(({ hash }) => byHash.get(hash)!));
  }

  /** Stops all further invitations to this address, from any subscriber. */
  async stop(manager: EntityManager, invitation: Invitation): Promise<void> {
    const { subscriberId, id, stopHash } = invitation;
    const sealed = await this.vault.open(
      { scope: 'subscriber', id: subscriberId },
      stopHash!,
      stopContext(subscriberId, id),
    );
    // An older invitation's hash is that of its spelling; as long as the address is there, the mailbox has one as well.
    const [person] = await this.open(subscriberId, [invitation]);
    const hashes: Buffer[] = [Buffer.from(sealed, 'base64')];
    if (person?.email !== undefined) hashes.push(this.addresses.of('stopped address', person.email));
    await manager.query(
      `INSERT INTO mail_stop (email_hash, stopped_at) SELECT hash, now() FROM unnest($1::bytea[]) AS hash
       ON CONFLICT DO NOTHING`,
      [hashes],
    );
  }

  /**
   * Writes down what a file now says of people who have not joined.
   * @returns the ids of those whose invitations still stand
   */
  async correct(
    manager: EntityManager,
    subscriberId: string,
    people: readonly { id: string; suggestion: SuggestedPerson }[],
  ): Promise<Set<string>> {
    const sealed = await this.vault.sealMany(
      'contact',
      people.map(({ id, suggestion }) => ({
        ...{ id, text: JSON.stringify(suggestion), context: suggestionContext(subscriberId, id) },
      })),
    );
    const [rows] = await manager.query<[{ id: string }[], number]>(
      `UPDATE invitation SET suggestion = corrected.suggestion
       FROM unnest($2::uuid[], $3::bytea[]) AS corrected (id, suggestion)
       WHERE subscriber_id = $1 AND invitation.id = corrected.id AND uses = 0 AND revoked_at IS NULL AND stopped_at IS NULL
       RETURNING invitation.id`,
      [subscriberId, people.map(({ id }) => id), sealed],
    );
    return new Set(rows.map(({ id }) => id));
  }

  /** Forgets invited people and their waiting mails; those not `mailed` have none. The caller must destroy the keys after the commit. */
  async forget(
    manager: EntityManager,
    subscriberId: string,
    ids: readonly string[],
    { mailed = true } = {},
  ): Promise<void> {
    await manager.query(
      `UPDATE invitation SET email = NULL, email_hash = NULL, line_hash = NULL, suggestion = NULL
       WHERE subscriber_id = $1 AND id = ANY ($2)`,
      [subscriberId, ids],
    );
    if (!mailed) return;
    for (const id of ids) await this.outbox.withdraw(manager, { scope: 'contact', id });
  }

  /**
   * Deletes the invitations by which erased contacts joined, and those that wait for somebody at their addresses, with their
   * keys and mails.
   */
  async forgetContacts(manager: EntityManager, { subscriberId, ids, addressHashes = [] }: Gone): Promise<Forgotten> {
    const [rows] = await manager.query<[{ id: string; uses: number }[], number]>(
      `DELETE FROM invitation
       WHERE subscriber_id = $1
         AND ((kind = 'personal' AND id = ANY ($2::uuid[])) OR (email_hash = ANY ($3::bytea[]) AND uses = 0))
       RETURNING id, uses`,
      [subscriberId, ids, addressHashes],
    );
    const waiting = rows.filter(({ uses }) => uses === 0).map(({ id }) => id);
    // What is not committed in the end is readable no more, and goes the next time.
    await this.destroyKeys(waiting);
    let mails = 0;
    for (const id of waiting) mails += await this.outbox.withdraw(manager, { scope: 'contact', id });
    return { counts: { invitations: rows.length, waiting_mails: mails }, more: false };
  }

  async destroyKeys(ids: readonly string[]): Promise<void> {
    await this.vault.destroyKeys(...ids.map((id) => ({ scope: 'contact', id }) as const));
  }

  /**
   * Personal invitations that ran out unused lose whom they were for. The key goes first: what is left when this is
   * interrupted is readable no more, and done again. An hour's grace lets a joining end that began in time.
   */
  async forgetExpired(): Promise<void> {
    for (;;) {
      const expired = await this.database.query<{ subscriberId: string; id: string }[]>(
        `SELECT subscriber_id AS "subscriberId", id FROM invitation
         WHERE kind = 'personal' AND uses = 0 AND expires_at < now() - interval '1 hour'
           AND (email IS NOT NULL OR suggestion IS NOT NULL) LIMIT $1`,
        [forgottenAtOnce],
      );
      await this.destroyKeys(expired.map(({ id }) => id));
      await this.database.transaction(async (manager) => {
        for (const { subscriberId, id } of expired) await this.forget(manager, subscriberId, [id]);
      });
      if (expired.length < forgottenAtOnce) break;
    }
    await this.database.query(
      `UPDATE invitation SET stop_hash = NULL
       WHERE kind = 'personal' AND stop_hash IS NOT NULL AND email IS NULL
         AND expires_at < now() - make_interval(days => $1)`,
      [limits.stopLinkDays],
    );
  }

  private sealStopHash(subscriberId: string, id: string, email: string): Promise<Buffer> {
    const key = { scope: 'subscriber', id: subscriberId } as const;
    return this.vault.seal(
      key,
      this.addresses.of('stopped address', email).toString('base64'),
      stopContext(subscriberId, id),
    );
  }
}

/** The names of a person in the form in which they are compared: neither case, accents nor order count. */
export function namesOf({ suggestion = {} }: OpenedPerson): string {
  const { firstName = '', surname = '', companyName = '' } = suggestion;
  const words = `${firstName} ${surname} ${companyName}`.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  return (words.match(/[\p{L}\p{N}]+/gu) ?? []).sort().join(' ');
}

const emailContext = (subscriberId: string, id: string) => ['invitation', subscriberId, id, 'email'];
const suggestionContext = (subscriberId: string, id: string) => ['invitation', subscriberId, id, 'suggestion'];
const stopContext = (subscriberId: string, id: string) => ['invitation', subscriberId, id, 'stop'];
