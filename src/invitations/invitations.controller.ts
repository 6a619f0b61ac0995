import { Body, Controller, Delete, Get, Header, HttpCode, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { MemberPrincipal } from '../auth/principal.js';
import { Caller, Only } from '../auth/session.guard.js';
import { Id } from '../platform/validation/id.js';
import {
  ChangeInvitation,
  InvitationList,
  InvitationMailing,
  InvitationView,
  ListInvitations,
  NewInvitation,
} from './invitations.dto.js';
import { Invitations } from './invitations.service.js';

@ApiTags('invitations')
@Only('member')
@Controller('invitations')
export class InvitationsController {
  constructor(private readonly invitations: Invitations) {}

  /**
   * Invite one person by email or by a letter that you print, or everyone who opens the link or the QR code. A person who is already invited keeps that
   * invitation, and the answer is 200.
   */
  @Post()
  @ApiCreatedResponse({ type: InvitationView })
  @ApiOkResponse({
    type: InvitationView,
    description: 'The person was already invited and keeps that invitation.',
  })
  async create(
    @Caller() member: MemberPrincipal,
    @Body() wanted: NewInvitation,
    @Res({ passthrough: true }) response: Response,
  ): Promise<InvitationView> {
    const { invitation, made } = await this.invitations.create(member, wanted);
    if (!made) response.status(200);
    return invitation;
  }

  /** The invitations, newest first. */
  @Get()
  list(@Caller() member: MemberPrincipal, @Query() ask: ListInvitations): Promise<InvitationList> {
    return this.invitations.list(member, ask);
  }

  /** The invitation mails that wait for their turn, and by when they have probably left. */
  @Get('mailing')
  mailing(@Caller() member: MemberPrincipal): Promise<InvitationMailing> {
    return this.invitations.mailing(member);
  }

  /** One invitation. */
  @Get(':id')
  get(@Caller() member: MemberPrincipal, @Id() id: string): Promise<InvitationView> {
    return this.invitations.get(member, id);
  }

  /** Rename an invitation, or remove its name. */
  @Patch(':id')
  rename(
    @Caller() member: MemberPrincipal,
    @Id() id: string,
    @Body() change: ChangeInvitation,
  ): Promise<InvitationView> {
    return this.invitations.rename(member, id, change);
  }

  /** The link as a QR code, to print or to show at the counter. */
  @Get(':id/qr.svg')
  @Header('Content-Type', 'image/svg+xml')
  qrCode(@Caller() member: MemberPrincipal, @Id() id: string): Promise<string> {
    return this.invitations.qrCode(member, id);
  }

  /** Revoke an invitation: no one can join with it any more. */
  @Delete(':id')
  @HttpCode(204)
  async revoke(@Caller() member: MemberPrincipal, @Id() id: string): Promise<void> {
    await this.invitations.revoke(member, id);
  }
}
