import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AddressBookModule } from '../address-book/address-book.module.js';
import { PoliciesModule } from '../policies/policies.module.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { Consent } from './consent.entity.js';
import { ConsentProofsController } from './consent-proofs.controller.js';
import { ConsentProofs } from './consent-proofs.service.js';
import { ConsentsController } from './consents.controller.js';
import { Consents } from './consents.service.js';
import { ContactConsentsController } from './contact-consents.controller.js';

@Module({
  imports: [TypeOrmModule.forFeature([Consent]), AddressBookModule, PoliciesModule, SubscribersModule],
  controllers: [ConsentProofsController, ConsentsController, ContactConsentsController],
  providers: [ConsentProofs, Consents],
  exports: [ConsentProofs, Consents],
})
export class ConsentsModule {}
