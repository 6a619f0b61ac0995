import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AddressBookModule } from '../address-book/address-book.module.js';
import { Contact } from '../address-book/contact.entity.js';
import { AuthModule } from '../auth/auth.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { InterlocutorsModule } from '../interlocutors/interlocutors.module.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { Invitation, WaitingMail } from './invitation.entity.js';
import { InvitationsController, JoiningController } from './invitations.controller.js';
import { Invitations } from './invitations.service.js';
import { Joinings } from './joining.service.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([Invitation, WaitingMail, Contact]),
    AddressBookModule,
    AuthModule,
    ConsentsModule,
    ConversationsModule,
    InterlocutorsModule,
    SubscribersModule,
  ],
  // The routes by code stand first: `by-code` is no id.
  controllers: [JoiningController, InvitationsController],
  providers: [Invitations, Joinings],
})
export class InvitationsModule {}
