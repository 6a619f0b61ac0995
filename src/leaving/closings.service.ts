import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Actions } from '../actions/actions.service.js';
import { AccountHolders } from '../auth/account-holders.service.js';
import { Credentials } from '../auth/credentials.service.js';
import { type Page, pathOf } from '../auth/pages.js';
import type { MemberPrincipal } from '../auth/principal.js';
import { limits } from '../contract/limits.js';
import { Erasures } from '../erasures/erasures.service.js';
import { Member } from '../members/member.entity.js';
import { type Config, CONFIG } from '../platform/config.js';
import { dayMilliseconds } from '../platform/durations.js';
import { inTurns } from '../platform/jobs/in-turns.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { Log } from '../platform/log.js';
import { defineMail, type MailKind } from '../platform/mail/mail-kinds.js';
import { Outbox } from '../platform/mail/outbox.js';
import { timeInWords } from '../platform/mail/times.js';
import { DomainError } from '../platform/problems/domain-error.js';
import { Profiles } from '../profiles/profiles.service.js';
import { isNameOf } from '../subscribers/business.js';
import { Subscriber } from '../subscribers/subscriber.entity.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import type { ClosingView, NewClosing } from './leaving.dto.js';

const closingAsked = defineMail('closing_asked', 'rights');
const businessCloses = defineMail('business_closes', 'rights', { priority: 'bulk' });

/** Tells the contacts of businesses that close, some at a time. */
const tellOfClosings = defineJob('closing.tell', { cron: '* * * * *', expireInSeconds: 300 });
/** Carries out closings whose time has come. */
const carryOutClosings = defineJob('closing.carry_out', { cron: '* * * * *', expireInSeconds: 600 });

const toldAtOnce = 200;

interface Closing {
  subscriberId: string;
}

/** Businesses that end: after some days to change one's mind everything they hold is erased. */
@Injectable()
export class Closings {
  private readonly origin: string;

  constructor(
    @Inject(CONFIG) { publicUrl }: Config,
    private readonly actions: Actions,
    private readonly credentials: Credentials,
    private readonly database: DataSource,
    private readonly erasures: Erasures,
    private readonly holders: AccountHolders,
    private readonly jobs: Jobs,
    private readonly log: Log,
    private readonly outbox: Outbox,
    private readonly profiles: Profiles,
    private readonly subscribers: Subscribers,
  ) {
    this.origin = publicUrl.origin;
    jobs.handle(tellOfClosings, () => this.tellContacts());
    jobs.handle(carryOutClosings, () => this.carryOut());
  }

  /** @throws PasswordWrong, DomainError `confirmation_wrong`, `rate_limited` */
  async ask(
    owner: MemberPrincipal,
    { password, businessName }: NewClosing,
  ): Promise<{ closing: ClosingView; made: boolean }> {
    const { subscriberId, accountId } = owner;
    const subscriber = await this.subscribers.get(subscriberId);
    if (!isNameOf(businessName, subscriber.businessName)) throw nameDiffers(subscriber.businessName);
    await this.credentials.requirePassword(accountId, password);
    const closesAt = new Date(Date.now() + limits.closingDays * dayMilliseconds);
    const closing = await this.profiles.commitOfSubscriber(subscriberId, async (manager) => {
      const asked = await this.subscribers.askClosing(manager, subscriberId, closesAt);
      if (!asked.made) return asked;
      await this.actions.record(manager, owner, 'subscriber.closing');
      await this.mail(manager, accountId, { mail: closingAsked, subscriber, closesAt, page: ['closing'] });
      await this.jobs.add(manager, tellOfClosings, {});
      return asked;
    });
    if (closing.made) await this.profiles.tellOfSubscriber(subscriberId);
    return {
      closing: { askedAt: closing.askedAt.toISOString(), closesAt: closing.closesAt.toISOString() },
      made: closing.made,
    };
  }

  /** @throws DomainError `closing_under_way` */
  async takeBack(owner: MemberPrincipal): Promise<void> {
    const { subscriberId } = owner;
    const changed = await this.profiles.commitOfSubscriber(subscriberId, async (manager) => {
      const withdrawn = await this.subscribers.withdrawClosing(manager, subscriberId);
      if (withdrawn) await this.actions.record(manager, owner, 'subscriber.closing_withdrawn');
      return withdrawn;
    });
    if (changed) await this.profiles.tellOfSubscriber(subscriberId);
  }

  /** Mails the contacts of businesses that close, each once, where their addresses are confirmed. */
  async tellContacts(): Promise<void> {
    const closing = await this.database.query<Closing[]>(
      `SELECT subscriber_id AS "subscriberId" FROM subscriber
       WHERE closes_at > now() AND closing_erasure_id IS NULL AND closing_told_at IS NULL ORDER BY closes_at`,
    );
    await inTurns(closing, ({ subscriberId }) => this.tellSome(subscriberId), {
      log: this.log,
      then: () => this.database.transaction((manager) => this.jobs.add(manager, tellOfClosings, {})),
    });
  }

  /** Erases the businesses whose time has come. */
  async carryOut(now = new Date()): Promise<void> {
    const due = await this.database.query<Closing[]>(
      `SELECT subscriber_id AS "subscriberId" FROM subscriber
       WHERE closes_at <= $1 AND closing_erasure_id IS NULL ORDER BY closes_at LIMIT 100`,
      [now],
    );
    await inTurns(
      due,
      async ({ subscriberId }) => {
        const owner = await this.database.manager.findOneBy(Member, { subscriberId, role: 'owner' });
        await this.erasures.eraseSubscriber(subscriberId, owner?.accountId ?? undefined);
        return false;
      },
      { log: this.log, then: () => Promise.resolve() },
    );
  }

  /** @returns whether there may be more */
  private async tellSome(subscriberId: string): Promise<boolean> {
    const subscriber = await this.subscribers.get(subscriberId);
    const { closesAt } = subscriber;
    if (!closesAt) return false;
    return this.database.transaction(async (manager) => {
      const locked = await this.subscribers.lockToTellOfClosing(manager, subscriberId, closesAt);
      if (!locked) return false;
      const contacts = await manager.query<{ id: string; accountId: string }[]>(
        `SELECT contact.id, interlocutor.account_id AS "accountId"
         FROM contact JOIN interlocutor ON interlocutor.id = contact.interlocutor_id
         WHERE contact.subscriber_id = $1 AND ($2::uuid IS NULL OR contact.id > $2) ORDER BY contact.id LIMIT $3`,
        [subscriberId, locked.after, toldAtOnce],
      );
      for (const { id, accountId } of contacts)
        await this.mail(manager, accountId, {
          mail: businessCloses,
          subscriber,
          closesAt,
          page: ['conversation', id],
        });
      const more = contacts.length === toldAtOnce;
      await this.subscribers.noteClosingTold(manager, subscriberId, contacts.at(-1)?.id ?? locked.after, !more);
      return more;
    });
  }

  /** Posts a mail to a confirmed address. */
  private async mail(
    manager: EntityManager,
    accountId: string,
    {
      mail,
      subscriber,
      closesAt,
      page,
    }: { mail: MailKind; subscriber: Subscriber; closesAt: Date; page: [page: Page, id?: string] },
  ): Promise<void> {
    const holder = await this.holders.find(accountId);
    if (!holder?.verified) return;
    const { kind, key, email: to, locale } = holder;
    const { businessName, timeZone } = subscriber;
    const values = {
      businessName,
      closes: timeInWords(closesAt, { locale, timeZone: holder.timeZone ?? timeZone }),
      url: `${this.origin}${pathOf(kind, ...page)}`,
    };
    await this.outbox.post(manager, { key, about: accountId, to, locale, mail, values, notAfter: closesAt });
  }
}

function nameDiffers(name: string): DomainError {
  return new DomainError('confirmation_wrong', { detail: `Type the name of the business to confirm: ${name}.` });
}
