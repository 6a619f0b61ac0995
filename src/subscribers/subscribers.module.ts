import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import { Subscriber, SubscriberLogo } from './subscriber.entity.js';
import { SubscribersController } from './subscribers.controller.js';
import { Subscribers } from './subscribers.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([Subscriber, SubscriberLogo])],
  controllers: [SubscribersController],
  providers: [Subscribers],
  exports: [Subscribers],
})
export class SubscribersModule {
  constructor(forgetting: Forgetting) {
    const kept = 'what is kept by law hangs on it';
    forgetting.register({ table: 'subscriber', subscriber: { kept } }, { table: 'subscriber_logo' });
  }
}
