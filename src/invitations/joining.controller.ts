import {
  Body,
  Controller,
  Get,
  HttpCode,
  type HttpRedirectResponse,
  Param,
  Post,
  Query,
  Redirect,
  Req,
  Res,
} from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiResponse, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Contacts } from '../address-book/contacts.service.js';
import { lookUps } from '../auth/joining-limits.js';
import { isMember, type Principal } from '../auth/principal.js';
import { SessionCookies } from '../auth/session-cookies.js';
import { Caller, Public } from '../auth/session.guard.js';
import { PolicyList } from '../consents/consents.dto.js';
import { Consents } from '../consents/consents.service.js';
import { policyView } from '../consents/policy-view.js';
import { interlocutorView } from '../interlocutors/interlocutor-view.js';
import { networkOf } from '../platform/http/networks.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { RateLimits } from '../platform/rate-limits.js';
import { validated } from '../platform/validation/validation.js';
import { sendLogo } from '../subscribers/logo-answer.js';
import { refuseStopped } from '../subscribers/subscribers.errors.js';
import { categoryNameOf } from '../subscribers/merchant-categories.js';
import { InLocale } from '../subscribers/subscribers.dto.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { InvitationLinks } from './invitation-links.service.js';
import type { Invitation } from './invitation.entity.js';
import { Invitations } from './invitations.service.js';
import type { OpenedPerson } from './invited-people.service.js';
import { Joined, Joining, JoiningAgain, OpenedInvitation, SuggestedSelf } from './joining.dto.js';
import { type JoinedInterlocutor, Joinings } from './joinings.service.js';

@ApiTags('joining')
@Controller('invitations/by-code/:code')
export class JoiningController {
  constructor(
    private readonly invitations: Invitations,
    private readonly joinings: Joinings,
    private readonly contacts: Contacts,
    private readonly consents: Consents,
    private readonly cookies: SessionCookies,
    private readonly rateLimits: RateLimits,
    private readonly links: InvitationLinks,
    private readonly subscribers: Subscribers,
  ) {}

  /** The business that invites, and the policies to accept. A code that was revoked, was used up or has expired answers 410. */
  @Public({ session: 'welcome' })
  @Get()
  async open(
    @Param('code') code: string,
    @Query() { locale }: InLocale,
    @Caller() principal: Principal | undefined,
    @Req() request: Request,
  ): Promise<OpenedInvitation> {
    const invitation = await this.activeInvitation(code, request);
    const subscriber = await this.subscribers.get(invitation.subscriberId);
    refuseStopped(subscriber);
    const { id, businessName, street, streetNumber, city } = subscriber;
    const categoryName = categoryNameOf(subscriber.category, locale);
    const logoUrl = (await this.subscribers.hasLogo(id))
      ? `/api/invitations/by-code/${encodeURIComponent(code)}/logo`
      : null;
    const policies = this.consents.shownToInterlocutors(subscriber, locale).map((shown) => policyView(shown));
    const digitalConsentAge = this.subscribers.digitalConsentAge(subscriber);
    const suggestion = suggestedTo(await this.invitations.personOf(invitation));
    const business = { businessName, street, streetNumber, city, categoryName, logoUrl };
    const host = this.consents.host;
    const known = principal && !isMember(principal) ? await this.contacts.between(id, principal.interlocutorId) : null;
    const about = { ...(suggestion && { suggestion }), ...(known && { contactId: known.id }) };
    return { ...business, digitalConsentAge, policies, host, ...about };
  }

  /** The policies of the business that are announced and do not hold yet. Joining accepts the ones in force. */
  @Public()
  @Get('announced-policies')
  async announced(
    @Param('code') code: string,
    @Query() { locale }: InLocale,
    @Req() request: Request,
  ): Promise<PolicyList> {
    const { subscriberId } = await this.activeInvitation(code, request);
    const subscriber = await this.subscribers.get(subscriberId);
    refuseStopped(subscriber);
    const shown = this.consents.announcedToInterlocutors(subscriber, locale);
    return { items: shown.map((each) => policyView(each)), host: this.consents.host };
  }

  /** The logo of the business that invites. */
  @Public()
  @Get('logo')
  async logo(@Param('code') code: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    sendLogo(response, await this.subscribers.logo((await this.activeInvitation(code, request)).subscriberId));
  }

  /**
   * Join. A new person sends name, address and password, and gets an account and a session; sending the same again makes no
   * second account. An interlocutor who is signed in sends only the consents.
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
      const joined = await this.joinings.join(code, validated(Joining, body), networkOf(request.ip));
      return { ...joinedView(joined), session: await this.cookies.give(request, 'interlocutor', joined.session!) };
    }
    if (isMember(principal)) throw new NotFound();
    const { consents } = validated(JoiningAgain, body);
    return joinedView(await this.joinings.joinAgain(principal, code, consents));
  }

  /**
   * "Do not write to me again": no business of this installation can send another invitation to this address. The link stops
   * working, and waiting mails and the data about the person are deleted. Mail programs post here too (RFC 8058), with a form
   * as body, which is ignored.
   */
  @Public()
  @Post('stop')
  @HttpCode(204)
  async stop(@Param('code') code: string, @Req() request: Request): Promise<void> {
    await this.rateLimits.count(lookUps, networkOf(request.ip));
    await this.invitations.stop(code);
  }

  /** Redirect from the link of a mail's List-Unsubscribe header to the page that asks for confirmation. Changes nothing. */
  @Public()
  @Get('stop')
  @ApiResponse({ status: 303, description: 'Redirect to the page that asks for confirmation.' })
  @Redirect()
  async askWhetherToStop(@Param('code') code: string, @Req() request: Request): Promise<HttpRedirectResponse> {
    await this.rateLimits.count(lookUps, networkOf(request.ip));
    const { stopHash } = await this.invitations.byCode(code);
    if (!stopHash) throw new NotFound();
    return { url: this.links.stopUrl(code), statusCode: 303 };
  }

  private async activeInvitation(code: string, request: Request): Promise<Invitation> {
    await this.rateLimits.count(lookUps, networkOf(request.ip));
    const invitation = await this.invitations.byCode(code);
    this.invitations.requireActive(invitation);
    return invitation;
  }
}

/** The part of an invited person's data that the person may see: the names, the address and the place. */
function suggestedTo({ email, suggestion = {} }: OpenedPerson): SuggestedSelf | undefined {
  const { firstName, surname, companyName, companyType, region, province, sector } = suggestion;
  const all = { firstName, surname, companyName, companyType, email, region, province, sector };
  const known = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return Object.keys(known).length > 0 ? known : undefined;
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
