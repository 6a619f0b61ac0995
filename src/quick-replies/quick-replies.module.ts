import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { QuickRepliesController } from './quick-replies.controller.js';
import { QuickReplies } from './quick-replies.service.js';
import { QuickReply } from './quick-reply.entity.js';

@Module({
  imports: [TypeOrmModule.forFeature([QuickReply]), SubscribersModule],
  controllers: [QuickRepliesController],
  providers: [QuickReplies],
  exports: [QuickReplies],
})
export class QuickRepliesModule {
  constructor(forgetting: Forgetting) {
    forgetting.register({ table: 'quick_reply' });
  }
}
