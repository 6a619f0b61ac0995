import { Module } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { ActionsModule } from '../actions/actions.module.js';
import { AddressBookModule } from '../address-book/address-book.module.js';
import { AttachmentsModule } from '../attachments/attachments.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { BroadcastsModule } from '../broadcasts/broadcasts.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { ImportsModule } from '../imports/imports.module.js';
import { InvitationsModule } from '../invitations/invitations.module.js';
import { LabelsModule } from '../labels/labels.module.js';
import { MembersModule } from '../members/members.module.js';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import type { Gone } from '../platform/forgetting/holdings.js';
import { ProfilesModule } from '../profiles/profiles.module.js';
import { PushModule } from '../push/push.module.js';
import { QuickRepliesModule } from '../quick-replies/quick-replies.module.js';
import { RightsModule } from '../rights/rights.module.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { UnreadMailsModule } from '../unread-mails/unread-mails.module.js';
import { AccountExports } from './account-exports.service.js';
import { ConversationExports } from './conversation-exports.service.js';
import { ConversationParts } from './conversation-parts.service.js';
import { ExportFiles } from './export-files.service.js';
import { Exporting } from './exporting.service.js';
import { ExportsController } from './exports.controller.js';
import { Exports } from './exports.service.js';
import { Sections } from './sections.service.js';

@Module({
  imports: [
    ActionsModule,
    AddressBookModule,
    AttachmentsModule,
    AuthModule,
    BroadcastsModule,
    ConsentsModule,
    ConversationsModule,
    ImportsModule,
    InvitationsModule,
    LabelsModule,
    PushModule,
    QuickRepliesModule,
    MembersModule,
    ProfilesModule,
    RightsModule,
    SubscribersModule,
    UnreadMailsModule,
  ],
  controllers: [ExportsController],
  providers: [AccountExports, ConversationExports, ConversationParts, ExportFiles, Exporting, Exports, Sections],
  exports: [Exporting],
})
export class ExportsModule {
  constructor(forgetting: Forgetting, exporting: Exporting) {
    const by =
      (forget: (manager: EntityManager, gone: Gone) => Promise<void>) => async (manager: EntityManager, gone: Gone) => {
        await forget(manager, gone);
        return { counts: {}, more: false };
      };
    forgetting.register(
      {
        table: 'export',
        contact: by((manager, { subscriberId, ids }) => exporting.forgetContacts(manager, subscriberId!, ids)),
        interlocutor: by((manager, { accountIds = [] }) => exporting.forgetAccounts(manager, accountIds)),
        subscriber: by((manager, { ids }) => exporting.forgetSubscribers(manager, ids)),
        // Exports of a person are found by its contacts.
        before: ['contact'],
        atOnce: true,
      },
      { table: 'export_download', subscriber: { kept: 'they go with their exports' } },
    );
  }
}
