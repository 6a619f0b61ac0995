import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { AccountHolders } from '../auth/account-holders.service.js';
import { limits } from '../contract/limits.js';
import { type Config, CONFIG } from '../platform/config.js';
import { dayMilliseconds } from '../platform/durations.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { defineMail } from '../platform/mail/mail-kinds.js';
import { Outbox } from '../platform/mail/outbox.js';

const accountUnused = defineMail('account_unused', { priority: 'bulk' });

const askUnused = defineJob('account.askUnused', { cron: '47 4 * * *', expireInSeconds: 600 });

const askedAtOnce = 200;
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
    // A session that goes takes its time of use with it.
    await this.database.query(
      `UPDATE account SET last_used_at = used.at
       FROM (SELECT account_id AS id, max(used_at) AS at FROM session GROUP BY account_id) AS used
       WHERE account.id = used.id AND (last_used_at IS NULL OR last_used_at < used.at - interval '1 day')`,
    );
    await this.database.query(
      `UPDATE account SET asked_to_stay_at = NULL
       WHERE asked_to_stay_at IS NOT NULL AND last_used_at > asked_to_stay_at`,
    );
    while ((await this.askSome()) === askedAtOnce);
  }

  private async askSome(): Promise<number> {
    return this.database.transaction(async (manager) => {
      const [rows] = await manager.query<[{ id: string }[], number]>(
        `UPDATE account SET asked_to_stay_at = now()
         WHERE id IN (
           SELECT id FROM account
           WHERE kind = 'interlocutor' AND asked_to_stay_at IS NULL
             AND greatest(last_used_at, created_at) < now() - make_interval(months => $1)
             AND NOT EXISTS (SELECT FROM session
                             WHERE account_id = account.id AND used_at >= now() - make_interval(months => $1))
           ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
         RETURNING id`,
        [limits.unusedMonths, askedAtOnce],
      );
      for (const { id } of rows) {
        const holder = await this.holders.find(id);
        if (!holder?.verified) continue;
        const { key, email: to, locale, username } = holder;
        const values = { username, url: `${this.origin}/sign-in`, leaveUrl: `${this.origin}/settings/leave` };
        const notAfter = new Date(Date.now() + mailDays * dayMilliseconds);
        await this.outbox.post(manager, { key, about: id, to, locale, mail: accountUnused, values, notAfter });
      }
      return rows.length;
    });
  }
}
