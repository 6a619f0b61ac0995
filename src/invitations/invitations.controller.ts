import { Body, Controller, Delete, Get, Header, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { isMember, type MemberPrincipal, type Principal } from '../auth/principal.js';
import { SessionCookies } from '../auth/session-cookies.js';
import { Caller, Only, Public } from '../auth/session.guard.js';
import { Consents } from '../consents/consents.service.js';
import { viewOf as policyView } from '../consents/policy-view.js';
import { withDisplayName } from '../interlocutors/identities.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { networkOf, RateLimits } from '../platform/rate-limits.js';
import { validated } from '../platform/validation/validation.js';
import { Id } from '../platform/validation/id.js';
import { sendLogo } from '../subscribers/logo-answer.js';
import { InLocale } from '../subscribers/subscribers.dto.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import {
  InvitationList,
  InvitationView,
  Joined,
  Joining,
  JoiningAgain,
  ListInvitations,
  NewInvitation,
  OpenedInvitation,
} from './invitations.dto.js';
import { Invitations } from './invitations.service.js';
import { type JoinedInterlocutor, Joinings } from './joining.service.js';

@ApiTags('invitations')
@Only('member')
@Controller('invitations')
export class InvitationsController {
  constructor(private readonly invitations: Invitations) {}

  /** Invite one person by email, or whoever opens the link or the QR code. */
  @Post()
  create(@Caller() member: MemberPrincipal, @Body() wanted: NewInvitation): Promise<InvitationView> {
    return this.invitations.create(member, wanted);
  }

  @Get()
  list(@Caller() member: MemberPrincipal, @Query() ask: ListInvitations): Promise<InvitationList> {
    return this.invitations.list(member, ask);
  }

  /** The link as a QR code, to print or to show at the counter. */
  @Get(':id/qr.svg')
  @Header('Content-Type', 'image/svg+xml')
  qrCode(@Caller() member: MemberPrincipal, @Id() id: string): Promise<string> {
    return this.invitations.qrCode(member, id);
  }

  /** Revoke: from here on nobody can join with it. */
  @Delete(':id')
  @HttpCode(204)
  async revoke(@Caller() member: MemberPrincipal, @Id() id: string): Promise<void> {
    await this.invitations.revoke(member, id);
  }
}

@ApiTags('joining')
@Controller('invitations/by-code/:code')
export class JoiningController {
  constructor(
    private readonly invitations: Invitations,
    private readonly joinings: Joinings,
    private readonly consents: Consents,
    private readonly cookies: SessionCookies,
    private readonly limits: RateLimits,
    private readonly subscribers: Subscribers,
  ) {}

  /** Who invites, and what there is to agree to. A code that was revoked, used up or is out of date says so (410). */
  @Public()
  @Get()
  async open(
    @Param('code') code: string,
    @Query() { locale }: InLocale,
    @Req() request: Request,
  ): Promise<OpenedInvitation> {
    const subscriber = await this.subscriberOf(code, request);
    const { id, businessName, city } = subscriber;
    const logoUrl = (await this.subscribers.hasLogo(id))
      ? `/api/invitations/by-code/${encodeURIComponent(code)}/logo`
      : null;
    const policies = this.consents.shownToInterlocutors(subscriber, locale).map((shown) => policyView(shown));
    const digitalConsentAge = this.subscribers.digitalConsentAge(subscriber);
    return { businessName, city, logoUrl, digitalConsentAge, policies };
  }

  /** The logo of who invites. */
  @Public()
  @Get('logo')
  async logo(@Param('code') code: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    sendLogo(response, await this.subscribers.logo((await this.subscriberOf(code, request)).id));
  }

  /**
   * Join. Somebody new states name, address and password and gets an account and a session; an interlocutor who is signed
   * in sends only the consents.
   */
  @Public({ session: 'welcome' })
  @Post('acceptance')
  @ApiExtraModels(Joining, JoiningAgain)
  @ApiBody({ schema: { oneOf: [{ $ref: getSchemaPath(Joining) }, { $ref: getSchemaPath(JoiningAgain) }] } })
  async accept(
    @Param('code') code: string,
    @Body() body: unknown,
    @Caller() principal: Principal | undefined,
    @Req() request: Request,
  ): Promise<Joined> {
    if (!principal) {
      const joined = await this.joinings.join(code, await validated(Joining, body), networkOf(request.ip));
      return { ...viewOf(joined), session: this.cookies.give(request, joined.session!) };
    }
    if (isMember(principal)) throw new NotFound();
    const { consents } = await validated(JoiningAgain, body);
    return viewOf(await this.joinings.joinAgain(principal, code, consents));
  }

  private async subscriberOf(code: string, request: Request) {
    await this.limits.count('lookUp', networkOf(request.ip));
    const invitation = await this.invitations.byCode(code);
    this.invitations.requireActive(invitation);
    return this.subscribers.get(invitation.subscriberId);
  }
}

function viewOf({ interlocutorId, username, stated, contact, businessName }: JoinedInterlocutor): Joined {
  const { identity, region, province, sector } = stated;
  const { id, promotions, joinedAt } = contact;
  return {
    interlocutor: { id: interlocutorId, username, ...withDisplayName(identity), region, province, sector },
    contact: { id, businessName, promotions, joinedAt: joinedAt.toISOString() },
  };
}
