import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Accounts } from '../auth/accounts.service.js';
import { AccountHolders } from '../auth/account-holders.service.js';
import { pathOf } from '../auth/pages.js';
import { limits } from '../contract/limits.js';
import { type Config, CONFIG } from '../platform/config.js';
import { dayMilliseconds } from '../platform/durations.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { defineMail } from '../platform/mail/mail-kinds.js';
import { Outbox } from '../platform/mail/outbox.js';

const accountUnused = defineMail('account_unused', 'rights', { priority: 'bulk' });

const askUnused = defineJob('account.askUnused', { cron: '47 4 * * *', expireInSeconds: 600 });

const batchSize = 200;
const mailDays = 14;

/**
 * Accounts of people that nobody has used for long: they are kept, and each is asked once by mail whether it is still wanted.
 * Nothing is deleted by silence.
 */
@Injectable()
export class UnusedAccounts {
  private readonly origin: string;

  constructor(
    @Inject(CONFIG) { publicUrl }: Config,
    private readonly accounts: Accounts,
    private readonly database: DataSource,
    private readonly holders: AccountHolders,
    private readonly outbox: Outbox,
    jobs: Jobs,
  ) {
    this.origin = publicUrl.origin;
    jobs.handle(askUnused, () => this.ask());
  }

  /** Asks accounts without a session for long. One that is used again may be asked again, when that is long ago too. */
  async ask(): Promise<void> {
    await this.accounts.noteLastUse();
    while ((await this.askSome()) === batchSize);
  }

  private async askSome(): Promise<number> {
    return this.database.transaction(async (manager) => {
      const ids = await this.accounts.claimUnused(manager, { months: limits.unusedMonths, limit: batchSize });
      for (const id of ids) {
        const holder = await this.holders.find(id);
        if (!holder?.verified) continue;
        const { kind, key, email: to, locale, username } = holder;
        const [url, leaveUrl] = [pathOf(kind, 'signIn'), pathOf(kind, 'leave')].map((path) => `${this.origin}${path}`);
        const values = { username, url: url!, leaveUrl: leaveUrl! };
        const notAfter = new Date(Date.now() + mailDays * dayMilliseconds);
        await this.outbox.post(manager, { key, about: id, to, locale, mail: accountUnused, values, notAfter });
      }
      return ids.length;
    });
  }
}
