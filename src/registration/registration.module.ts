import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { MembersModule } from '../members/members.module.js';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { RegistrationController } from './registration.controller.js';
import { Registrations } from './registration.service.js';

@Module({
  imports: [AuthModule, ConsentsModule, MembersModule, SubscribersModule],
  controllers: [RegistrationController],
  providers: [Registrations],
})
export class RegistrationModule {
  constructor(forgetting: Forgetting) {
    forgetting.registerOwnerless({
      table: 'registration_code',
      holds: 'codes that were used before there was a subscriber',
    });
  }
}
