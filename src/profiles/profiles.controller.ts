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

  /** The own profile. */
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
   * Correct the own profile; what is left out stays, and a username stays always. An interlocutor sends what every business
   * it is linked to then sees; a member how colleagues call it, and its language. Another address needs `currentPassword`, and is
   * mailed a link to confirm it; the old one is told, if it was confirmed.
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
