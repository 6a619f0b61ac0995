import { Module } from '@nestjs/common';
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
import type { Forget } from '../platform/forgetting/holdings.js';
import { ProfilesModule } from '../profiles/profiles.module.js';
import { RightsModule } from '../rights/rights.module.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
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
    MembersModule,
    ProfilesModule,
    RightsModule,
    SubscribersModule,
  ],
  controllers: [ExportsController],
  providers: [AccountExports, ConversationExports, ConversationParts, ExportFiles, Exporting, Exports, Sections],
  exports: [Exporting],
})
export class ExportsModule {
  constructor(forgetting: Forgetting) {
    const owned = { contact: ofOwners('contact_id'), interlocutor: ofOwners('holder_id'), subscriber: 'subscriber_id' };
    forgetting.register(
      { table: 'export', ...owned },
      { table: 'export_download', subscriber: { kept: 'its rows go with the export or the session' } },
    );
  }
}

/** Exports that are left: their keys and files went when their owner became unreadable. */
function ofOwners(column: 'contact_id' | 'holder_id'): Forget {
  return async (manager, { ids }) => {
    await manager.query(`DELETE FROM export WHERE ${column} = ANY ($1::uuid[])`, [ids]);
    return { counts: {}, more: false };
  };
}
