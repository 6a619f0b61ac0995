import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActionsModule } from '../actions/actions.module.js';
import { AddressBookModule } from '../address-book/address-book.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { InterlocutorsModule } from '../interlocutors/interlocutors.module.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import { InvitationLinks } from './invitation-links.service.js';
import { InvitationMails } from './invitation-mails.service.js';
import { Invitation } from './invitation.entity.js';
import { InvitationsController } from './invitations.controller.js';
import { Invitations } from './invitations.service.js';
import { InvitedPeople } from './invited-people.service.js';
import { JoiningController } from './joining.controller.js';
import { Joinings } from './joinings.service.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([Invitation]),
    ActionsModule,
    AddressBookModule,
    AuthModule,
    ConsentsModule,
    ConversationsModule,
    InterlocutorsModule,
    SubscribersModule,
  ],
  controllers: [InvitationsController, JoiningController],
  providers: [InvitationLinks, InvitationMails, Invitations, InvitedPeople, Joinings],
  exports: [InvitationLinks, Invitations, InvitedPeople],
})
export class InvitationsModule {
  constructor(forgetting: Forgetting, people: InvitedPeople) {
    forgetting.register(
      { table: 'invitation', kind: 'invitations', contact: (manager, gone) => people.forgetContacts(manager, gone) },
      { table: 'mail_stop', subscriber: { kept: 'who asked not to be written to is written to by nobody' } },
    );
  }
}
