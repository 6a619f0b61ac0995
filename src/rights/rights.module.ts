import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActionsModule } from '../actions/actions.module.js';
import { AddressBookModule } from '../address-book/address-book.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { InterlocutorsModule } from '../interlocutors/interlocutors.module.js';
import { MembersModule } from '../members/members.module.js';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { Notices } from './notices.service.js';
import { RequestsController } from './requests.controller.js';
import { RightsRequests } from './requests.service.js';
import { RestrictionsController } from './restrictions.controller.js';
import { Restrictions } from './restrictions.service.js';
import { RightsRequest } from './rights-request.entity.js';

/** Rights of people over their data: restriction, objection, and requests with their time. */
@Module({
  imports: [
    TypeOrmModule.forFeature([RightsRequest]),
    ActionsModule,
    AddressBookModule,
    AuthModule,
    ConsentsModule,
    ConversationsModule,
    InterlocutorsModule,
    MembersModule,
    SubscribersModule,
  ],
  controllers: [RestrictionsController, RequestsController],
  providers: [Notices, RightsRequests, Restrictions],
  exports: [RightsRequests],
})
export class RightsModule {
  constructor(forgetting: Forgetting) {
    forgetting.register({ table: 'rights_request', kind: 'requests', contact: 'contact_id', atOnce: true });
  }
}
