import { Module } from '@nestjs/common';
import { ActionsModule } from '../actions/actions.module.js';
import { AttachmentsModule } from '../attachments/attachments.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { ConversationExports } from './conversation-exports.service.js';
import { ExportsController } from './exports.controller.js';

@Module({
  imports: [ActionsModule, AttachmentsModule, AuthModule, ConversationsModule, SubscribersModule],
  controllers: [ExportsController],
  providers: [ConversationExports],
})
export class ExportsModule {}
