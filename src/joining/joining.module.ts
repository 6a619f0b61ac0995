import { Module } from '@nestjs/common';
import { AddressBookModule } from '../address-book/address-book.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { CredentialsModule } from '../credentials/credentials.module.js';
import { InterlocutorsModule } from '../interlocutors/interlocutors.module.js';
import { InvitationsModule } from '../invitations/invitations.module.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { JoiningController } from './joining.controller.js';
import { Joinings } from './joinings.service.js';

@Module({
  imports: [
    AddressBookModule,
    AuthModule,
    ConsentsModule,
    ConversationsModule,
    CredentialsModule,
    InterlocutorsModule,
    InvitationsModule,
    SubscribersModule,
  ],
  controllers: [JoiningController],
  providers: [Joinings],
})
export class JoiningModule {}
