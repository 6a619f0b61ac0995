import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, In } from 'typeorm';
import { Consents } from '../consents/consents.service.js';
import { limits } from '../contract/limits.js';
import { dayMilliseconds } from '../platform/durations.js';
import { Log } from '../platform/log.js';
import { type Config, CONFIG } from '../platform/config.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { defineMail, type MailKind } from '../platform/mail/mail-kinds.js';
import { Outbox } from '../platform/mail/outbox.js';
import { DomainError } from '../platform/problems/domain-error.js';
import { AddressHashes } from '../platform/vault/address-hashes.js';
import { canonicalAddress } from '../platform/validation/email-addresses.js';
import type { InvitationMailing } from './invitations.dto.js';
import type { Subscriber } from '../subscribers/subscriber.entity.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { Invitation } from './invitation.entity.js';
import { InvitationLinks } from './invitation-links.service.js';
import { InvitedPeople } from './invited-people.service.js';

/** Also notices within the minute that a subscriber has verified its address, or that a day's cap has room again. */
const postInvitations = defineJob('invitation.post', { cron: '* * * * *' });
const remindInvited = defineJob('invitation.remind', { cron: '23 * * * *' });

const postedAtOnce = 100;

const invitationMail = defineMail('invitation', 'invitation', { priority: 'bulk' });
const reminderMail = defineMail('invitation_reminder', 'invitation', { priority: 'bulk' });

/**
 * Hands the mails of personal invitations to the outbox: none before the subscriber's own address is verified, none to
 * who asked not to be written to, no more in 24 hours than the host allows.
 */
@Injectable()
export class InvitationMails {
  private readonly mailsPerDay: number;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly addresses: AddressHashes,
    private readonly consents: Consents,
    private readonly database: DataSource,
    private readonly links: InvitationLinks,
    private readonly log: Log,
    private readonly outbox: Outbox,
    private readonly people: InvitedPeople,
    private readonly subscribers: Subscribers,
    private readonly jobs: Jobs,
  ) {
    this.mailsPerDay = config.invitationMailsPerDay;
    jobs.handle(postInvitations, () => this.postWaiting());
    jobs.handle(remindInvited, () => this.remind());
  }

  /** Tells if a subscriber's owner has verified the address that the subscriber shows. */
  async addressVerified(subscriber: Subscriber, manager: EntityManager = this.database.manager): Promise<boolean> {
    const rows = await manager.query<unknown[]>(
      `SELECT 1 FROM member JOIN account ON account.id = member.account_id
       WHERE member.subscriber_id = $1 AND member.role = 'owner' AND account.email_hash = ANY ($2)`,
      [subscriber.id, this.addresses.all('email', subscriber.email)],
    );
    return rows.length > 0;
  }

  /** Serialises whatever counts against a subscriber's cap; to be called before its invitations are touched. */
  async lock(manager: EntityManager, subscriberId: string): Promise<void> {
    await this.subscribers.lock(manager, subscriberId);
  }

  /**
   * Posts a new invitation's mail, or leaves it waiting until the subscriber's address is verified.
   * @throws DomainError `rate_limited` when the day's mails are used up
   */
  async postNew(manager: EntityManager, subscriber: Subscriber, invitation: Invitation): Promise<void> {
    if (!(await this.addressVerified(subscriber, manager))) return;
    const { room, retryAfter } = await this.room(manager, subscriber.id);
    if (room < 1) {
      const hours = Math.ceil(retryAfter / 3600);
      throw new DomainError('rate_limited', {
        detail: `You can send at most ${this.mailsPerDay} invitation mails in 24 hours. Try again in ${hours === 1 ? 'an hour' : `${hours} hours`}.`,
        retryAfter,
      });
    }
    await this.post(manager, subscriber, [invitation], invitationMail);
  }

  /** Has the mails that wait posted once this transaction has committed. */
  postSoon(manager: EntityManager): Promise<void> {
    return this.jobs.add(manager, postInvitations, {});
  }

  /** States of the mails of a subscriber's invitations, in their order. */
  async states(subscriber: Subscriber, invitations: readonly Invitation[]): Promise<MailState[]> {
    const waiting = invitations.some(({ email, mailedAt }) => email && !mailedAt);
    const unposted = waiting && !(await this.addressVerified(subscriber)) ? 'held' : 'queued';
    const joined = await this.joinedAmong(this.database.manager, subscriber.id, invitations);
    const mailed = invitations.filter(({ email, mailedAt }) => email && mailedAt).map(({ id }) => id);
    const posted = await this.inOutbox(mailed);
    return invitations.map(({ id, email, mailedAt }) => {
      if (!email) return 'none';
      return mailedAt ? (posted.get(id) ?? 'sent') : joined.has(id) ? 'held' : unposted;
    });
  }

  /** The ids of the invitations that need no mail, or not yet: somebody has joined under the address. See {@link isFree}. */
  private async joinedAmong(
    manager: EntityManager,
    subscriberId: string,
    invitations: readonly Invitation[],
  ): Promise<Set<string>> {
    const ids = invitations.filter(({ email }) => email).map(({ id }) => id);
    const rows = await manager.query<{ id: string }[]>(
      `SELECT id FROM invitation WHERE subscriber_id = $1 AND id = ANY ($2::uuid[]) AND uses = 0 AND NOT ${isFree}`,
      [subscriberId, ids],
    );
    return new Set(rows.map(({ id }) => id));
  }

  private async inOutbox(ids: readonly string[]): Promise<Map<string, MailState>> {
    const rows = await this.database.query<{ id: string; failed: boolean }[]>(
      `SELECT key_id AS id, bool_and(failed_at IS NOT NULL) AS failed FROM mail
       WHERE key_scope = 'contact' AND key_id = ANY ($1) GROUP BY key_id`,
      [ids],
    );
    return new Map(rows.map(({ id, failed }) => [id, failed ? 'failed' : 'sent_soon']));
  }

  /** The mails that wait, and by when the last of them has probably left at the pace of the queue. */
  async mailing(subscriber: Subscriber): Promise<InvitationMailing> {
    const { manager } = this.database;
    const [row] = await manager.query<{ queued: number }[]>(
      `SELECT count(*)::integer AS queued FROM invitation WHERE subscriber_id = $1 AND ${isWaiting}`,
      [subscriber.id],
    );
    const { queued } = row!;
    const held = !(await this.addressVerified(subscriber));
    const perDay = this.mailsPerDay - this.keptFree;
    if (held || queued === 0) return { held, perDay, queued };
    const { room } = await this.room(manager, subscriber.id);
    const later = Math.max(0, queued - Math.max(0, room - this.keptFree));
    const days = Math.ceil(later / Math.max(1, perDay));
    return { held, perDay, queued, lastBy: new Date(Date.now() + days * dayMilliseconds).toISOString() };
  }

  /** The queue leaves a tenth of the day's mails to people who are invited by hand. */
  private get keptFree(): number {
    return Math.floor(this.mailsPerDay / 10);
  }

  /** Posts the mails that wait, as far as verification and cap allow. */
  async postWaiting(): Promise<void> {
    const waiting = await this.database.query<{ id: string }[]>(
      `SELECT DISTINCT subscriber_id AS id FROM invitation WHERE email IS NOT NULL AND mailed_at IS NULL`,
    );
    for (const { id } of waiting) {
      // One business that fails does not keep the others waiting.
      await this.log.attempt(() => this.postAll(id, invitationMail, isWaiting));
    }
  }

  /** Sends the one reminder to people who have not joined, unless the first mail was not sent yet or could not be delivered. */
  async remind(): Promise<void> {
    const due = await this.database.query<{ id: string }[]>(
      `SELECT DISTINCT subscriber_id AS id FROM invitation WHERE ${isToRemind}`,
    );
    for (const { id } of due) {
      // One business that fails does not keep the others waiting.
      await this.log.attempt(() => this.postAll(id, reminderMail, isToRemind));
    }
  }

  private async postAll(subscriberId: string, mail: MailKind, which: string): Promise<void> {
    const subscriber = await this.subscribers.get(subscriberId);
    if (!this.mayInvite(subscriber)) return;
    while (await this.postSome(subscriber, mail, which));
  }

  /** While a newer policy waits for acceptance nothing is sent, and what waits goes on waiting. */
  private mayInvite(subscriber: Subscriber): boolean {
    try {
      this.consents.requireOfSubscriber(subscriber);
      return true;
    } catch (error) {
      if (error instanceof DomainError) return false;
      throw error;
    }
  }

  /** @returns whether there may be more */
  private async postSome(subscriber: Subscriber, mail: MailKind, which: string): Promise<boolean> {
    const { posted, stopped } = await this.database.transaction(async (manager) => {
      await this.lock(manager, subscriber.id);
      if (!(await this.addressVerified(subscriber, manager))) return { posted: 0, stopped: [] };
      const { room } = await this.room(manager, subscriber.id);
      const free = Math.min(postedAtOnce, room - this.keptFree);
      if (free < 1) return { posted: 0, stopped: [] };
      const rows = await manager.query<{ id: string }[]>(
        `SELECT id FROM invitation WHERE subscriber_id = $1 AND ${which} ORDER BY id LIMIT $2 FOR UPDATE`,
        [subscriber.id, free],
      );
      if (rows.length === 0) return { posted: 0, stopped: [] };
      const invitations = await manager.find(Invitation, {
        where: { subscriberId: subscriber.id, id: In(rows.map(({ id }) => id)) },
        order: { id: 'ASC' },
      });
      return { posted: rows.length, stopped: await this.post(manager, subscriber, invitations, mail) };
    });
    await this.people.destroyKeys(stopped);
    return posted > 0;
  }

  /** @returns the ids of those who asked not to be written to meanwhile, and are forgotten; their keys are not yet */
  private async post(
    manager: EntityManager,
    { id: subscriberId, businessName }: Subscriber,
    invitations: Invitation[],
    mail: MailKind,
  ): Promise<string[]> {
    // Checked again under the lock of the invitations, which a joining takes too.
    const joined = await this.joinedAmong(manager, subscriberId, invitations);
    const people = await this.people.open(subscriberId, invitations);
    const stopped = await this.people.stoppedAmong(
      manager,
      people.flatMap(({ email }) => email ?? []),
    );
    const now = new Date();
    const forgotten: string[] = [];
    for (const [index, invitation] of invitations.entries()) {
      const { id } = invitation;
      if (joined.has(id)) continue;
      const { email } = people[index]!;
      if (email === undefined || stopped.has(canonicalAddress(email))) {
        forgotten.push(id);
        continue;
      }
      const expiresAt =
        mail === invitationMail
          ? new Date(now.getTime() + limits.personalInvitationDays * dayMilliseconds)
          : invitation.expiresAt!;
      const locale = invitation.locale ?? 'it';
      const code = await this.links.open(invitation);
      await this.outbox.post(manager, {
        key: { scope: 'contact', id },
        to: email,
        locale,
        mail,
        values: {
          businessName,
          url: this.links.joinUrl(code),
          stopUrl: this.links.stopUrl(code),
          oneClickStopUrl: this.links.oneClickStopUrl(code),
          expiresOn: dateIn(locale, expiresAt),
        },
        notAfter: expiresAt,
      });
      const change = mail === invitationMail ? { mailedAt: now, expiresAt } : { remindedAt: now };
      await manager.update(Invitation, { subscriberId, id }, change);
      Object.assign(invitation, change);
    }
    if (forgotten.length > 0) {
      await manager.update(Invitation, { subscriberId, id: In(forgotten) }, { stoppedAt: now });
      await this.people.forget(manager, subscriberId, forgotten);
    }
    return forgotten;
  }

  /** Remaining mails within the cap, and the seconds until it has room for one more. */
  private async room(manager: EntityManager, subscriberId: string): Promise<{ room: number; retryAfter: number }> {
    const since = new Date(Date.now() - dayMilliseconds);
    const times = await manager.query<{ at: Date }[]>(
      `SELECT mailed_at AS at FROM invitation WHERE subscriber_id = $1 AND mailed_at > $2
       UNION ALL
       SELECT reminded_at FROM invitation WHERE subscriber_id = $1 AND reminded_at > $2
       ORDER BY at DESC LIMIT $3`,
      [subscriberId, since, this.mailsPerDay],
    );
    const room = this.mailsPerDay - times.length;
    const freedAt = room > 0 ? 0 : times.at(-1)!.at.getTime() + dayMilliseconds;
    return { room, retryAfter: Math.max(1, Math.ceil((freedAt - Date.now()) / 1000)) };
  }
}

/** Condition for an invitation none of whose mails could be delivered. */
export const mailFailed = `SELECT bool_and(failed_at IS NOT NULL) FROM mail
  WHERE key_scope = 'contact' AND key_id = invitation.id`;

export type MailState = 'none' | 'held' | 'queued' | 'sent_soon' | 'sent' | 'failed';

const isOpen = 'revoked_at IS NULL AND stopped_at IS NULL AND uses = 0';
const joinedWithAddress = `FROM contact
  WHERE contact.subscriber_id = invitation.subscriber_id AND contact.address_hash = invitation.email_hash`;
/**
 * Nobody has joined by another way under the invited address; or somebody has, but let two weeks pass without showing that the
 * address is theirs. Anybody can join under any address: that must not silence the invitation for good. Joining once more
 * under it does not prolong the two weeks.
 */
const isFree = `(SELECT bool_or(contact.email_verified) OR min(contact.joined_at) > now() - interval '${limits.unverifiedHoldDays} days'
  ${joinedWithAddress}) IS NOT TRUE`;
const isWaiting = `email IS NOT NULL AND mailed_at IS NULL AND ${isOpen} AND expires_at > now() AND ${isFree}`;
/** Condition for a reminder: people who joined in any way get none, verified or not, because the invitation reached the address. */
const isToRemind = `NOT EXISTS (SELECT ${joinedWithAddress}) AND email IS NOT NULL AND reminded_at IS NULL AND ${isOpen}
  AND mailed_at <= now() - interval '${limits.reminderDays} days' AND expires_at > now() + interval '1 day'
  AND NOT EXISTS (SELECT FROM mail WHERE key_scope = 'contact' AND key_id = invitation.id)`;

function dateIn(locale: string, date: Date): string {
  return new Intl.DateTimeFormat(locale === 'it' ? 'it-IT' : 'en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(
    date,
  );
}
