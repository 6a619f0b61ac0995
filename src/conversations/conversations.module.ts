import { Module } from '@nestjs/common';
import { ActionsModule } from '../actions/actions.module.js';
import { AddressBookModule } from '../address-book/address-book.module.js';
import { Contacts } from '../address-book/contacts.service.js';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import type { Forget } from '../platform/forgetting/holdings.js';
import type { GoneMessage } from '../change-feed/consumers.js';
import { ChangeFeed } from '../change-feed/change-feed.service.js';
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
import { Claims } from './claims.service.js';
import { Conversations } from './conversations.service.js';
import { Expiries } from './expiries.service.js';
import { MessageLimits } from './message-limits.js';
import { MessageTexts } from './message-texts.js';
import { Messages } from './messages.service.js';
import { Answers } from './answers.service.js';
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
    Claims,
    Conversations,
    Expiries,
    MessageLimits,
    Messages,
    MessageTexts,
    Answers,
    Receipts,
    Standings,
    ConversationsGateway,
  ],
  exports: [BroadcastEntries, Conversations, Expiries, Messages, MessageTexts],
})
export class ConversationsModule {
  constructor(
    contacts: Contacts,
    conversations: Conversations,
    scans: Scans,
    changes: ChangeFeed,
    forgetting: Forgetting,
  ) {
    const forgetMessages = messagesWithDerived(changes);
    forgetting.register(
      { table: 'conversation', contact: 'id', atOnce: true },
      { table: 'message', contact: forgetMessages },
      { table: 'watermark', contact: 'conversation_id' },
      { table: 'watermark_move', kind: 'receipts', contact: 'conversation_id' },
    );
    scans.changeMessagesBy(conversations);
    contacts.lockConversationsBy((manager, { subscriberId, id }) => conversations.lock(manager, subscriberId, id));
  }
}

/** Deletes messages together with what was derived from them. */
function messagesWithDerived(changes: ChangeFeed): Forget {
  return async (manager, { subscriberId, ids }, limit) => {
    const gone = await manager.query<GoneMessage[]>(
      `WITH gone AS (
         DELETE FROM message WHERE ctid = ANY (ARRAY(
           SELECT ctid FROM message WHERE subscriber_id = $1 AND conversation_id = ANY ($2::uuid[]) LIMIT ${limit}))
         RETURNING subscriber_id AS "subscriberId", conversation_id AS "conversationId", seq, sent_at AS "sentAt")
       SELECT * FROM gone`,
      [subscriberId, ids],
    );
    const derived = gone.length > 0 ? await changes.forget(manager, gone) : {};
    return { counts: { messages: gone.length, ...derived }, more: gone.length === limit };
  };
}
