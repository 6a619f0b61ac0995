import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Subscriber, SubscriberLogo } from './subscriber.entity.js';
import { SubscribersController } from './subscribers.controller.js';
import { Subscribers } from './subscribers.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([Subscriber, SubscriberLogo])],
  controllers: [SubscribersController],
  providers: [Subscribers],
  exports: [Subscribers],
})
export class SubscribersModule {}
