import { Module } from '@nestjs/common';
import { ActionsModule } from '../actions/actions.module.js';
import { AddressBookModule } from '../address-book/address-book.module.js';
import { AttachmentsModule } from '../attachments/attachments.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { ExportsModule } from '../exports/exports.module.js';
import { InterlocutorsModule } from '../interlocutors/interlocutors.module.js';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { CertificateMails } from './certificate-mails.service.js';
import { Certificates } from './certificates.service.js';
import { ErasureRuns } from './erasure-runs.service.js';
import { ErasuresController } from './erasures.controller.js';
import { Erasures } from './erasures.service.js';
import { Proposals } from './proposals.service.js';

@Module({
  imports: [
    ActionsModule,
    AddressBookModule,
    AttachmentsModule,
    AuthModule,
    ConsentsModule,
    ConversationsModule,
    ExportsModule,
    InterlocutorsModule,
    SubscribersModule,
  ],
  controllers: [ErasuresController],
  providers: [CertificateMails, Certificates, ErasureRuns, Erasures, Proposals],
  exports: [ErasureRuns, Erasures],
})
export class ErasuresModule {
  constructor(forgetting: Forgetting) {
    const kept = 'the ledger of erasures is never deleted from';
    const stays = () => Promise.resolve({ counts: {}, more: false });
    forgetting.register(
      { table: 'erasure', subscriber: { kept } },
      // Its columns but the ids are emptied when the erasure ends.
      { table: 'erased_contact', contact: stays, interlocutor: stays, subscriber: { kept } },
      { table: 'certificate_mail', subscriber: { kept: 'it goes within a day, with its key' } },
      { table: 'erasure_proposal', contact: 'contact_id', atOnce: true },
    );
  }
}
