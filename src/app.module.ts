import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { DataSourceOptions } from 'typeorm';
import { ActionsModule } from './actions/actions.module.js';
import { AddressBookModule } from './address-book/address-book.module.js';
import { ArchiveModule } from './archive/archive.module.js';
import { AttachmentsModule } from './attachments/attachments.module.js';
import { AuthModule } from './auth/auth.module.js';
import { BroadcastsModule } from './broadcasts/broadcasts.module.js';
import { ConsentsModule } from './consents/consents.module.js';
import { ConversationsModule } from './conversations/conversations.module.js';
import { ErasuresModule } from './erasures/erasures.module.js';
import { LeavingModule } from './leaving/leaving.module.js';
import { ExportsModule } from './exports/exports.module.js';
import { FiguresModule } from './figures/figures.module.js';
import { HealthModule } from './health/health.module.js';
import { ImportsModule } from './imports/imports.module.js';
import { InterlocutorsModule } from './interlocutors/interlocutors.module.js';
import { InvitationsModule } from './invitations/invitations.module.js';
import { LabelsModule } from './labels/labels.module.js';
import { MediaModule } from './media/media.module.js';
import { MembersModule } from './members/members.module.js';
import { DeclaredQueriesModule } from './platform/http/declared-queries.js';
import { type Foundation, PlatformModule } from './platform/platform.module.js';
import { PlacesModule } from './places/places.module.js';
import { PoliciesModule } from './policies/policies.module.js';
import { ProfilesModule } from './profiles/profiles.module.js';
import { PushModule } from './push/push.module.js';
import { QuickRepliesModule } from './quick-replies/quick-replies.module.js';
import { RegistrationModule } from './registration/registration.module.js';
import { RetentionModule } from './retention/retention.module.js';
import { RightsModule } from './rights/rights.module.js';
import { UnreadMailsModule } from './unread-mails/unread-mails.module.js';
import { SubscribersModule } from './subscribers/subscribers.module.js';

@Module({})
export class AppModule {
  static with(foundation: Foundation, database: DataSourceOptions): DynamicModule {
    return {
      module: AppModule,
      imports: [
        PlatformModule.with(foundation),
        TypeOrmModule.forRoot({ ...database, autoLoadEntities: true, migrationsRun: true, retryAttempts: 0 }),
        ActionsModule,
        AddressBookModule,
        ArchiveModule,
        AttachmentsModule,
        AuthModule,
        BroadcastsModule,
        ConsentsModule,
        ConversationsModule,
        ErasuresModule,
        LeavingModule,
        ExportsModule,
        FiguresModule,
        HealthModule,
        ImportsModule,
        InterlocutorsModule,
        InvitationsModule,
        LabelsModule,
        MediaModule,
        MembersModule,
        PlacesModule,
        PoliciesModule,
        ProfilesModule,
        PushModule,
        QuickRepliesModule,
        RegistrationModule,
        RetentionModule,
        RightsModule,
        SubscribersModule,
        UnreadMailsModule,
        DeclaredQueriesModule,
      ],
    };
  }
}
