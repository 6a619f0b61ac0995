import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Accounts } from '../auth/accounts.service.js';
import { Member } from '../members/member.entity.js';
import { type Config, CONFIG } from '../platform/config.js';
import { dayMilliseconds } from '../platform/durations.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { defineMail } from '../platform/mail/mail-kinds.js';
import { Outbox } from '../platform/mail/outbox.js';
import { timeInWords } from '../platform/mail/times.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { Broadcast } from './broadcast.entity.js';

/** Added in the transaction that holds a broadcast. */
export const mailHeld = defineJob<{ subscriberId: string; broadcastId: string }>('broadcast.mail_held');

const noticeDays = 3;

const broadcastHeld = defineMail('broadcast_held', 'activity');

/** Mails to the owner of a business, if its address is verified, that a broadcast waits for a decision. */
@Injectable()
export class HeldMails {
  private readonly origin: string;

  constructor(
    @Inject(CONFIG) { publicUrl }: Config,
    private readonly database: DataSource,
    private readonly accounts: Accounts,
    private readonly outbox: Outbox,
    private readonly subscribers: Subscribers,
    jobs: Jobs,
  ) {
    this.origin = publicUrl.origin;
    jobs.handle(mailHeld, ({ subscriberId, broadcastId }) => this.mail(subscriberId, broadcastId));
  }

  private async mail(subscriberId: string, id: string): Promise<void> {
    const broadcast = await this.database.manager.findOneBy(Broadcast, { subscriberId, id, state: 'held' });
    const owner = await this.database.manager.findOneBy(Member, { subscriberId, role: 'owner' });
    if (!broadcast || !owner?.accountId) return;
    const { businessName, email, locale, timeZone } = await this.subscribers.get(subscriberId);
    if (!(await this.accounts.hasVerified(owner.accountId, email))) return;
    const time = timeInWords(broadcast.sendAt, { locale, timeZone });
    await this.database.transaction((manager) =>
      this.outbox.post(manager, {
        key: { scope: 'subscriber', id: subscriberId },
        about: owner.accountId!,
        to: email,
        locale,
        mail: broadcastHeld,
        values: { businessName, time, url: `${this.origin}/broadcasts/${id}` },
        notAfter: new Date(Date.now() + noticeDays * dayMilliseconds),
      }),
    );
  }
}
