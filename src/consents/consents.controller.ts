import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { isMember, type Principal } from '../auth/principal.js';
import { Unauthenticated } from '../auth/auth.errors.js';
import { Caller, Public } from '../auth/session.guard.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { defineLimit, RateLimits } from '../platform/rate-limits.js';
import { Id } from '../platform/validation/id.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import {
  ChangeConsent,
  ConsentList,
  CurrentPolicies,
  ListConsents,
  PolicyList,
  ShownConsentView,
} from './consents.dto.js';
import { Consents } from './consents.service.js';
import { consentView } from './consent-view.js';
import { policyView } from './policy-view.js';

/** Consents given or withdrawn by an account. */
const consentsGiven = defineLimit('consent', { points: 60, seconds: 60 * 60 });

@ApiTags('consents')
@Controller()
export class ConsentsController {
  constructor(
    private readonly consents: Consents,
    private readonly rateLimits: RateLimits,
    private readonly subscribers: Subscribers,
  ) {}

  /**
   * The policies in force. The policies for subscribers are public. An interlocutor reads the policies of its subscribers here,
   * and before joining with the invitation.
   */
  @Public({ session: 'welcome' })
  @Get('policies/current')
  async current(@Query() query: CurrentPolicies, @Caller() principal: Principal | undefined): Promise<PolicyList> {
    const { audience, locale, contactId } = query;
    if (audience === 'subscriber') {
      const own = principal && isMember(principal) ? await this.subscribers.get(principal.subscriberId) : undefined;
      const accepted = own && { terms: own.termsVersion, privacy: own.privacyVersion };
      const items = this.consents.shownToSubscribers(locale).map((shown) => policyView(shown, accepted));
      return { items, host: this.consents.host };
    }
    if (!principal) throw new Unauthenticated();
    if (isMember(principal) || !contactId) throw new NotFound();
    const { subscriber, contact } = await this.consents.ownContact(principal.interlocutorId, contactId);
    const shown = this.consents.shownToInterlocutors(subscriber, locale);
    const items = shown.map((each) => policyView(each, { terms: 0, privacy: contact.privacyVersion }));
    const { businessName, email } = subscriber;
    const address = String(this.subscribers.identity(subscriber, locale).businessAddress);
    return { items, business: { businessName, address, email }, host: this.consents.host };
  }

  /** The consents that you have given and withdrawn, newest first. */
  @Get('consents')
  async list(@Caller() principal: Principal, @Query() ask: ListConsents): Promise<ConsentList> {
    const { consents, nextCursor } = await this.consents.list(principal, ask);
    return { items: consents.map(consentView), nextCursor };
  }

  /** One of your consents, with the words and the whole text as they were shown to you then. */
  @Get('consents/:id')
  async one(@Caller() principal: Principal, @Id() id: string): Promise<ShownConsentView> {
    const { text, words, ...named } = await this.consents.shown(principal, id);
    return { ...consentView(named), words, text };
  }

  /** Accept a newer policy, or give or withdraw your consent to promotions. */
  @Post('consents')
  @HttpCode(204)
  async change(@Caller() principal: Principal, @Body() { given, contactId, ...consent }: ChangeConsent): Promise<void> {
    await this.rateLimits.count(consentsGiven, principal.accountId);
    if (!isMember(principal)) {
      if (!contactId) throw new NotFound();
      return this.consents.changeOfContact(principal, contactId, given, consent);
    }
    if (contactId) throw new NotFound();
    await this.consents.changeOfSubscriber(principal, given, consent);
  }
}
