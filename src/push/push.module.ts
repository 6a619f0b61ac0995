import { Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { AuthModule } from '../auth/auth.module.js';
import { Sessions } from '../auth/sessions.service.js';
import { ChangeFeedModule } from '../change-feed/change-feed.module.js';
import { ChangeFeed } from '../change-feed/change-feed.service.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import type { Forget } from '../platform/forgetting/holdings.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { HandOvers } from './hand-overs.service.js';
import { NotificationPreferences } from './notification-preferences.service.js';
import { NotificationSettingsController } from './notification-settings.controller.js';
import { PushController } from './push.controller.js';
import { forgetPlacesQuery, sweepQueries } from './push.queries.js';
import { PushRounds } from './push-rounds.service.js';
import { PushSubscriptions } from './push-subscriptions.service.js';
import { PushTests } from './push-tests.service.js';
import { PushWaits } from './push-waits.service.js';

const sweep = defineJob('push.sweep', { cron: '37 * * * *' });

@Module({
  imports: [AuthModule, ChangeFeedModule, ConversationsModule],
  controllers: [NotificationSettingsController, PushController],
  providers: [HandOvers, NotificationPreferences, PushRounds, PushSubscriptions, PushTests, PushWaits],
  exports: [NotificationPreferences],
})
export class PushModule {
  constructor(
    changes: ChangeFeed,
    database: DataSource,
    forgetting: Forgetting,
    jobs: Jobs,
    sessions: Sessions,
    subscriptions: PushSubscriptions,
    waits: PushWaits,
  ) {
    forgetting.register(
      {
        table: 'push_subscription',
        interlocutor: ofAccounts(`DELETE FROM push_subscription WHERE session_id IN
          (SELECT id FROM session WHERE account_id = ANY ($1::uuid[]))`),
        subscriber: ofMembers(`DELETE FROM push_subscription WHERE receiver_id = ANY ($1::uuid[])`),
      },
      {
        table: 'notification_setting',
        interlocutor: ofAccounts('DELETE FROM notification_setting WHERE account_id = ANY ($1::uuid[])'),
        subscriber: ofMembers(`DELETE FROM notification_setting WHERE account_id IN
          (SELECT id FROM account WHERE subscriber_id = ANY ($1::uuid[]))`),
      },
      { table: 'conversation_mute', contact: 'conversation_id' },
      { table: 'push_wait', contact: 'conversation_id', atOnce: true },
      { table: 'push_notice', contact: 'conversation_id', atOnce: true },
      { table: 'push_broadcast', contact: forgetPlaces },
    );
    changes.consume(waits);
    sessions.knowPushBy((ids) => subscriptions.ofSessions(ids));
    jobs.handle(sweep, async () => {
      for (const query of sweepQueries) await database.query(query);
    });
  }
}

const forgetPlaces: Forget = async (manager, { subscriberId, ids }) => {
  await manager.query(forgetPlacesQuery, [subscriberId, ids]);
  return { counts: {}, more: false };
};

const ofAccounts =
  (statement: string): Forget =>
  async (manager, { accountIds = [] }) => {
    await manager.query(statement, [accountIds]);
    return { counts: {}, more: false };
  };

const ofMembers =
  (statement: string): Forget =>
  async (manager, { ids }) => {
    await manager.query(statement, [ids]);
    return { counts: {}, more: false };
  };
