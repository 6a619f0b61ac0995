import { Module } from '@nestjs/common';
import { ActionsModule } from '../actions/actions.module.js';
import { AddressBookModule } from '../address-book/address-book.module.js';
import { Contacts } from '../address-book/contacts.service.js';
import { ChangeFeedModule } from '../change-feed/change-feed.module.js';
import { AttachmentsModule } from '../attachments/attachments.module.js';
import { Scans } from '../attachments/scans.service.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { InterlocutorsModule } from '../interlocutors/interlocutors.module.js';
import { MembersModule } from '../members/members.module.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { BroadcastEntries } from './broadcast-entries.service.js';
import { ConversationsController } from './conversations.controller.js';
import { ConversationsGateway } from './conversations.gateway.js';
import { Conversations } from './conversations.service.js';
import { MessageLimits } from './message-limits.js';
import { MessageTexts } from './message-texts.js';
import { Messages } from './messages.service.js';
import { Receipts } from './receipts.service.js';
import { Standings } from './standings.service.js';

@Module({
  imports: [
    ActionsModule,
    AddressBookModule,
    ChangeFeedModule,
    AttachmentsModule,
    ConsentsModule,
    InterlocutorsModule,
    MembersModule,
    SubscribersModule,
  ],
  controllers: [ConversationsController],
  providers: [
    BroadcastEntries,
    Conversations,
    MessageLimits,
    Messages,
    MessageTexts,
    Receipts,
    Standings,
    ConversationsGateway,
  ],
  exports: [BroadcastEntries, Conversations, Messages, MessageTexts],
})
export class ConversationsModule {
  constructor(contacts: Contacts, conversations: Conversations, scans: Scans) {
    scans.changeMessagesBy(conversations);
    contacts.lockConversationsBy((manager, { subscriberId, id }) => conversations.lock(manager, subscriberId, id));
  }
}
