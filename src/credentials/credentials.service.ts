import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Accounts } from '../auth/accounts.service.js';
import { passwordError, verifyPassword } from '../auth/passwords.js';
import type { Principal } from '../auth/principal.js';
import { Sessions, signedIn } from '../auth/sessions.service.js';
import { loginName } from '../auth/usernames.js';
import { type Config, CONFIG } from '../platform/config.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { Outbox } from '../platform/mail/outbox.js';
import { ValidationFailed } from '../platform/problems/domain-error.js';
import { RateLimits } from '../platform/rate-limits.js';
import { AccountTokens } from './account-tokens.service.js';
import { type AccountHolder, type Addressee, Addresses } from './addresses.service.js';
import { LinkInvalid, PasswordWrong } from './credentials.errors.js';

const verificationMinutes = 24 * 60;
const resetMinutes = 15;
const noticeDays = 3;

/** The accounts that a login means, up to five, joined by commas; none for a login that means nobody. */
const mailResets = defineJob<{ accountIds: string }>('password_reset.mail');

/** Addresses and passwords of accounts: confirmed, forgotten, changed. An unverified address gets verification mails alone. */
@Injectable()
export class Credentials {
  private readonly origin: string;

  constructor(
    @Inject(CONFIG) { publicUrl }: Config,
    private readonly database: DataSource,
    private readonly accounts: Accounts,
    private readonly addresses: Addresses,
    private readonly jobs: Jobs,
    private readonly limits: RateLimits,
    private readonly outbox: Outbox,
    private readonly sessions: Sessions,
    private readonly tokens: AccountTokens,
  ) {
    this.origin = publicUrl.origin;
    jobs.handle(mailResets, ({ accountIds }) => this.mailResets(accountIds.split(',').filter(Boolean)));
    jobs.handle(signedIn, ({ sessionId }) => this.tellOfSignIn(sessionId));
  }

  /** Mails a verification link to the own address, unless it is verified. */
  async askVerification({ accountId }: Principal): Promise<void> {
    await this.limits.count('verificationMail', accountId);
    const holder = await this.holder(accountId);
    if (holder && !holder.verified) {
      await this.database.transaction((manager) => this.requestVerification(manager, holder));
    }
  }

  /** Mails a verification link, in the transaction in which an account comes about. */
  async requestVerification(manager: EntityManager, { accountId, key, email, locale, username }: Addressee) {
    const emailHash = this.accounts.emailHash(email);
    // Whoever may join could fill a stranger's mailbox by naming it again and again.
    if (!(await this.limits.allows('verificationByAddress', emailHash.toString('base64')))) return;
    const { token, expiresAt } = await this.tokens.issue(manager, {
      accountId,
      purpose: 'verify_email',
      emailHash,
      minutes: verificationMinutes,
    });
    await this.outbox.post(manager, {
      key,
      about: accountId,
      to: email,
      locale,
      template: 'verify_email',
      values: { username, url: `${this.origin}/verify/${token}` },
      notAfter: expiresAt,
    });
  }

  /** The account has another address now: it has to be verified, and links to the old one are void. */
  async changeAddress(manager: EntityManager, addressee: Addressee): Promise<void> {
    // The tokens go first: a confirmation under way either came before, and is undone, or finds its token gone.
    await this.tokens.withdraw(manager, addressee.accountId);
    await this.accounts.forgetVerifiedEmail(manager, addressee.accountId);
    await this.requestVerification(manager, addressee);
  }

  /** @throws LinkInvalid also when the account has another address by now */
  async verify(token: string): Promise<void> {
    const found = await this.tokens.find('verify_email', token);
    const { accountId, emailHash } = found;
    const holder = await this.holder(accountId);
    if (!holder || !this.accounts.emailHash(holder.email).equals(emailHash)) throw new LinkInvalid();
    await this.database.transaction(async (manager) => {
      await this.tokens.use(manager, found);
      await this.accounts.setVerifiedEmail(manager, accountId, emailHash);
    });
  }

  /** Does the same whether somebody has this login or not: who exists is seen by the job alone. */
  async askReset(login: string, network: string): Promise<void> {
    const name = loginName(login);
    await this.limits.count('resetByAddress', network);
    await this.limits.count('resetByName', name);
    const accountIds = (await this.accounts.candidates(name)).map(({ id }) => id).join(',');
    await this.database.transaction((manager) => this.jobs.add(manager, mailResets, { accountIds }));
  }

  /** @throws LinkInvalid, ValidationFailed */
  async reset(token: string, password: string, network: string): Promise<void> {
    const found = await this.tokens.find('reset_password', token);
    const { accountId, emailHash } = found;
    const holder = await this.holder(accountId);
    if (!holder?.verified || !this.accounts.emailHash(holder.email).equals(emailHash)) throw new LinkInvalid();
    refuseWeak(password, 'password', holder);
    const passwordHash = await this.accounts.hashPassword(password, network);
    const ended = await this.database.transaction(async (manager) => {
      await this.tokens.use(manager, found);
      return this.setPassword(manager, holder, passwordHash);
    });
    await this.sessions.silence(accountId, ended, undefined);
  }

  /** @throws PasswordWrong, ValidationFailed */
  async changePassword(
    principal: Principal,
    { currentPassword, newPassword }: { currentPassword: string; newPassword: string },
  ): Promise<void> {
    const { accountId, sessionId } = principal;
    await this.limits.count('passwordChange', accountId);
    const account = await this.accounts.find(accountId);
    const [matches] = await verifyPassword(currentPassword, [account?.passwordHash], accountId);
    if (!matches) throw new PasswordWrong();
    await this.limits.forget('passwordChange', accountId);
    const holder = (await this.holder(accountId))!;
    refuseWeak(newPassword, 'newPassword', holder);
    const passwordHash = await this.accounts.hashPassword(newPassword, accountId);
    const ended = await this.database.transaction((manager) =>
      this.setPassword(manager, holder, passwordHash, { except: sessionId }),
    );
    await this.sessions.silence(accountId, ended, principal);
  }

  /** @returns the sessions that ended with the old password, to be silenced after the commit */
  private async setPassword(
    manager: EntityManager,
    holder: AccountHolder,
    passwordHash: string,
    { except }: { except?: string } = {},
  ): Promise<string[]> {
    const { accountId } = holder;
    const ended = await this.sessions.revokeAll(manager, accountId, { except });
    await this.accounts.setPasswordHash(manager, accountId, passwordHash);
    await this.tokens.withdraw(manager, accountId, 'reset_password');
    if (holder.verified) {
      const values = { time: inWords(new Date(), holder), url: `${this.origin}/reset` };
      await this.notify(manager, holder, { template: 'password_changed', values });
    }
    return ended;
  }

  private async mailResets(accountIds: string[]): Promise<void> {
    const holders: AccountHolder[] = [];
    for (const accountId of accountIds) {
      const holder = await this.holder(accountId);
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
      emailHash: this.accounts.emailHash(email),
      minutes: resetMinutes,
    });
    await this.outbox.post(manager, {
      key,
      about: accountId,
      to: email,
      locale,
      template: 'reset_password',
      values: { username, url: `${this.origin}/reset/${token}` },
      notAfter: expiresAt,
    });
  }

  private async tellOfSignIn(sessionId: string): Promise<void> {
    const session = await this.sessions.find(sessionId);
    const holder = session && (await this.holder(session.accountId));
    if (!holder?.verified) return;
    const device = session!.device ?? '';
    const values = { device, time: inWords(session!.createdAt, holder), url: `${this.origin}/reset` };
    await this.database.transaction((manager) => this.notify(manager, holder, { template: 'new_device', values }));
  }

  private async notify(
    manager: EntityManager,
    { key, email, locale, username }: AccountHolder,
    { template, values }: { template: 'password_changed' | 'new_device'; values: Record<string, string> },
  ): Promise<void> {
    const notAfter = new Date(Date.now() + noticeDays * 24 * 60 * 60 * 1000);
    await this.outbox.post(manager, { key, to: email, locale, template, values: { username, ...values }, notAfter });
  }

  private async holder(accountId: string): Promise<AccountHolder | undefined> {
    const account = await this.accounts.find(accountId);
    return account && this.addresses.of(account);
  }
}

function refuseWeak(password: string, field: string, { personal }: AccountHolder): void {
  const refused = passwordError(password, personal);
  if (refused) throw new ValidationFailed([{ field, ...refused }]);
}

/** In the time zone of the business that the reader works for, else in the server's; it is named. */
function inWords(time: Date, { locale, timeZone }: AccountHolder): string {
  return new Intl.DateTimeFormat(locale === 'it' ? 'it' : 'en-GB', {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
    timeZone,
  }).format(time);
}
