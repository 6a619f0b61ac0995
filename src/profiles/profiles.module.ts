import { Module } from '@nestjs/common';
import { ActionsModule } from '../actions/actions.module.js';
import { AddressBookModule } from '../address-book/address-book.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { InterlocutorsModule } from '../interlocutors/interlocutors.module.js';
import { MembersModule } from '../members/members.module.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { ProfilesController } from './profiles.controller.js';
import { Profiles } from './profiles.service.js';
import { SubscriberController } from './subscriber.controller.js';

@Module({
  imports: [ActionsModule, AddressBookModule, AuthModule, InterlocutorsModule, MembersModule, SubscribersModule],
  controllers: [SubscriberController, ProfilesController],
  providers: [Profiles],
  exports: [Profiles],
})
export class ProfilesModule {}
