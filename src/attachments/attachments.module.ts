import { Module } from '@nestjs/common';
import { MediaModule } from '../media/media.module.js';
import { Attachments } from './attachments.service.js';
import { Contents } from './contents.service.js';

@Module({
  imports: [MediaModule],
  providers: [Attachments, Contents],
  exports: [Attachments],
})
export class AttachmentsModule {}
