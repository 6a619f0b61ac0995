import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { Accounts } from '../auth/accounts.service.js';
import { Sessions } from '../auth/sessions.service.js';
import { limits } from '../contract/limits.js';
import { Interlocutors } from '../interlocutors/interlocutors.service.js';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { EpochRenewal } from '../platform/vault/epoch-renewal.js';
import { Vault } from '../platform/vault/vault.js';

const endAccountsAlone = defineJob('account.endAlone', { cron: '37 2 * * *', expireInSeconds: 600 });

const endedAtOnce = 100;

/** Accounts of people without any business: they are deleted after some weeks. */
@Injectable()
export class AccountsAlone {
  constructor(
    private readonly accounts: Accounts,
    private readonly database: DataSource,
    private readonly epochRenewal: EpochRenewal,
    private readonly forgetting: Forgetting,
    private readonly interlocutors: Interlocutors,
    private readonly sessions: Sessions,
    private readonly vault: Vault,
    jobs: Jobs,
  ) {
    jobs.handle(endAccountsAlone, async () => void (await this.end()));
  }

  /**
   * Notes which accounts are alone since when, and ends those that have been for long enough.
   * @returns how many have ended
   */
  async end(): Promise<number> {
    const changed = await this.database.query<{ id: string; alone: boolean }[]>(
      `SELECT account.id, account.alone_since IS NULL AS alone
       FROM interlocutor JOIN account ON account.id = interlocutor.account_id
       WHERE (account.alone_since IS NULL) = NOT EXISTS (SELECT FROM contact WHERE interlocutor_id = interlocutor.id)`,
    );
    for (const [alone, accounts] of Map.groupBy(changed, (each) => each.alone)) {
      await this.accounts.setAlone(
        accounts.map(({ id }) => id),
        alone,
      );
    }
    let ended = 0;
    for (;;) {
      const some = await this.endSome();
      ended += some;
      if (some < endedAtOnce) return ended;
    }
  }

  private async endSome(): Promise<number> {
    const gone = await this.database.transaction(async (manager) => {
      const long = await manager.query<{ id: string }[]>(
        `SELECT interlocutor.id FROM interlocutor JOIN account ON account.id = account_id
         WHERE alone_since <= now() - make_interval(days => $1) LIMIT $2`,
        [limits.aloneDays, endedAtOnce],
      );
      const ids = long.map(({ id }) => id);
      await this.interlocutors.lockAll(manager, ids);
      // One that has joined a business in the last moment stays.
      const leaving = await this.interlocutors.withoutContacts(manager, ids);
      const people = { ids: leaving.map(({ id }) => id), accountIds: leaving.map(({ accountId }) => accountId) };
      const ended = await this.sessions.ofAccounts(manager, people.accountIds);
      await this.vault.eraseKeys(
        uuid(),
        people.ids.map((id) => ({ scope: 'interlocutor', id }) as const),
      );
      await this.forgetting.forgetAll(manager, { scope: 'interlocutor', ...people });
      return { count: people.ids.length, ended };
    });
    if (gone.count > 0) this.epochRenewal.request();
    await Promise.all(gone.ended.map(({ accountId, ids }) => this.sessions.silence(accountId, ids, undefined)));
    return gone.count;
  }
}
