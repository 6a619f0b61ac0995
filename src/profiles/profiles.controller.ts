import { Body, Controller, Get, Patch, Req } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { Request } from 'express';
import { Accounts } from '../auth/accounts.service.js';
import { isMember, type Principal } from '../auth/principal.js';
import { principalView } from '../auth/principal-view.js';
import { Caller } from '../auth/session.guard.js';
import { interlocutorView } from '../interlocutors/interlocutor-view.js';
import { Interlocutors } from '../interlocutors/interlocutors.service.js';
import { Members } from '../members/members.service.js';
import { networkOf } from '../platform/http/networks.js';
import { validated } from '../platform/validation/validation.js';
import { subscriberView } from '../subscribers/subscriber-view.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { InterlocutorChanges, MemberChanges, Profile } from './profiles.dto.js';
import { Profiles } from './profiles.service.js';

@ApiTags('profile')
@Controller('me')
export class ProfilesController {
  constructor(
    private readonly accounts: Accounts,
    private readonly interlocutors: Interlocutors,
    private readonly members: Members,
    private readonly profiles: Profiles,
    private readonly subscribers: Subscribers,
  ) {}

  /** Your profile. */
  @Get()
  async mine(@Caller() principal: Principal): Promise<Profile> {
    const username = await this.accounts.username(principal);
    const emailVerified = await this.accounts.hasVerifiedEmail(principal.accountId);
    const own = { username, emailVerified, locale: principal.locale, principal: principalView(principal) };
    if (!isMember(principal)) {
      const stated = await this.interlocutors.get(principal.interlocutorId);
      return { ...own, interlocutor: interlocutorView(principal.interlocutorId, username, stated) };
    }
    const subscriber = await this.subscribers.get(principal.subscriberId);
    const hasLogo = await this.subscribers.hasLogo(subscriber.id);
    return { ...own, ...(await this.members.ownData(principal)), subscriber: subscriberView(subscriber, hasLogo) };
  }

  /**
   * Correct your profile. Fields that you leave out stay, and a username never changes. Every business that an interlocutor is
   * linked to sees the new data; a member can change the name that colleagues see, and the language. To change the email
   * address, send `currentPassword`: the new address gets a link to confirm it, and the old one, if it was confirmed, a notice.
   */
  @Patch()
  @ApiExtraModels(InterlocutorChanges, MemberChanges)
  @ApiBody({
    schema: { oneOf: [{ $ref: getSchemaPath(InterlocutorChanges) }, { $ref: getSchemaPath(MemberChanges) }] },
  })
  async edit(@Caller() principal: Principal, @Body() body: unknown, @Req() request: Request): Promise<Profile> {
    if (isMember(principal)) {
      const changes = validated(MemberChanges, body);
      await this.profiles.editMember(principal, changes);
      return this.mine({ ...principal, locale: changes.locale ?? principal.locale });
    }
    const changes = validated(InterlocutorChanges, body);
    await this.profiles.editInterlocutor(principal, changes, networkOf(request.ip));
    return this.mine({ ...principal, locale: changes.locale ?? principal.locale });
  }
}
