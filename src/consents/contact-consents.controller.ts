import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { MemberPrincipal } from '../auth/principal.js';
import { Caller, Only } from '../auth/session.guard.js';
import { Id } from '../platform/validation/id.js';
import { consentView } from './consent-view.js';
import { ContactConsentList, ListConsents } from './consents.dto.js';
import { Consents } from './consents.service.js';

@ApiTags('address book')
@Only('member')
@Controller('contacts/:id/consents')
export class ContactConsentsController {
  constructor(private readonly consents: Consents) {}

  /** The consents that a contact has given you and withdrawn, newest first, with the words that it saw. */
  @Get()
  async list(
    @Caller() member: MemberPrincipal,
    @Id() id: string,
    @Query() ask: ListConsents,
  ): Promise<ContactConsentList> {
    const { consents, nextCursor } = await this.consents.ofContact(member, id, ask);
    return { items: consents.map(({ words, ...named }) => ({ ...consentView(named), words })), nextCursor };
  }
}
