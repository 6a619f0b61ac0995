import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import type { MemberPrincipal } from '../auth/principal.js';
import { SessionCookies } from '../auth/session-cookies.js';
import { Caller, Only, OwnerOnly, Public } from '../auth/session.guard.js';
import { Consents } from '../consents/consents.service.js';
import { policyView } from '../consents/policy-view.js';
import { networkOf } from '../platform/http/networks.js';
import { Id } from '../platform/validation/id.js';
import { sendLogo } from '../subscribers/logo-answer.js';
import { InLocale } from '../subscribers/subscribers.dto.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { InvitedMembers } from './invited-members.service.js';
import { MemberInvitations } from './member-invitations.service.js';
import { MemberJoinings } from './member-joinings.service.js';
import {
  AuthorList,
  InvitedMember,
  JoinedMember,
  ListAuthors,
  ListMembers,
  MemberJoining,
  MemberList,
  NewMember,
  OpenedMemberInvitation,
} from './members.dto.js';
import { Members } from './members.service.js';

@ApiTags('members')
@OwnerOnly()
@Controller()
export class MembersController {
  constructor(
    private readonly members: Members,
    private readonly consents: Consents,
    private readonly cookies: SessionCookies,
    private readonly invitations: MemberInvitations,
    private readonly invited: InvitedMembers,
    private readonly joinings: MemberJoinings,
    private readonly subscribers: Subscribers,
  ) {}

  /** The members of the business, and the people invited to be one. For the owner. */
  @Get('members')
  list(@Caller() owner: MemberPrincipal, @Query() ask: ListMembers): Promise<MemberList> {
    return this.members.list(owner, ask);
  }

  /** Invite a person as staff by mail; at most fifty mails in 24 hours. For the owner. */
  @Post('members')
  invite(@Caller() owner: MemberPrincipal, @Body() wanted: NewMember): Promise<InvitedMember> {
    return this.invitations.invite(owner, wanted);
  }

  /**
   * Remove a member, or revoke the invitation of one. The account ends and all its devices are signed out; the name stays on
   * the messages that the member wrote. For the owner.
   */
  @Delete('members/:id')
  @HttpCode(204)
  async remove(@Caller() owner: MemberPrincipal, @Id() id: string): Promise<void> {
    await this.members.remove(owner, id);
  }

  /** The names of all members who write or wrote for the business, including removed ones. */
  @Only('member')
  @Get('authors')
  authors(@Caller() member: MemberPrincipal, @Query() ask: ListAuthors): Promise<AuthorList> {
    return this.members.listAuthors(member, ask);
  }

  /** The business that invites, and the policies to accept. A code that was revoked, was used or has expired answers 410. */
  @Public()
  @Get('members/by-code/:code')
  async open(
    @Param('code') code: string,
    @Query() { locale }: InLocale,
    @Req() request: Request,
  ): Promise<OpenedMemberInvitation> {
    const { subscriberId } = await this.invited.byCode(code, networkOf(request.ip));
    const { businessName } = await this.subscribers.get(subscriberId);
    const logoUrl = (await this.subscribers.hasLogo(subscriberId))
      ? `/api/members/by-code/${encodeURIComponent(code)}/logo`
      : null;
    return { businessName, logoUrl, policies: this.consents.shownToMembers(locale).map((shown) => policyView(shown)) };
  }

  /** The logo of the business that invites. */
  @Public()
  @Get('members/by-code/:code/logo')
  async logo(@Param('code') code: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    const { subscriberId } = await this.invited.byCode(code, networkOf(request.ip));
    sendLogo(response, await this.subscribers.logo(subscriberId));
  }

  /** Join as staff, with an account of your own. */
  @Public()
  @Post('members/by-code/:code/acceptance')
  async accept(
    @Param('code') code: string,
    @Body() joining: MemberJoining,
    @Req() request: Request,
  ): Promise<JoinedMember> {
    const { session, ...joined } = await this.joinings.join(code, joining, networkOf(request.ip));
    return { ...joined, session: await this.cookies.give(request, 'member', session) };
  }
}
