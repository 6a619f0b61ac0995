import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { AccountHolders } from '../auth/account-holders.service.js';
import { type Config, CONFIG } from '../platform/config.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { defineMail } from '../platform/mail/mail-kinds.js';
import { Outbox } from '../platform/mail/outbox.js';
import { timeInWords } from '../platform/mail/times.js';
import { KeyGoneError, type KeyRef } from '../platform/vault/keyring.js';
import { Vault } from '../platform/vault/vault.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { signedText } from '../contract/rules/certificate-text.js';
import { Certificates } from './certificates.service.js';
import {
  certificatesToMailQuery,
  endedMailsQuery,
  type ErasureRow,
  noteMailQuery,
  postedMailQuery,
  removeMailsQuery,
} from './erasures.queries.js';

const erasureCertificate = defineMail('erasure_certificate', 'rights');

/** Mails certificates of erasures that are complete, and destroys the keys of addresses that were written to or are too old. */
const mailCertificates = defineJob('erasure.mail_certificates', { cron: '* * * * *' });

/** An address may outlive its person so long, for the mail with the certificate. */
export const addressKeptMilliseconds = 24 * 60 * 60 * 1000;

/** An address, resealed with a key of its own. */
export interface SealedAddress {
  id: string;
  sealed: Buffer;
  until: Date;
}

interface MailRow extends ErasureRow {
  mail_id: string;
  sealed: Buffer;
  until: Date;
}

const keyOf = (id: string): KeyRef => ({ scope: 'mail', id });
const contextOf = (id: string) => ['certificate mail', id];

/**
 * Mails certificates to people who are gone by then: their address waits under a key that seals nothing else, lives for a day
 * at most and is destroyed once the mail was sent.
 */
@Injectable()
export class CertificateMails {
  private readonly origin: string;

  constructor(
    @Inject(CONFIG) { publicUrl }: Config,
    private readonly certificates: Certificates,
    private readonly database: DataSource,
    private readonly holders: AccountHolders,
    private readonly jobs: Jobs,
    private readonly outbox: Outbox,
    private readonly subscribers: Subscribers,
    private readonly vault: Vault,
  ) {
    this.origin = publicUrl.origin;
    jobs.handle(mailCertificates, () => this.proceed());
  }

  /**
   * Seals the confirmed address of an account anew, before the account's key is destroyed.
   * @returns undefined for an account that is gone or has no confirmed address
   */
  async seal(accountId: string): Promise<SealedAddress | undefined> {
    const holder = await this.holders.find(accountId);
    if (!holder?.verified) return undefined;
    const { email: to, locale, timeZone } = holder;
    const id = uuid();
    await this.vault.createKeys(keyOf(id));
    const sealed = await this.vault.seal(keyOf(id), JSON.stringify({ to, locale, timeZone }), contextOf(id));
    return { id, sealed, until: new Date(Date.now() + addressKeptMilliseconds) };
  }

  /** Notes the address for an erasure, in the transaction that begins it or while it is under way. */
  async note(
    manager: EntityManager,
    { subscriberId, id: erasureId }: { subscriberId: string; id: string },
    { id, sealed, until }: SealedAddress,
  ): Promise<void> {
    await manager.query(noteMailQuery, [subscriberId, id, erasureId, sealed, until]);
  }

  /** Destroys the key of an address for which nothing was noted. */
  async discard({ id }: SealedAddress): Promise<void> {
    await this.vault.destroyKeys(keyOf(id));
  }

  /** Has certificates mailed soon, in a transaction. */
  async plan(manager: EntityManager): Promise<void> {
    await this.jobs.add(manager, mailCertificates, {});
  }

  /** Posts the certificates of erasures that are complete, and forgets addresses that have served. */
  async proceed(): Promise<void> {
    const rows = await this.database.query<MailRow[]>(certificatesToMailQuery);
    for (const row of rows) await this.post(row);
    const ended = await this.database.query<{ id: string }[]>(endedMailsQuery);
    const ids = ended.map(({ id }) => id);
    await this.vault.destroyKeys(...ids.map(keyOf));
    if (ids.length === 0) return;
    await this.database.transaction(async (manager) => {
      for (const id of ids) await this.outbox.withdraw(manager, keyOf(id));
      await manager.query(removeMailsQuery, [ids]);
    });
  }

  private async post(row: MailRow): Promise<void> {
    const { mail_id: id, subscriber_id: subscriberId, sealed, until } = row;
    const key = keyOf(id);
    let address: { to: string; locale: string; timeZone?: string };
    try {
      address = JSON.parse(await this.vault.open(key, sealed, contextOf(id))) as typeof address;
    } catch (error) {
      if (error instanceof KeyGoneError) return;
      throw error;
    }
    const { businessName } = await this.subscribers.get(subscriberId);
    const certificate = this.certificates.of(row, businessName);
    const { to, locale, timeZone } = address;
    const time = (at: Date) => timeInWords(at, { locale, timeZone });
    const values = {
      businessName,
      number: row.id,
      unreadable: time(row.unreadable_at!),
      residue: time(row.residue_unreadable_at!),
      finished: time(row.finished_at!),
      proofs: certificate.kept.some(({ what }) => what === 'consent_proofs') ? time(row.proofs_until!) : '–',
      messages: String(certificate.erased.messages),
      files: String(certificate.erased.files),
      // As it was signed, so that it verifies as it is copied.
      certificate: signedText(certificate).replace(/}$/, `,"signature":${JSON.stringify(certificate.signature)}}`),
      url: `${this.origin}/api/erasure-key`,
    };
    await this.database.transaction(async (manager) => {
      const [posted] = await manager.query<[unknown[], number]>(postedMailQuery, [subscriberId, id]);
      if (posted.length === 0) return;
      await this.outbox.post(manager, { key, to, locale, mail: erasureCertificate, values, notAfter: until });
    });
  }
}
