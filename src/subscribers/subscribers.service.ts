import { Inject, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, LessThan, type Repository } from 'typeorm';
import { type Config, CONFIG, consentAgeElsewhere } from '../platform/config.js';
import { DomainError, NotFound, ValidationFailed } from '../platform/problems/domain-error.js';
import type { PolicyIdentity } from '../policies/policies.service.js';
import { businessData, businessErrors } from './business.js';
import { type Logo, LogoError, reencodeLogo } from './logos.js';
import { countries } from './postal-address.js';
import { Subscriber, SubscriberLogo } from './subscriber.entity.js';
import type { BusinessChanges } from './subscribers.dto.js';

@Injectable()
export class Subscribers {
  constructor(
    @InjectRepository(Subscriber) private readonly subscribers: Repository<Subscriber>,
    @InjectRepository(SubscriberLogo) private readonly logos: Repository<SubscriberLogo>,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @throws NotFound */
  async get(id: string): Promise<Subscriber> {
    const subscriber = await this.subscribers.findOneBy({ id });
    if (!subscriber) throw new NotFound();
    return subscriber;
  }

  /** The same in a transaction, which has locked it. */
  getWithin(manager: EntityManager, id: string): Promise<Subscriber> {
    return manager.findOneByOrFail(Subscriber, { id });
  }

  /** Adds a subscriber, in the transaction that registers it. */
  async add(manager: EntityManager, subscriber: Subscriber): Promise<void> {
    await manager.insert(Subscriber, subscriber);
  }

  /** Locks a subscriber until the transaction ends, so that changes that count towards a limit run one at a time. */
  async lock(manager: EntityManager, id: string): Promise<void> {
    await manager.query('SELECT FROM subscriber WHERE subscriber_id = $1 FOR NO KEY UPDATE', [id]);
  }

  /** @returns whether it is a newer version than the one accepted before */
  async acceptPolicy(
    manager: EntityManager,
    id: string,
    { purpose, version }: { purpose: 'terms' | 'privacy'; version: number },
  ): Promise<boolean> {
    const column = purpose === 'terms' ? 'termsVersion' : 'privacyVersion';
    const { affected } = await manager.update(Subscriber, { id, [column]: LessThan(version) }, { [column]: version });
    return Boolean(affected);
  }

  /**
   * Corrects the data of the business; they are checked together, as when it registered.
   * @returns the subscriber as it was before; undefined when all is so already
   * @throws ValidationFailed
   */
  async edit(
    manager: EntityManager,
    id: string,
    { seenTimes, ...changes }: BusinessChanges,
  ): Promise<Subscriber | undefined> {
    const before = await manager.findOneOrFail(Subscriber, { where: { id }, lock: { mode: 'for_no_key_update' } });
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    const business = { ...before, ...given };
    const errors = businessErrors(business);
    if (errors.length > 0) throw new ValidationFailed(errors);
    const data = businessData(business);
    const switched = seenTimes !== undefined && seenTimes !== (before.seenTimesSince !== null);
    const same = Object.entries(data).every(([name, value]) => before[name as keyof typeof data] === value);
    if (same && !switched) return undefined;
    await manager.update(Subscriber, { id }, data);
    if (switched) await this.switchSeenTimes(manager, id, seenTimes);
    await this.stampProfile(manager, id);
    return before;
  }

  /** Age of digital consent where the subscriber is (Art. 8 GDPR). */
  digitalConsentAge({ country }: Subscriber): number {
    return this.config.digitalConsentAges[country] ?? consentAgeElsewhere;
  }

  /** Identity of the controller, for the policies that a subscriber's interlocutors read. */
  identity(subscriber: Subscriber, locale: string): PolicyIdentity {
    const { businessName, email, street, streetNumber, postcode, city, province, country, vatNumber, taxCode } =
      subscriber;
    const place = province ? `${city} (${province})` : city;
    const countryName = countries(locale === 'it' ? 'it' : 'en').find(({ code }) => code === country)?.name ?? country;
    return {
      businessName,
      businessEmail: email,
      businessAddress: `${street} ${streetNumber}, ${postcode} ${place}, ${countryName}`,
      businessVatNumber: vatNumber ?? '',
      businessTaxCode: taxCode ?? '',
      digitalConsentAge: this.digitalConsentAge(subscriber),
    };
  }

  /** @throws DomainError `too_large`, `media_type_refused`, `logo_…`, `rate_limited` or `overloaded` */
  drawLogo(upload: Buffer, subscriberId: string): Promise<Logo> {
    return reencodeLogo(upload, subscriberId).catch((error: unknown) => {
      if (error instanceof LogoError) throw new DomainError(logoProblems[error.code], { detail: error.message });
      throw error;
    });
  }

  async setLogo(manager: EntityManager, subscriberId: string, { bytes, mediaType }: Logo): Promise<void> {
    // One statement, because two concurrent requests that read first would both insert.
    await manager.upsert(SubscriberLogo, { subscriberId, mediaType, bytes, updatedAt: new Date() }, ['subscriberId']);
    await this.stampProfile(manager, subscriberId);
  }

  /** @returns whether there was one */
  async removeLogo(manager: EntityManager, subscriberId: string): Promise<boolean> {
    const { affected } = await manager.delete(SubscriberLogo, { subscriberId });
    if (affected) await this.stampProfile(manager, subscriberId);
    return Boolean(affected);
  }

  hasLogo(subscriberId: string): Promise<boolean> {
    return this.logos.existsBy({ subscriberId });
  }

  /** @throws NotFound when the subscriber has none */
  async logo(subscriberId: string): Promise<SubscriberLogo> {
    const logo = await this.logos.findOneBy({ subscriberId });
    if (!logo) throw new NotFound();
    return logo;
  }

  /**
   * Pauses or resumes a subscriber in a transaction.
   * @returns whether that changes anything
   */
  async pause(manager: EntityManager, id: string, paused: boolean): Promise<boolean> {
    const [rows] = await manager.query<[unknown[], number]>(
      `UPDATE subscriber
       SET paused_at = CASE WHEN $2 THEN clock_timestamp() END, profile_changed_at = change_time()
       WHERE subscriber_id = $1 AND (paused_at IS NULL) = $2 RETURNING subscriber_id`,
      [id, paused],
    );
    return rows.length > 0;
  }

  /**
   * Sets the months for which a subscriber's messages are kept, and from when on that is so, in a transaction; null keeps them for
   * good.
   */
  async retain(manager: EntityManager, id: string, retention: { months: number; from: Date } | null): Promise<void> {
    await manager.query(
      `UPDATE subscriber SET retention_months = $2, retention_from = $3, profile_changed_at = change_time()
       WHERE subscriber_id = $1`,
      [id, retention?.months ?? null, retention?.from ?? null],
    );
  }

  /**
   * Notes that a subscriber is to be closed, in a transaction; one that is to be already keeps its time.
   * @returns the times, and whether they are new
   */
  async askClosing(
    manager: EntityManager,
    id: string,
    closesAt: Date,
  ): Promise<{ askedAt: Date; closesAt: Date; made: boolean }> {
    const [rows] = await manager.query<[unknown[], number]>(
      `UPDATE subscriber
       SET closing_asked_at = clock_timestamp(), closes_at = $2, closing_told_id = NULL, closing_told_at = NULL,
           profile_changed_at = change_time()
       WHERE subscriber_id = $1 AND closes_at IS NULL RETURNING subscriber_id`,
      [id, closesAt],
    );
    const now = await manager.findOneByOrFail(Subscriber, { id });
    return { askedAt: now.closingAskedAt!, closesAt: now.closesAt!, made: rows.length > 0 };
  }

  /**
   * Notes that a subscriber is not to be closed after all, in a transaction.
   * @returns whether it was to be
   * @throws DomainError `closing_under_way`
   */
  async withdrawClosing(manager: EntityManager, id: string): Promise<boolean> {
    const [rows] = await manager.query<[unknown[], number]>(
      `UPDATE subscriber SET closing_asked_at = NULL, closes_at = NULL, profile_changed_at = change_time()
       WHERE subscriber_id = $1 AND closes_at IS NOT NULL AND closing_erasure_id IS NULL RETURNING subscriber_id`,
      [id],
    );
    if (rows.length > 0) return true;
    const { closesAt } = await manager.findOneByOrFail(Subscriber, { id });
    if (closesAt)
      throw new DomainError('closing_under_way', {
        detail: 'The erasure has already started, so you can no longer take it back.',
      });
    return false;
  }

  /**
   * Locks a subscriber that is to be closed, in the transaction that tells its contacts.
   * @returns the contact behind which they wait to be told; undefined when there is nobody to tell, or another is at it
   */
  async lockToTellOfClosing(
    manager: EntityManager,
    id: string,
    closesAt: Date,
  ): Promise<{ after: string | null } | undefined> {
    const [locked] = await manager.query<{ after: string | null }[]>(
      `SELECT closing_told_id AS after FROM subscriber
       WHERE subscriber_id = $1 AND closes_at = $2 AND closing_erasure_id IS NULL AND closing_told_at IS NULL
       FOR NO KEY UPDATE SKIP LOCKED`,
      [id, closesAt],
    );
    return locked;
  }

  /** Notes up to which contact a closing has been told, and whether that was the last. */
  async noteClosingTold(manager: EntityManager, id: string, upTo: string | null, done: boolean): Promise<void> {
    await manager.query(
      `UPDATE subscriber SET closing_told_id = $2, closing_told_at = CASE WHEN $3::boolean THEN clock_timestamp() END
       WHERE subscriber_id = $1`,
      [id, upTo, done],
    );
  }

  /**
   * Begins to close a subscriber whose time has come, in the transaction of its erasure.
   * @returns false if its owner has changed its mind meanwhile
   */
  async beginClosing(manager: EntityManager, id: string, erasureId: string): Promise<boolean> {
    const [rows] = await manager.query<[unknown[], number]>(
      `UPDATE subscriber SET closing_erasure_id = $2
       WHERE subscriber_id = $1 AND closes_at <= $3 AND closing_erasure_id IS NULL RETURNING subscriber_id`,
      [id, erasureId, new Date()],
    );
    return rows.length > 0;
  }

  /**
   * Closes a subscriber that came back with a backup.
   * @returns false for one that is closed
   */
  async closeAgain(id: string, erasureId: string): Promise<boolean> {
    const [rows] = await this.subscribers.query<[unknown[], number]>(
      `UPDATE subscriber
       SET closing_asked_at = coalesce(closing_asked_at, now()), closes_at = coalesce(closes_at, now()),
           closing_erasure_id = $2
       WHERE subscriber_id = $1 AND closed_at IS NULL RETURNING subscriber_id`,
      [id, erasureId],
    );
    return rows.length > 0;
  }

  /** Empties a subscriber that is closed. Its name stays: certificates and proofs of consent say for whom they stand. */
  async empty(id: string): Promise<void> {
    await this.subscribers.query(
      `UPDATE subscriber
       SET closed_at = clock_timestamp(), email = '', street = '', street_number = '', postcode = '', city = '',
           province = NULL, vat_number = NULL, tax_code = NULL
       WHERE subscriber_id = $1 AND closed_at IS NULL`,
      [id],
    );
  }

  /** Watermarks know their minute only, so what is disclosed again begins with the next one. */
  private async switchSeenTimes(manager: EntityManager, id: string, on: boolean): Promise<void> {
    await manager.query(
      `UPDATE subscriber SET seen_times_changed_at = change_time(),
         seen_times_since = CASE WHEN $2::boolean THEN date_trunc('minute', clock_timestamp()) + interval '1 minute' END
       WHERE subscriber_id = $1`,
      [id, on],
    );
  }

  /** The heads of its conversations count as changed from now on. */
  private async stampProfile(manager: EntityManager, id: string): Promise<void> {
    await manager.query('UPDATE subscriber SET profile_changed_at = change_time() WHERE subscriber_id = $1', [id]);
  }
}

const logoProblems = {
  logo_type: 'media_type_refused',
  logo_too_large: 'too_large',
  logo_dimensions: 'logo_dimensions',
  logo_unreadable: 'logo_unreadable',
} as const;
