import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { isMember, type MemberPrincipal, type Principal } from '../auth/principal.js';
import { Unauthenticated } from '../auth/auth.errors.js';
import { Caller, Public } from '../auth/session.guard.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { defineLimit, RateLimits } from '../platform/rate-limits.js';
import { Id } from '../platform/validation/id.js';
import type { ShownPolicy } from '../policies/policies.service.js';
import type { Subscriber } from '../subscribers/subscriber.entity.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import {
  ChangeConsent,
  ConsentList,
  ControllerView,
  CurrentPolicies,
  ListConsents,
  NotePolicy,
  OwnPolicyChanges,
  PolicyList,
  ShownConsentView,
} from './consents.dto.js';
import { Consents } from './consents.service.js';
import { consentView } from './consent-view.js';
import { acceptedOf, PolicyChanges } from './policy-changes.service.js';
import { policyView } from './policy-view.js';

/** Consents given or withdrawn by an account. */
const consentsGiven = defineLimit('consent', { points: 60, seconds: 60 * 60 });

@ApiTags('consents')
@Controller()
export class ConsentsController {
  constructor(
    private readonly consents: Consents,
    private readonly policyChanges: PolicyChanges,
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
    const { audience, locale } = query;
    const host = this.consents.host;
    if (audience === 'subscriber') {
      const standing = principal && isMember(principal) ? await this.policyStateOf(principal) : undefined;
      const items = this.consents.shownToSubscribers(locale).map((shown) => policyView(shown, standing?.(shown)));
      return { items, host };
    }
    const { subscriber, standing } = await this.business(principal, query);
    const shown = this.consents.shownToInterlocutors(subscriber, locale);
    return {
      items: shown.map((each) => policyView(each, standing(each))),
      business: this.view(subscriber, locale),
      host,
    };
  }

  /**
   * The announced policies that are not in force yet, likewise. You can accept one early; until its day, the policies in force
   * apply.
   */
  @Public({ session: 'welcome' })
  @Get('policies/announced')
  async announced(@Query() query: CurrentPolicies, @Caller() principal: Principal | undefined): Promise<PolicyList> {
    const { audience, locale } = query;
    const host = this.consents.host;
    if (audience === 'subscriber') {
      const standing = principal && isMember(principal) ? await this.policyStateOf(principal) : undefined;
      const items = this.consents.announcedToSubscribers(locale).map((shown) => policyView(shown, standing?.(shown)));
      return { items, host };
    }
    const { subscriber, standing } = await this.business(principal, query);
    const shown = this.consents.announcedToInterlocutors(subscriber, locale);
    return {
      items: shown.map((each) => policyView(each, standing(each))),
      business: this.view(subscriber, locale),
      host,
    };
  }

  /** The newer versions of policies that still expect something of you: announced, or to be accepted, or to take note of. */
  @Get('policies/changes')
  changes(@Caller() principal: Principal): Promise<OwnPolicyChanges> {
    return this.policyChanges.ofPrincipal(principal);
  }

  /** Say that you were shown that a policy changes or has changed. It is written down once, with the time. */
  @Post('policies/notices')
  @HttpCode(204)
  async note(@Caller() principal: Principal, @Body() { policyId }: NotePolicy): Promise<void> {
    await this.rateLimits.count(consentsGiven, principal.accountId);
    await this.policyChanges.note(principal, policyId);
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
    await this.consents.changeOfMember(principal, given, consent);
  }

  private async policyStateOf(member: MemberPrincipal) {
    const accepted = await this.policyChanges.acceptedBy(member);
    const noticed = await this.policyChanges.noticesShownTo(member.accountId, [member.subscriberId]);
    return ({ document }: ShownPolicy) => ({
      accepted,
      waitsFor: this.policyChanges.waiting(document, accepted, noticed.get(member.subscriberId)),
    });
  }

  /** The business of an interlocutor's own contact. @throws Unauthenticated, NotFound */
  private async business(principal: Principal | undefined, { contactId }: CurrentPolicies) {
    if (!principal) throw new Unauthenticated();
    if (isMember(principal) || !contactId) throw new NotFound();
    const { subscriber, contact } = await this.consents.ownContact(principal.interlocutorId, contactId);
    const accepted = acceptedOf(contact);
    const noticed = await this.policyChanges.noticesShownTo(principal.accountId, [subscriber.id]);
    const standing = ({ document }: ShownPolicy) => ({
      accepted,
      waitsFor: this.policyChanges.waiting(document, accepted, noticed.get(subscriber.id)),
    });
    return { subscriber, standing };
  }

  private view(subscriber: Subscriber, locale: string): ControllerView {
    const { businessName, email } = subscriber;
    return { businessName, address: String(this.subscribers.identity(subscriber, locale).businessAddress), email };
  }
}
