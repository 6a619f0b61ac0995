import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type AccountHolder, AccountHolders } from '../auth/account-holders.service.js';
import { Accounts } from '../auth/accounts.service.js';
import { pathOf } from '../auth/pages.js';
import { Sessions } from '../auth/sessions.service.js';
import type { BegunBroadcast, Change, Consumer, StoredChange } from '../change-feed/consumers.js';
import { limits } from '../contract/limits.js';
import { type UnreadMailWait, unreadMailWaits } from '../contract/mail-settings.js';
import { type Config, CONFIG } from '../platform/config.js';
import { dayMilliseconds } from '../platform/durations.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { Log } from '../platform/log.js';
import { defineMail, type MailKind } from '../platform/mail/mail-kinds.js';
import { Outbox } from '../platform/mail/outbox.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { rooms } from '../platform/realtime/rooms.js';
import { MailStops } from './mail-stops.service.js';
import type { MailSettings } from './mail-settings.dto.js';
import {
  broadcastToWalkQuery,
  type BroadcastToWalk,
  dueQuery,
  type DueRow,
  noteBroadcastsQuery,
  noteQuery,
  noteRecipientsQuery,
  recipientsQuery,
  takeQuery,
  unreadOfInterlocutorQuery,
  unreadOfMemberQuery,
  type UnreadRow,
} from './unread-mails.queries.js';

const unreadMessages = defineMail('unread_messages', 'activity', { priority: 'bulk' });
const unreadConversations = defineMail('unread_conversations', 'activity', { priority: 'bulk' });

const mailDue = defineJob('unread.mail', { cron: '* * * * *', expireInSeconds: 300 });
const forgetGone = defineJob('unread.forget', { cron: '29 4 * * *' });

const defaultWait: UnreadMailWait = 60;
const minuteMilliseconds = 60 * 1000;
/** Changes sent before this cause no mail: they are seen again after a restore, or for the first time. */
const oldestMilliseconds = 3 * dayMilliseconds;
/** As long as a mail server that is down is tried: who was not told is not told again before coming back. */
const mailLastsMilliseconds = 2 * dayMilliseconds;
const recipientsAtOnce = 1_000;
const recipientPagesAtOnce = 5;
/** Messages counted in a conversation; the mail says "more than". */
const countedMost = 99;

/** Outcome of looking at an account that was due. */
type Verdict = { mail: UnreadRow } | { nextAt: Date } | 'idle' | 'gone';

/**
 * Mails to people who have left messages unread for a while, one to each account until it has come back. A consumer of the feed
 * of changes notes when an account is to be looked at; the watermarks decide then, and again right before the mail is sent.
 */
@Injectable()
export class UnreadMails implements Consumer {
  readonly name = 'unread-mail';
  readonly minInterval = 1_000;
  private readonly origin: string;

  constructor(
    @Inject(CONFIG) { publicUrl }: Config,
    private readonly accounts: Accounts,
    private readonly database: DataSource,
    private readonly holders: AccountHolders,
    private readonly log: Log,
    private readonly outbox: Outbox,
    private readonly realtime: Realtime,
    private readonly sessions: Sessions,
    private readonly stops: MailStops,
    jobs: Jobs,
  ) {
    this.origin = publicUrl.origin;
    jobs.handle(mailDue, () => this.mailDue());
    jobs.handle(forgetGone, () => this.forgetGone());
    for (const mail of [unreadMessages, unreadConversations]) {
      outbox.onlyIf(mail, ({ about, to }) => this.isStillWanted(about, to));
    }
  }

  async settingsOf(accountId: string): Promise<MailSettings> {
    const [row] = await this.database.query<{ wait: number }[]>(
      'SELECT wait_minutes AS wait FROM unread_mail WHERE account_id = $1',
      [accountId],
    );
    return { unreadAfterMinutes: unreadMailWaits.find((wait) => wait === (row?.wait ?? defaultWait)) ?? null };
  }

  /** Messages that are unread at this moment are told of by the new choice. */
  async change(accountId: string, { unreadAfterMinutes: wait }: MailSettings): Promise<MailSettings> {
    await this.database.query(
      `INSERT INTO unread_mail (account_id, wait_minutes) VALUES ($1, $2)
       ON CONFLICT (account_id) DO UPDATE
         SET wait_minutes = excluded.wait_minutes, due_at = CASE WHEN excluded.wait_minutes > 0 THEN now() END
         WHERE unread_mail.wait_minutes <> excluded.wait_minutes`,
      [accountId, wait ?? 0],
    );
    this.realtime.tell(rooms.ofAccount(accountId), 'notification-settings.changed', {});
    return { unreadAfterMinutes: wait };
  }

  async see(manager: EntityManager, changes: readonly Change[]): Promise<void> {
    const earliest = Date.now() - oldestMilliseconds;
    const first = new Map<string, StoredChange>();
    for (const change of changes) {
      if (change.state !== 'stored' || change.sentAt.getTime() < earliest) continue;
      const key = `${change.conversationId} ${change.sender}`;
      if (!first.has(key)) first.set(key, change);
    }
    const noted = [...first.values()];
    if (noted.length === 0) return;
    await manager.query(noteQuery, [
      noted.map(({ subscriberId }) => subscriberId),
      noted.map(({ conversationId }) => conversationId),
      noted.map(({ sender }) => sender),
      noted.map(({ sentAt }) => sentAt),
    ]);
  }

  /** A broadcast is one row: its recipients are read once they have had time to see it. */
  async seeBroadcasts(manager: EntityManager, broadcasts: readonly BegunBroadcast[]): Promise<void> {
    const earliest = Date.now() - oldestMilliseconds;
    const noted = broadcasts.filter(({ startedAt }) => startedAt.getTime() >= earliest);
    if (noted.length === 0) return;
    await manager.query(noteBroadcastsQuery, [
      noted.map(({ subscriberId }) => subscriberId),
      noted.map(({ id }) => id),
      noted.map(({ startedAt }) => startedAt),
    ]);
  }

  /** Single messages trigger nothing: the watermarks decide. */
  forget(): Promise<Record<string, never>> {
    return Promise.resolve({});
  }

  /** Posts the mails that are due, so many a minute; those about messages of one conversation before those about broadcasts. */
  async mailDue(): Promise<void> {
    for (let page = 0; page < recipientPagesAtOnce && (await this.walkBroadcast()); page++);
    let room: number = limits.unreadMailsPerMinute;
    const due = await this.database.query<{ id: string }[]>(dueQuery, [limits.unreadMailsPerMinute * 5]);
    for (const { id } of due) {
      if (room === 0) return;
      try {
        if (await this.look(id)) room--;
      } catch (error) {
        // One account that fails keeps no others waiting.
        this.log.failure(error);
        await this.database.query(
          `UPDATE unread_mail SET due_at = now() + interval '1 hour' WHERE account_id = $1 AND due_at <= now()`,
          [id],
        );
      }
    }
  }

  /** @returns whether there may be more to go through */
  private async walkBroadcast(): Promise<boolean> {
    return this.database.transaction(async (manager) => {
      const [walk] = await manager.query<BroadcastToWalk[]>(broadcastToWalkQuery, [unreadMailWaits[0]]);
      if (!walk) return false;
      const { subscriberId, broadcastId, walkedTo } = walk;
      const whose = [subscriberId, broadcastId];
      const contacts = await manager.query<{ id: string }[]>(recipientsQuery, [...whose, walkedTo, recipientsAtOnce]);
      if (contacts.length > 0) {
        await manager.query(noteRecipientsQuery, [...whose, contacts.map(({ id }) => id)]);
      }
      const which = 'WHERE subscriber_id = $1 AND broadcast_id = $2';
      if (contacts.length < recipientsAtOnce) await manager.query(`DELETE FROM unread_broadcast ${which}`, whose);
      else await manager.query(`UPDATE unread_broadcast SET walked_to = $3 ${which}`, [...whose, contacts.at(-1)!.id]);
      return true;
    });
  }

  /**
   * Looks at one account, and posts its mail in the transaction that takes note of it.
   * @returns whether a mail was posted
   */
  private look(accountId: string): Promise<boolean> {
    return this.database.transaction(async (manager) => {
      const [row] = await manager.query<DueRow[]>(takeQuery, [accountId]);
      if (!row) return false;
      const holder = await this.holders.find(accountId);
      const verdict = holder ? await this.judge(manager, holder, row) : 'gone';
      if (verdict === 'gone') {
        await manager.query('DELETE FROM unread_mail WHERE account_id = $1', [accountId]);
        return false;
      }
      if (typeof verdict === 'object' && 'mail' in verdict) {
        await this.post(manager, holder!, verdict.mail);
        await manager.query('UPDATE unread_mail SET due_at = NULL, mailed_at = now() WHERE account_id = $1', [
          accountId,
        ]);
        return true;
      }
      await manager.query(
        'UPDATE unread_mail SET due_at = $2::timestamptz, of_broadcast = of_broadcast AND $2::timestamptz IS NOT NULL WHERE account_id = $1',
        [accountId, verdict === 'idle' ? null : verdict.nextAt],
      );
      return false;
    });
  }

  private async judge(
    manager: EntityManager,
    holder: AccountHolder,
    { waitMinutes, mailedAt }: DueRow,
  ): Promise<Exclude<Verdict, 'gone'>> {
    const { accountId } = holder;
    if (waitMinutes === 0 || !holder.verified || !(await this.sessions.anyOf(accountId))) return 'idle';
    const unread = await this.unreadOf(manager, holder, mailedAt);
    if (!unread.firstNewAt || !unread.isBack) return 'idle';
    const nextAt = new Date(unread.firstNewAt.getTime() + waitMinutes * minuteMilliseconds);
    return nextAt > new Date() ? { nextAt } : { mail: unread };
  }

  private async unreadOf(
    manager: EntityManager,
    { accountId, kind }: Pick<AccountHolder, 'accountId' | 'kind'>,
    since: Date | null,
  ): Promise<UnreadRow> {
    const query = kind === 'member' ? unreadOfMemberQuery : unreadOfInterlocutorQuery;
    const [unread] = await manager.query<[UnreadRow]>(query, [accountId, since, countedMost + 1]);
    return unread;
  }

  private async post(manager: EntityManager, holder: AccountHolder, unread: UnreadRow): Promise<void> {
    const { accountId, kind, key, email: to, locale } = holder;
    const token = this.stops.tokenFor(accountId);
    const mail: MailKind = kind === 'member' ? unreadConversations : unreadMessages;
    const values = {
      ...inWords(unread, locale),
      url: `${this.origin}${pathOf(kind, 'home')}`,
      stopUrl: this.stops.stopUrl(kind, token),
      oneClickStopUrl: this.stops.oneClickStopUrl(token),
    };
    const notAfter = new Date(Date.now() + mailLastsMilliseconds);
    await this.outbox.post(manager, { key, about: accountId, to, locale, mail, values, notAfter });
  }

  /** Asked right before the mail is handed over: something is unread still, and the address is the account's. */
  private async isStillWanted(accountId: string | null, to: string): Promise<boolean> {
    if (accountId === null || !(await this.accounts.hasVerified(accountId, to))) return false;
    if ((await this.settingsOf(accountId)).unreadAfterMinutes === null) return false;
    const account = (await this.accounts.find(accountId))!;
    const { conversations } = await this.unreadOf(this.database.manager, { accountId, kind: account.kind }, null);
    return conversations > 0;
  }

  /** Deletes what stands of accounts that are gone. */
  private async forgetGone(): Promise<void> {
    await this.database.query(
      'DELETE FROM unread_mail WHERE NOT EXISTS (SELECT FROM account WHERE account.id = unread_mail.account_id)',
    );
  }
}

/** Numbers of what is unread, and its business, without the name of a person. */
function inWords(
  { conversations, messages, businesses, businessName }: UnreadRow,
  locale: string,
): Record<string, string> {
  const isItalian = locale === 'it';
  const one = (count: number) => count === 1;
  const many = (count: number) => {
    if (count <= countedMost) return String(count);
    return isItalian ? `più di ${countedMost}` : `more than ${countedMost}`;
  };
  const count = isItalian
    ? `${many(messages)} ${one(messages) ? 'messaggio non letto' : 'messaggi non letti'}`
    : `${many(messages)} unread ${one(messages) ? 'message' : 'messages'}`;
  const inConversations = isItalian
    ? `${many(conversations)} ${one(conversations) ? 'conversazione' : 'conversazioni'}`
    : `${many(conversations)} ${one(conversations) ? 'conversation' : 'conversations'}`;
  const from = businesses === 1 ? businessName! : isItalian ? `${businesses} attività` : `${businesses} businesses`;
  return { count, inConversations, businessName: from };
}
