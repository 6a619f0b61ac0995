import { Module } from '@nestjs/common';
import { ActionsModule } from '../actions/actions.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { BroadcastsModule } from '../broadcasts/broadcasts.module.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import { ProfilesModule } from '../profiles/profiles.module.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { RetentionController } from './retention.controller.js';
import { RetentionRuns } from './retention-runs.service.js';
import { Retention } from './retention.service.js';

/** Messages that a business does not keep for good. */
@Module({
  imports: [ActionsModule, AuthModule, BroadcastsModule, ConversationsModule, ProfilesModule, SubscribersModule],
  controllers: [RetentionController],
  providers: [Retention, RetentionRuns],
  exports: [RetentionRuns],
})
export class RetentionModule {
  constructor(forgetting: Forgetting) {
    forgetting.register({ table: 'retention_run' });
  }
}
