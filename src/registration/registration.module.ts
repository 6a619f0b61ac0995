import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { CredentialsModule } from '../credentials/credentials.module.js';
import { RegistrationController } from './registration.controller.js';
import { Registrations } from './registration.service.js';

@Module({
  imports: [AuthModule, ConsentsModule, CredentialsModule],
  controllers: [RegistrationController],
  providers: [Registrations],
})
export class RegistrationModule {}
