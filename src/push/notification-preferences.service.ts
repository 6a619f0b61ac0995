import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Principal } from '../auth/principal.js';
import { limits } from '../contract/limits.js';
import { Conversations } from '../conversations/conversations.service.js';
import { lockHashes } from '../platform/locks.js';
import { NotFound, ValidationFailed } from '../platform/problems/domain-error.js';
import { fieldError } from '../platform/problems/field-error.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { rooms } from '../platform/realtime/rooms.js';
import { PushRounds } from './push-rounds.service.js';
import { TooManyMuted } from './push.errors.js';
import { lanes, quietChangedQuery } from './push.queries.js';
import type { ChangedNotificationSettings, MutedConversation, NotificationSettings } from './push.dto.js';

/** Quiet hours and muted conversations of an account, which hold for all of its devices. */
@Injectable()
export class NotificationPreferences {
  constructor(
    private readonly conversations: Conversations,
    private readonly database: DataSource,
    private readonly realtime: Realtime,
    private readonly rounds: PushRounds,
  ) {}

  async read({ accountId }: Principal): Promise<NotificationSettings> {
    const [quietHours] = await this.database.query<NonNullable<NotificationSettings['quietHours']>[]>(
      `SELECT quiet_from AS from, quiet_to AS to, time_zone AS "timeZone" FROM notification_setting WHERE account_id = $1`,
      [accountId],
    );
    const muted = await this.database.query<{ conversationId: string; until: Date | null }[]>(
      `SELECT conversation_id AS "conversationId", until FROM conversation_mute
       WHERE account_id = $1 AND (until IS NULL OR until > now()) ORDER BY conversation_id LIMIT ${limits.conversationsMuted}`,
      [accountId],
    );
    return {
      quietHours: quietHours ?? null,
      muted: muted.map(({ conversationId, until }) => ({ conversationId, until: until?.toISOString() ?? null })),
    };
  }

  /** @throws ValidationFailed for quiet hours that never end */
  async change(principal: Principal, { quietHours }: ChangedNotificationSettings): Promise<NotificationSettings> {
    const { accountId } = principal;
    if (quietHours === null) {
      await this.database.query('DELETE FROM notification_setting WHERE account_id = $1', [accountId]);
      return this.changed(principal);
    }
    const { from, to, timeZone } = quietHours;
    if (from === to) throw new ValidationFailed([fieldError('quietHours.to', { code: 'exclusive' })]);
    await this.database.query(
      `INSERT INTO notification_setting (account_id, quiet_from, quiet_to, time_zone) VALUES ($1, $2, $3, $4)
       ON CONFLICT (account_id) DO UPDATE
       SET quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to, time_zone = excluded.time_zone`,
      [accountId, from, to, timeZone],
    );
    return this.changed(principal);
  }

  /** @throws NotFound, ValidationFailed for a time that has passed, TooManyMuted */
  async mute(principal: Principal, conversationId: string, until: string | null): Promise<MutedConversation> {
    const { subscriberId } = await this.conversations.access(principal, conversationId);
    const time = until === null ? null : new Date(until);
    if (time && !(time > new Date())) throw new ValidationFailed([fieldError('until', { code: 'in_the_past' })]);
    await this.database.transaction(async (manager) => {
      const { accountId } = principal;
      await lockHashes(manager, [Buffer.from(accountId.replaceAll('-', ''), 'hex')]);
      await manager.query(
        `INSERT INTO conversation_mute (subscriber_id, conversation_id, account_id, until) VALUES ($1, $2, $3, $4)
         ON CONFLICT (subscriber_id, conversation_id, account_id) DO UPDATE SET until = excluded.until`,
        [subscriberId, conversationId, accountId, time],
      );
      const [{ muted }] = await manager.query<[{ muted: number }]>(
        `SELECT count(*)::integer AS muted FROM conversation_mute
         WHERE account_id = $1 AND (until IS NULL OR until > now())`,
        [accountId],
      );
      if (muted > limits.conversationsMuted) throw new TooManyMuted();
    });
    this.tell(principal);
    return { conversationId, until: time?.toISOString() ?? null };
  }

  /** @throws NotFound for a conversation that is not muted, too */
  async unmute(principal: Principal, conversationId: string): Promise<void> {
    const { subscriberId } = await this.conversations.access(principal, conversationId);
    const [, deleted] = await this.database.query<[unknown[], number]>(
      'DELETE FROM conversation_mute WHERE subscriber_id = $1 AND conversation_id = $2 AND account_id = $3',
      [subscriberId, conversationId, principal.accountId],
    );
    if (deleted === 0) throw new NotFound();
    this.tell(principal);
  }

  /** Has what waits for the end of the former quiet hours decided by the new ones. */
  private async changed(principal: Principal): Promise<NotificationSettings> {
    await this.database.query(quietChangedQuery, [principal.accountId]);
    for (const lane of Object.values(lanes)) this.rounds.wakeIn(lane, 0);
    this.tell(principal);
    return this.read(principal);
  }

  private tell({ accountId }: Principal): void {
    this.realtime.tell(rooms.ofAccount(accountId), 'notification-settings.changed', {});
  }
}
