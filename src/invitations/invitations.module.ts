import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ConsentsModule } from '../consents/consents.module.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { Invitation } from './invitation.entity.js';
import { InvitationsController } from './invitations.controller.js';
import { Invitations } from './invitations.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([Invitation]), ConsentsModule, SubscribersModule],
  controllers: [InvitationsController],
  providers: [Invitations],
  exports: [Invitations],
})
export class InvitationsModule {}
