import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActionsModule } from '../actions/actions.module.js';
import { AddressBookModule } from '../address-book/address-book.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { InvitationLinks } from './invitation-links.service.js';
import { InvitationMails } from './invitation-mails.service.js';
import { Invitation } from './invitation.entity.js';
import { InvitationsController } from './invitations.controller.js';
import { Invitations } from './invitations.service.js';
import { InvitedPeople } from './invited-people.service.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([Invitation]),
    ActionsModule,
    AddressBookModule,
    ConsentsModule,
    SubscribersModule,
  ],
  controllers: [InvitationsController],
  providers: [InvitationLinks, InvitationMails, Invitations, InvitedPeople],
  exports: [InvitationLinks, Invitations, InvitedPeople],
})
export class InvitationsModule {}
