import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { isMember, type Principal } from '../auth/principal.js';
import { SessionCookies } from '../auth/session-cookies.js';
import { Caller, Public } from '../auth/session.guard.js';
import { Consents } from '../consents/consents.service.js';
import { policyView } from '../consents/policy-view.js';
import { interlocutorView } from '../interlocutors/interlocutor-view.js';
import { Invitations } from '../invitations/invitations.service.js';
import { networkOf } from '../platform/http/networks.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { RateLimits } from '../platform/rate-limits.js';
import { validated } from '../platform/validation/validation.js';
import { sendLogo } from '../subscribers/logo-answer.js';
import { InLocale } from '../subscribers/subscribers.dto.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { Joined, Joining, JoiningAgain, OpenedInvitation } from './joining.dto.js';
import { type JoinedInterlocutor, Joinings } from './joinings.service.js';

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
   * Join. Somebody new states name, address and password and gets an account and a session; sent again, it is the same one. An
   * interlocutor who is signed in sends only the consents.
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
      return { ...joinedView(joined), session: this.cookies.give(request, 'interlocutor', joined.session!) };
    }
    if (isMember(principal)) throw new NotFound();
    const { consents } = await validated(JoiningAgain, body);
    return joinedView(await this.joinings.joinAgain(principal, code, consents));
  }

  /**
   * "Do not write to me again": no invitation is sent to the address that this one went to, by no business. Its link, the
   * mails that wait and what was kept of the person go with it.
   */
  @Public()
  @Post('stop')
  @HttpCode(204)
  async stop(@Param('code') code: string, @Req() request: Request): Promise<void> {
    await this.limits.count('lookUp', networkOf(request.ip));
    await this.invitations.stop(code);
  }

  private async subscriberOf(code: string, request: Request) {
    await this.limits.count('lookUp', networkOf(request.ip));
    const invitation = await this.invitations.byCode(code);
    this.invitations.requireActive(invitation);
    return this.subscribers.get(invitation.subscriberId);
  }
}

function joinedView({
  interlocutorId,
  username,
  stated,
  contact,
  businessName,
  verificationMail,
}: JoinedInterlocutor): Joined {
  const { id, promotions, joinedAt } = contact;
  return {
    interlocutor: interlocutorView(interlocutorId, username, stated),
    contact: { id, businessName, promotions, joinedAt: joinedAt.toISOString() },
    ...(verificationMail && { verificationMail }),
  };
}
