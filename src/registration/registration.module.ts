import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { RegistrationController } from './registration.controller.js';
import { Registrations } from './registration.service.js';

@Module({
  imports: [AuthModule, ConsentsModule],
  controllers: [RegistrationController],
  providers: [Registrations],
})
export class RegistrationModule {}
