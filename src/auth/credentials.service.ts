import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { VerificationMail } from '../contract/accounts.js';
import { limits } from '../contract/limits.js';
import { type Config, CONFIG } from '../platform/config.js';
import { dayMilliseconds } from '../platform/durations.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { Log } from '../platform/log.js';
import { lockHashes } from '../platform/locks.js';
import { defineMail, type MailKind } from '../platform/mail/mail-kinds.js';
import { Outbox } from '../platform/mail/outbox.js';
import { DomainError, ValidationFailed } from '../platform/problems/domain-error.js';
import { timeInWords } from '../platform/mail/times.js';
import { defineLimit, type LimitKind, RateLimits } from '../platform/rate-limits.js';
import { canonicalAddress } from '../platform/validation/email-addresses.js';
import { AddressHashes } from '../platform/vault/address-hashes.js';
import { type AccountHolder, AccountHolders, type Addressee } from './account-holders.service.js';
import { AccountLog } from './account-log.service.js';
import { AccountTokens } from './account-tokens.service.js';
import { Accounts } from './accounts.service.js';
import { AddressFull, LinkInvalid, PasswordWrong } from './credentials.errors.js';
import { KnownDevices } from './known-devices.service.js';
import { type Page, pathOf } from './pages.js';
import { passwordError, verifyPassword } from './passwords.js';
import type { Principal } from './principal.js';
import { Sessions, signedIn } from './sessions.service.js';
import { loginName } from './usernames.js';

const verificationMinutes = 24 * 60;
const resetMinutes = 15;
const noticeDays = 3;

const addressChanged = defineMail('address_changed', 'security');
const newDevice = defineMail('new_device', 'security');
const passwordChanged = defineMail('password_changed', 'security');
const resetPassword = defineMail('reset_password', 'security');
const verifyEmail = defineMail('verify_email', 'security');

/** Mails that anybody can have sent to one account by asking for another password. */
const resetMailsPerHour = 5;
const [quarterHour, hour] = [15 * 60, 60 * 60];

const mailsOfAccount = defineLimit('verificationMail', { points: limits.verificationMailsPerHour, seconds: hour });
/** Verification mails that are sent without being asked for, to an address. */
const mailsToAddress = defineLimit('verificationByAddress', {
  points: limits.verificationMailsToAddress,
  seconds: hour,
});
const mailsAskedToAddress = defineLimit('verificationAskedByAddress', {
  points: limits.verificationMailsAskedToAddress,
  seconds: hour,
});
const mailsAskedFromNetwork = defineLimit('verificationAskedByAddressAndNetwork', {
  points: limits.verificationMailsAskedToAddress / 2,
  seconds: hour,
});
const resetsFromNetwork = defineLimit('resetByAddress', {
  points: ({ signInsPerQuarterHour }) => signInsPerQuarterHour * 10,
  seconds: quarterHour,
});
const resetsByName = defineLimit('resetByName', { points: resetMailsPerHour, seconds: hour });
const passwordChanges = defineLimit('passwordChange', {
  points: ({ signInsPerQuarterHour }) => signInsPerQuarterHour,
  seconds: quarterHour,
});

/** Refusals of one verification mail too many, in words. */
const mailsAtMost = new Map([
  [mailsOfAccount, `An account may have ${limits.verificationMailsPerHour} verification mails sent in an hour.`],
  [
    mailsAskedFromNetwork,
    `Your network has asked for ${limits.verificationMailsAskedToAddress / 2} verification mails to this address in an hour.`,
  ],
  [
    mailsAskedToAddress,
    `${limits.verificationMailsAskedToAddress} verification mails to this address have been asked for in an hour.`,
  ],
]);

/** The ids of the accounts that a login matches, up to five, joined by commas; empty if there is none. */
const mailResets = defineJob<{ accountIds: string }>('password_reset.mail');

/** Addresses and passwords of accounts: confirmed, forgotten, changed. An unverified address gets verification mails alone. */
@Injectable()
export class Credentials {
  private readonly origin: string;

  constructor(
    @Inject(CONFIG) { publicUrl }: Config,
    private readonly database: DataSource,
    private readonly accountLog: AccountLog,
    private readonly accounts: Accounts,
    private readonly devices: KnownDevices,
    private readonly hashes: AddressHashes,
    private readonly holders: AccountHolders,
    private readonly jobs: Jobs,
    private readonly log: Log,
    private readonly rateLimits: RateLimits,
    private readonly outbox: Outbox,
    private readonly sessions: Sessions,
    private readonly tokens: AccountTokens,
  ) {
    this.origin = publicUrl.origin;
    jobs.handle(mailResets, ({ accountIds }) => this.mailResets(accountIds.split(',').filter(Boolean)));
    jobs.handle(signedIn, ({ sessionId }) => this.tellOfSignIn(sessionId));
  }

  /**
   * Mails a verification link to the own address, unless it is verified.
   * @throws DomainError `rate_limited`
   */
  async askVerification({ accountId }: Principal, network: string): Promise<void> {
    const holder = await this.holders.find(accountId);
    if (!holder || holder.verified) return;
    await this.countAsked(accountId, holder.email, network);
    await this.database.transaction((manager) => this.mailVerification(manager, holder));
  }

  /**
   * Mails a verification link, in the transaction in which an account comes about.
   * @param options.invited whether an invitation that was mailed to this very address has been accepted: only who reads its
   *   mail can do that, so it is not counted among what strangers may have sent there
   */
  async requestVerification(
    manager: EntityManager,
    addressee: Addressee,
    { invited = false } = {},
  ): Promise<VerificationMail> {
    // Otherwise anybody who may join could flood a stranger's mailbox by stating its address repeatedly.
    const key = canonicalAddress(addressee.email);
    if (!invited && !(await this.rateLimits.allows(mailsToAddress, key))) return 'withheld';
    await this.mailVerification(manager, addressee);
    return 'sent_soon';
  }

  /**
   * Lets an account name another address, which is mailed: with its password, and within the limit of mails that an account may have
   * sent.
   * @throws ValidationFailed without the password, PasswordWrong, DomainError `rate_limited`
   */
  async allowAddressChange(
    { accountId }: Principal,
    { email, currentPassword, network }: { email: string; currentPassword: string | undefined; network: string },
  ): Promise<void> {
    if (currentPassword === undefined) throw passwordMissing();
    await this.requirePassword(accountId, currentPassword);
    await this.countAsked(accountId, email, network);
  }

  /**
   * The account has another address now: it has to be verified, links to the old one are void, and who reads the old one is
   * told if it was verified.
   * @param former the address it had before
   */
  async changeAddress(manager: EntityManager, addressee: Addressee, former: string): Promise<void> {
    // The tokens go first: a confirmation under way either came before, and is undone, or finds its token gone.
    await this.tokens.withdraw(manager, addressee.accountId);
    const wasVerified = await this.accounts.forgetVerifiedEmail(manager, addressee.accountId);
    if (wasVerified) {
      const values = {
        time: timeInWords(new Date(), addressee),
        address: masked(addressee.email),
        url: this.urlOf(addressee, 'home'),
      };
      await this.notify(manager, { ...addressee, email: former }, { mail: addressChanged, values });
    }
    await this.mailVerification(manager, addressee);
  }

  /** @throws LinkInvalid also when the account has another address by now, AddressFull */
  async verify(token: string): Promise<void> {
    const found = await this.tokens.find('verify_email', token);
    const { accountId, emailHash } = found;
    const holder = await this.holders.find(accountId);
    if (!holder || !this.hashes.matches(emailHash, 'email', holder.email)) throw new LinkInvalid();
    const tellOthers = await this.database.transaction(async (manager) => {
      await this.holders.lock(manager, holder);
      await lockHashes(manager, [emailHash]);
      await this.tokens.use(manager, found);
      if ((await this.accounts.othersWithAddress(manager, accountId, holder.email)) >= limits.accountsPerAddress) {
        throw new AddressFull();
      }
      await this.accounts.setVerifiedEmail(manager, accountId, emailHash);
      return this.holders.confirmed(manager, holder);
    });
    await tellOthers();
  }

  /** Does the same whether an account has this login or not: only the job finds out, so that the answer cannot tell. */
  async askReset(login: string, network: string): Promise<void> {
    const name = loginName(login);
    await this.rateLimits.count(resetsFromNetwork, network);
    await this.rateLimits.count(resetsByName, name);
    const accountIds = (await this.accounts.candidates(name)).map(({ id }) => id).join(',');
    await this.database.transaction((manager) => this.jobs.add(manager, mailResets, { accountIds }));
  }

  /** @throws LinkInvalid, ValidationFailed */
  async reset(token: string, password: string, network: string): Promise<void> {
    const found = await this.tokens.find('reset_password', token);
    const { accountId, emailHash } = found;
    const holder = await this.holders.find(accountId);
    if (!holder?.verified || !this.hashes.matches(emailHash, 'email', holder.email)) throw new LinkInvalid();
    refuseWeak(password, 'password', holder);
    const passwordHash = await this.accounts.hashPassword(password, network);
    const ended = await this.database.transaction(async (manager) => {
      await this.tokens.use(manager, found);
      return this.setPassword(manager, holder, passwordHash);
    });
    await this.sessions.silence(accountId, ended, undefined);
    await this.notePassword(holder);
  }

  /**
   * @param mark the mark of the device on which it is changed, which stays known
   * @throws PasswordWrong, ValidationFailed
   */
  async changePassword(
    principal: Principal,
    { currentPassword, newPassword }: { currentPassword: string; newPassword: string },
    mark: string | undefined,
  ): Promise<void> {
    const { accountId, sessionId } = principal;
    await this.requirePassword(accountId, currentPassword);
    const holder = (await this.holders.find(accountId))!;
    refuseWeak(newPassword, 'newPassword', holder);
    const passwordHash = await this.accounts.hashPassword(newPassword, accountId);
    const ended = await this.database.transaction((manager) =>
      this.setPassword(manager, holder, passwordHash, { except: sessionId, mark }),
    );
    await this.sessions.silence(accountId, ended, principal);
    await this.notePassword(holder);
  }

  /**
   * Requires the password of the account.
   * @throws PasswordWrong, DomainError `rate_limited`
   */
  async requirePassword(accountId: string, password: string): Promise<void> {
    await this.rateLimits.count(passwordChanges, accountId);
    const account = await this.accounts.find(accountId);
    const [matches] = await verifyPassword(password, [account?.passwordHash], accountId);
    if (!matches) throw new PasswordWrong();
    await this.rateLimits.forget(passwordChanges, accountId);
  }

  /**
   * Counts a verification mail that an account asks for: for the account, for its network at this address, and for the
   * address. A stranger who joined under somebody's address can so use up neither what that person may ask for from
   * elsewhere, nor the mailbox.
   */
  private async countAsked(accountId: string, email: string, network: string): Promise<void> {
    const address = canonicalAddress(email);
    await this.countMail(mailsOfAccount, accountId);
    await this.countMail(mailsAskedFromNetwork, address, network);
    await this.countMail(mailsAskedToAddress, address);
  }

  private async countMail(limit: LimitKind, ...key: string[]): Promise<void> {
    try {
      await this.rateLimits.count(limit, ...key);
    } catch (error) {
      if (!(error instanceof DomainError) || error.data.retryAfter === undefined) throw error;
      const { retryAfter } = error.data;
      const detail = `${mailsAtMost.get(limit)!} Try again in ${Math.ceil(retryAfter / 60)} minutes.`;
      throw new DomainError('rate_limited', { detail, retryAfter });
    }
  }

  private async mailVerification(manager: EntityManager, addressee: Addressee): Promise<void> {
    const { accountId, key, email, locale, username } = addressee;
    const { token, expiresAt } = await this.tokens.issue(manager, {
      accountId,
      purpose: 'verify_email',
      emailHash: this.hashes.of('email', email),
      minutes: verificationMinutes,
    });
    await this.outbox.post(manager, {
      key,
      about: accountId,
      to: email,
      locale,
      mail: verifyEmail,
      values: { username, url: this.urlOf(addressee, 'verify', token) },
      notAfter: expiresAt,
    });
  }

  /** @returns the sessions that ended with the old password, to be silenced after the commit */
  private async setPassword(
    manager: EntityManager,
    holder: AccountHolder,
    passwordHash: string,
    { except, mark }: { except?: string; mark?: string | undefined } = {},
  ): Promise<string[]> {
    const { accountId } = holder;
    const ended = await this.sessions.revokeAll(manager, accountId, { except });
    await this.accounts.setPasswordHash(manager, accountId, passwordHash);
    await this.tokens.withdraw(manager, accountId, 'reset_password');
    await this.devices.forget(manager, accountId, mark);
    if (holder.verified) {
      const values = { time: timeInWords(new Date(), holder), url: this.urlOf(holder, 'askReset') };
      await this.notify(manager, holder, { mail: passwordChanged, values });
    }
    return ended;
  }

  /** After the commit, for the reason that sign-ins have. */
  private async notePassword({ accountId: id, kind, key }: AccountHolder): Promise<void> {
    const subscriberId = key.scope === 'subscriber' ? key.id : null;
    await this.log.attempt(() =>
      this.database.transaction((manager) =>
        this.accountLog.recordCredentials(manager, { id, kind, subscriberId, key }, { kind: 'password.changed' }),
      ),
    );
  }

  private async mailResets(accountIds: string[]): Promise<void> {
    const holders: AccountHolder[] = [];
    for (const accountId of accountIds) {
      const holder = await this.holders.find(accountId);
      if (holder?.verified) holders.push(holder);
    }
    // All or none: a job that is tried again must not write to some of them twice.
    await this.database.transaction(async (manager) => {
      for (const holder of holders) await this.mailReset(manager, holder);
    });
  }

  private async mailReset(manager: EntityManager, holder: AccountHolder): Promise<void> {
    const { accountId, key, email, locale, username } = holder;
    const { token, expiresAt } = await this.tokens.issue(manager, {
      accountId,
      purpose: 'reset_password',
      emailHash: this.hashes.of('email', email),
      minutes: resetMinutes,
    });
    await this.outbox.post(manager, {
      key,
      about: accountId,
      to: email,
      locale,
      mail: resetPassword,
      values: { username, url: this.urlOf(holder, 'reset', token) },
      notAfter: expiresAt,
    });
  }

  private async tellOfSignIn(sessionId: string): Promise<void> {
    const session = await this.sessions.find(sessionId);
    const holder = session && (await this.holders.find(session.accountId));
    if (!holder?.verified) return;
    const device = session!.device ?? '';
    const values = { device, time: timeInWords(session!.createdAt, holder), url: this.urlOf(holder, 'askReset') };
    await this.database.transaction((manager) => this.notify(manager, holder, { mail: newDevice, values }));
  }

  private async notify(
    manager: EntityManager,
    { key, email, locale, username }: Addressee,
    { mail, values }: { mail: MailKind; values: Record<string, string> },
  ): Promise<void> {
    const notAfter = new Date(Date.now() + noticeDays * dayMilliseconds);
    await this.outbox.post(manager, { key, to: email, locale, mail, values: { username, ...values }, notAfter });
  }

  private urlOf({ kind }: Addressee, page: Page, id?: string): string {
    return `${this.origin}${pathOf(kind, page, id)}`;
  }
}

function refuseWeak(password: string, field: string, { personal }: AccountHolder): void {
  const refused = passwordError(password, personal);
  if (refused) throw new ValidationFailed([{ field, ...refused }]);
}

export const passwordMissing = () =>
  new ValidationFailed([
    { field: 'currentPassword', code: 'required', message: 'Enter your current password to change the address.' },
  ]);

/** Shortens an address so that only a person who knows it recognises it, such as "a…@mail.example". */
function masked(email: string): string {
  const [first = ''] = email;
  return `${first}…${email.slice(email.lastIndexOf('@'))}`;
}
