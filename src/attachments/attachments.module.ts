import { Module } from '@nestjs/common';
import { AddressBookModule } from '../address-book/address-book.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { MediaModule } from '../media/media.module.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { AttachmentsController } from './attachments.controller.js';
import { Attachments } from './attachments.service.js';
import { Contents } from './contents.service.js';
import { FileErasures } from './file-erasures.service.js';
import { ResumableUploadsController } from './resumable-uploads.controller.js';
import { ResumableUploads } from './resumable-uploads.service.js';
import { Scans } from './scans.service.js';
import { Transfers } from './transfers.service.js';
import { Uploads } from './uploads.service.js';

@Module({
  imports: [AddressBookModule, AuthModule, ConsentsModule, MediaModule, SubscribersModule],
  controllers: [ResumableUploadsController, AttachmentsController],
  providers: [Attachments, Contents, FileErasures, ResumableUploads, Scans, Transfers, Uploads],
  exports: [Attachments, FileErasures, Scans, Transfers],
})
export class AttachmentsModule {}
