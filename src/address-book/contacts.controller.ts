import { Body, Controller, Get, HttpCode, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { MemberPrincipal } from '../auth/principal.js';
import { Caller, Only } from '../auth/session.guard.js';
import { Id } from '../platform/validation/id.js';
import {
  ChangeContact,
  ContactFacets,
  ContactList,
  ContactSearch,
  ContactView,
  LabelContacts,
  LabelledContacts,
} from './contacts.dto.js';
import { Contacts } from './contacts.service.js';

@ApiTags('address book')
@Only('member')
@Controller('contacts')
export class ContactsController {
  constructor(private readonly contacts: Contacts) {}

  /** The address book, sorted by name unless another order is asked for. Filters combine. */
  @Get()
  list(@Caller() member: MemberPrincipal, @Query() search: ContactSearch): Promise<ContactList> {
    return this.contacts.search(member, search);
  }

  /** The same search with its terms in the body, where no proxy writes them down. */
  @Post('search')
  @HttpCode(200)
  search(@Caller() member: MemberPrincipal, @Body() search: ContactSearch): Promise<ContactList> {
    return this.contacts.search(member, search);
  }

  /** How many contacts there are of each region, province, sector and label, for menus of filters. */
  @Get('facets')
  facets(@Caller() member: MemberPrincipal): Promise<ContactFacets> {
    return this.contacts.facets(member);
  }

  /** Give labels to many contacts, and take others off them. Contacts that are not there are passed over. */
  @Post('labels')
  @HttpCode(200)
  label(@Caller() member: MemberPrincipal, @Body() labels: LabelContacts): Promise<LabelledContacts> {
    return this.contacts.label(member, labels);
  }

  /** One contact. */
  @Get(':id')
  get(@Caller() member: MemberPrincipal, @Id() id: string): Promise<ContactView> {
    return this.contacts.get(member, id);
  }

  /** Change what the subscriber adds to a contact: labels, note, external id. What is left out stays. */
  @Patch(':id')
  change(@Caller() member: MemberPrincipal, @Id() id: string, @Body() change: ChangeContact): Promise<ContactView> {
    return this.contacts.change(member, id, change);
  }
}
