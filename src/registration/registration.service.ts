import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, IsNull } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { Accounts } from '../auth/accounts.service.js';
import { Credentials } from '../auth/credentials.service.js';
import { joins } from '../auth/joining-limits.js';
import { passwordError, verifyPassword } from '../auth/passwords.js';
import { type OpenedSession, Sessions } from '../auth/sessions.service.js';
import { Consents } from '../consents/consents.service.js';
import type { VerificationMail } from '../contract/accounts.js';
import type { ErrorCode, FieldError } from '../contract/errors.js';
import { limits } from '../contract/limits.js';
import { Members } from '../members/members.service.js';
import { type Config, CONFIG } from '../platform/config.js';
import { DomainError, ValidationFailed } from '../platform/problems/domain-error.js';
import { RateLimits } from '../platform/rate-limits.js';
import { MASTER_KEY } from '../platform/vault/master-key.js';
import { Vault } from '../platform/vault/vault.js';
import { businessData, businessErrors } from '../subscribers/business.js';
import { Subscriber } from '../subscribers/subscriber.entity.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { checkRegistrationCode } from './registration-codes.js';
import type { Registration, RegistrationState } from './registration.dto.js';

/** Serialises registrations while only the first may win; any number that nothing else in this database locks. */
const registrationLock = 0x0c0110;

export interface RegisteredSubscriber {
  subscriber: Subscriber;
  session: OpenedSession;
  verificationMail?: VerificationMail;
}

@Injectable()
export class Registrations {
  constructor(
    private readonly database: DataSource,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(MASTER_KEY) private readonly masterKey: Buffer,
    private readonly accounts: Accounts,
    private readonly consents: Consents,
    private readonly credentials: Credentials,
    private readonly rateLimits: RateLimits,
    private readonly members: Members,
    private readonly sessions: Sessions,
    private readonly subscribers: Subscribers,
    private readonly vault: Vault,
  ) {}

  async state(): Promise<RegistrationState['state']> {
    const { registration } = this.config;
    if (registration !== 'first') return registration === 'open' ? 'open' : 'code';
    return (await this.isTaken(this.database.manager)) ? 'closed' : 'open';
  }

  /**
   * Registers a subscriber with its owner and what the owner accepted. Sent again within ten minutes, because its answer was
   * lost or a button pressed twice, it is answered as the first time, with another session.
   * @throws DomainError `registration_closed`, `registration_code_invalid`, ConsentRequired, UsernameTaken, ValidationFailed
   */
  async register(registration: Registration, network: string): Promise<RegisteredSubscriber> {
    await this.rateLimits.count(joins, network);
    try {
      return await this.registerNew(registration, network);
    } catch (error) {
      const known = error instanceof DomainError && refusalsOfRepetitions.has(error.code);
      const repeated = known && (await this.repeat(registration, network));
      if (repeated) return repeated;
      throw error;
    }
  }

  private async registerNew(registration: Registration, network: string): Promise<RegisteredSubscriber> {
    if ((await this.state()) === 'closed') throw new DomainError('registration_closed', { detail: closedDetail });
    const codeHash = this.checkCode(registration.registrationCode);
    refuse(registrationErrors(registration));
    const acceptances = this.consents.checkRegistration(registration.consents);
    const subscriber = subscriberOf(registration, versionsOf(acceptances));
    const accountId = uuid();
    const passwordHash = await this.accounts.hashPassword(registration.password, network);
    const key = { scope: 'subscriber', id: subscriber.id } as const;
    await this.vault.createKeys(key);
    const { id: subscriberId, createdAt } = subscriber;
    const made = await this.vault.destroyingOnRefusal([key], () =>
      this.database.transaction(async (manager) => {
        await this.claimPlace(manager, codeHash);
        const { username, locale, device, email } = registration;
        const account = { id: accountId, kind: 'member', subscriberId, key, username, passwordHash, locale } as const;
        await this.accounts.create(manager, account);
        await this.subscribers.add(manager, subscriber);
        await this.members.addOwner(manager, { subscriberId, accountId, joinedAt: createdAt });
        const record = {
          subscriberId,
          contactId: null,
          accountId,
          how: 'registration',
          acceptances,
          recordedAt: createdAt,
        } as const;
        await this.consents.record(manager, record);
        const addressee = { accountId, kind: 'member' as const, key, email, locale, username };
        const verificationMail = await this.credentials.requestVerification(manager, addressee);
        return { session: await this.sessions.create(manager, accountId, { key, device }), verificationMail };
      }),
    );
    return { subscriber, ...made };
  }

  /** @returns what was registered minutes ago with the same username, password and business; undefined for anything else */
  private async repeat({ username, password, device, ...business }: Registration, network: string) {
    const [account] = await this.accounts.candidates(username);
    const since = Date.now() - limits.joiningRepeatedMinutes * 60 * 1000;
    if (!account?.subscriberId || account.createdAt.getTime() <= since) return undefined;
    const { subscriberId, id, passwordHash } = account;
    const subscriber = await this.database.manager.findOneByOrFail(Subscriber, { id: subscriberId });
    if (businessErrors(business).length > 0) return undefined;
    const same = Object.entries(businessData(business)).every(
      ([field, value]) => subscriber[field as 'email'] === value,
    );
    if (!same) return undefined;
    const [matches] = await verifyPassword(password, [passwordHash], network);
    if (!matches) return undefined;
    const key = { scope: 'subscriber', id: subscriberId } as const;
    const session = await this.database.transaction(async (manager) =>
      (await this.accounts.holdsPassword(manager, id, passwordHash))
        ? this.sessions.create(manager, id, { key, device })
        : undefined,
    );
    return session && { subscriber, session };
  }

  private checkCode(code: string | undefined): Buffer | undefined {
    if (this.config.registration !== 'invited') return undefined;
    const hash = code === undefined ? undefined : checkRegistrationCode(this.masterKey, code);
    if (!hash) throw codeInvalid();
    return hash;
  }

  /** Tells if there is a business already. One that was closed makes room for another. */
  private isTaken(manager: EntityManager): Promise<boolean> {
    return manager.exists(Subscriber, { where: { closedAt: IsNull() } });
  }

  /** Claims the first registration, which only one of two concurrent ones gets, or uses up a code. */
  private async claimPlace(manager: EntityManager, codeHash: Buffer | undefined): Promise<void> {
    if (this.config.registration === 'first') {
      await manager.query('SELECT pg_advisory_xact_lock($1)', [registrationLock]);
      if (await this.isTaken(manager)) throw new DomainError('registration_closed', { detail: closedDetail });
    }
    if (!codeHash) return;
    const used = await manager.query<unknown[]>(
      'INSERT INTO registration_code (code_hash, used_at) VALUES ($1, now()) ON CONFLICT DO NOTHING RETURNING 1',
      [codeHash],
    );
    if (used.length === 0) throw codeInvalid();
  }
}

/** Refusals that a registration meets when it is sent again. */
const refusalsOfRepetitions: ReadonlySet<ErrorCode> = new Set([
  'registration_closed',
  'registration_code_invalid',
  'username_taken',
]);

const closedDetail =
  'A business is registered on this installation already, and registration is closed. Its host can open it with REGISTRATION.';

function codeInvalid(): DomainError {
  const message =
    'The registration code is unknown, was used before or has expired. Ask the host of this installation for a new one.';
  return new DomainError('registration_code_invalid', {
    detail: message,
    errors: [{ field: 'registrationCode', code: 'registration_code_invalid', message }],
  });
}

function registrationErrors({ password, username, email, businessName, ...business }: Registration): FieldError[] {
  const refused = passwordError(password, [username, email.split('@')[0]!, businessName]);
  return [
    ...businessErrors({ email, businessName, ...business }),
    ...(refused ? [{ field: 'password', ...refused }] : []),
  ];
}

function refuse(errors: FieldError[]): void {
  if (errors.length > 0) throw new ValidationFailed(errors);
}

type Versions = Pick<Subscriber, 'termsVersion' | 'privacyVersion'>;

function versionsOf(acceptances: ReturnType<Consents['checkRegistration']>): Versions {
  const version = (purpose: string) => acceptances.find((each) => each.purpose === purpose)!.shown.document.version;
  return { termsVersion: version('terms'), privacyVersion: version('privacy') };
}

function subscriberOf(registration: Registration, versions: Versions): Subscriber {
  const data = businessData(registration);
  const createdAt = new Date();
  const seenTimes = { seenTimesSince: startOfMinute(createdAt), seenTimesChangedAt: null };
  const going = { pausedAt: null, closingAskedAt: null, closesAt: null, retentionMonths: null, retentionFrom: null };
  return { id: uuid(), ...data, ...versions, createdAt, profileChangedAt: null, ...seenTimes, ...going };
}

function startOfMinute(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 60_000) * 60_000);
}
