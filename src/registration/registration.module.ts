import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { MembersModule } from '../members/members.module.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { RegistrationController } from './registration.controller.js';
import { Registrations } from './registration.service.js';

@Module({
  imports: [AuthModule, ConsentsModule, MembersModule, SubscribersModule],
  controllers: [RegistrationController],
  providers: [Registrations],
})
export class RegistrationModule {}
