import { Injectable } from '@nestjs/common';
import type { Response } from 'express';
import { Downloads } from '../auth/downloads.js';
import type { MemberPrincipal } from '../auth/principal.js';
import type { InvitationView } from '../invitations/invitations.dto.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { letterPolicy, lettersPage } from './letters.js';

/** Answers with letters of a member's business, as a page to print. */
@Injectable()
export class PrintedLetters {
  constructor(
    private readonly downloads: Downloads,
    private readonly subscribers: Subscribers,
  ) {}

  async send(
    member: MemberPrincipal,
    response: Response,
    letters: AsyncIterable<InvitationView> | Iterable<InvitationView>,
    locale: string,
  ): Promise<void> {
    const subscriber = await this.subscribers.get(member.subscriberId);
    const { businessName, email } = subscriber;
    const { businessAddress } = this.subscribers.identity(subscriber, locale);
    const business = { businessName, businessAddress: String(businessAddress), businessEmail: email };
    await this.downloads.send(member, response, lettersPage(letters, business, locale), {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': letterPolicy,
    });
  }
}
