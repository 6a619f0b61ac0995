import { Body, Controller, Get, Patch, Req } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { Request } from 'express';
import { isMember, type Principal } from '../auth/principal.js';
import { Caller } from '../auth/session.guard.js';
import { networkOf } from '../platform/http/networks.js';
import { validated } from '../platform/validation/validation.js';
import { InterlocutorChanges, MemberChanges, Profile } from './profiles.dto.js';
import { Profiles } from './profiles.service.js';

@ApiTags('profile')
@Controller('me')
export class ProfilesController {
  constructor(private readonly profiles: Profiles) {}

  /** Your profile. */
  @Get()
  mine(@Caller() principal: Principal): Promise<Profile> {
    return this.profiles.of(principal);
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
      return this.profiles.of({ ...principal, locale: changes.locale ?? principal.locale });
    }
    const changes = validated(InterlocutorChanges, body);
    await this.profiles.editInterlocutor(principal, changes, networkOf(request.ip));
    return this.profiles.of({ ...principal, locale: changes.locale ?? principal.locale });
  }
}
