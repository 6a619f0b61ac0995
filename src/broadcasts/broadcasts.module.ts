import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActionsModule } from '../actions/actions.module.js';
import { AddressBookModule } from '../address-book/address-book.module.js';
import { AttachmentsModule } from '../attachments/attachments.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { ChangeFeedModule } from '../change-feed/change-feed.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { InterlocutorsModule } from '../interlocutors/interlocutors.module.js';
import { LabelsModule } from '../labels/labels.module.js';
import { MembersModule } from '../members/members.module.js';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import type { Forget } from '../platform/forgetting/holdings.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { Audiences } from './audiences.service.js';
import { Broadcast } from './broadcast.entity.js';
import { BroadcastExpiries } from './broadcast-expiries.service.js';
import { BroadcastRuns } from './broadcast-runs.service.js';
import { HeldMails } from './held-mails.service.js';
import { BroadcastsController } from './broadcasts.controller.js';
import { Broadcasts } from './broadcasts.service.js';
import { RecipientExport } from './recipient-export.service.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([Broadcast]),
    ActionsModule,
    AddressBookModule,
    AttachmentsModule,
    AuthModule,
    ChangeFeedModule,
    ConsentsModule,
    ConversationsModule,
    InterlocutorsModule,
    LabelsModule,
    MembersModule,
    SubscribersModule,
  ],
  controllers: [BroadcastsController],
  providers: [Audiences, BroadcastExpiries, BroadcastRuns, Broadcasts, HeldMails, RecipientExport],
  exports: [BroadcastExpiries, Broadcasts],
})
export class BroadcastsModule {
  constructor(forgetting: Forgetting) {
    forgetting.register(
      { table: 'broadcast', contact: forgetCheckpoints },
      { table: 'broadcast_recipient', kind: 'broadcasts_received', contact: 'contact_id' },
      { table: 'advertising_report', kind: 'advertising_reports', contact: 'contact_id' },
    );
  }
}

/** The last contact of a broadcast that is over is of no use any more. */
const forgetCheckpoints: Forget = async (manager, { subscriberId, ids }) => {
  await manager.query(
    `UPDATE broadcast SET checkpoint = NULL
     WHERE subscriber_id = $1 AND checkpoint = ANY ($2::uuid[]) AND state IN ('finished', 'cancelled', 'stopped')`,
    [subscriberId, ids],
  );
  return { counts: {}, more: false };
};
