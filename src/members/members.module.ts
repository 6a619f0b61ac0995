import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActionsModule } from '../actions/actions.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { InvitedMembers } from './invited-members.service.js';
import { MemberInvitationMails } from './member-invitation-mails.service.js';
import { MemberInvitations } from './member-invitations.service.js';
import { MemberJoinings } from './member-joinings.service.js';
import { Member } from './member.entity.js';
import { MembersController } from './members.controller.js';
import { Members } from './members.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([Member]), ActionsModule, AuthModule, ConsentsModule, SubscribersModule],
  controllers: [MembersController],
  providers: [InvitedMembers, MemberInvitationMails, MemberInvitations, MemberJoinings, Members],
  exports: [Members],
})
export class MembersModule {
  constructor(forgetting: Forgetting) {
    forgetting.register({ table: 'member' });
  }
}
