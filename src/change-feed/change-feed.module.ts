import { Module } from '@nestjs/common';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import { ChangeFeed } from './change-feed.service.js';

@Module({ providers: [ChangeFeed], exports: [ChangeFeed] })
export class ChangeFeedModule {
  constructor(forgetting: Forgetting) {
    forgetting.register(
      { table: 'feed_progress', contact: 'conversation_id', atOnce: true },
      { table: 'feed_broadcast' },
    );
    forgetting.registerOwnerless({ table: 'feed_consumer', holds: 'how far each consumer is' });
  }
}
