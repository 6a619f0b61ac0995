import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AddressBookModule } from '../address-book/address-book.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { PoliciesModule } from '../policies/policies.module.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { Consent } from './consent.entity.js';
import { ConsentProofsController } from './consent-proofs.controller.js';
import { ConsentProofs } from './consent-proofs.service.js';
import { ConsentsController } from './consents.controller.js';
import { Consents } from './consents.service.js';
import { ContactConsentsController } from './contact-consents.controller.js';
import { PolicyAnnouncements } from './policy-announcements.service.js';
import { PolicyChanges } from './policy-changes.service.js';
import { PolicyNotice } from './policy-notice.entity.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([Consent, PolicyNotice]),
    AddressBookModule,
    AuthModule,
    PoliciesModule,
    SubscribersModule,
  ],
  controllers: [ConsentProofsController, ConsentsController, ContactConsentsController],
  providers: [ConsentProofs, Consents, PolicyAnnouncements, PolicyChanges],
  exports: [ConsentProofs, Consents, PolicyChanges],
})
export class ConsentsModule {}
