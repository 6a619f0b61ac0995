import { Body, Controller, Get, HttpCode, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { MemberPrincipal } from '../auth/principal.js';
import { Caller, Only } from '../auth/session.guard.js';
import { Id } from '../platform/validation/id.js';
import {
  ChangeContact,
  ContactFacets,
  ContactFilter,
  ContactList,
  ContactSearch,
  ContactView,
  FoundContacts,
  LabelContacts,
  LabelledContacts,
} from './contacts.dto.js';
import { Contacts } from './contacts.service.js';

@ApiTags('address book')
@Only('member')
@Controller('contacts')
export class ContactsController {
  constructor(private readonly contacts: Contacts) {}

  /** The address book, sorted by name unless you send another order. Filters combine. */
  @Get()
  list(@Caller() member: MemberPrincipal, @Query() search: ContactSearch): Promise<ContactList> {
    return this.contacts.search(member, search);
  }

  /** The same search with its terms in the body, where no proxy logs them. */
  @Post('search')
  @HttpCode(200)
  search(@Caller() member: MemberPrincipal, @Body() search: ContactSearch): Promise<ContactList> {
    return this.contacts.search(member, search);
  }

  /**
   * The ids of all contacts that a search finds, for a list without pages or for selecting all. Load the visible ones with
   * `ids` of the search.
   */
  @Post('index')
  @HttpCode(200)
  index(@Caller() member: MemberPrincipal, @Body() filter: ContactFilter): Promise<FoundContacts> {
    return this.contacts.index(member, filter);
  }

  /** The number of contacts for each region, province, sector and label, for filter menus. */
  @Get('facets')
  facets(@Caller() member: MemberPrincipal): Promise<ContactFacets> {
    return this.contacts.facets(member);
  }

  /** Add labels to many contacts and remove others. Contacts that do not exist are skipped. */
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

  /** Change the data that you add to a contact: labels, note, external id. Fields that you leave out stay. */
  @Patch(':id')
  change(@Caller() member: MemberPrincipal, @Id() id: string, @Body() change: ChangeContact): Promise<ContactView> {
    return this.contacts.change(member, id, change);
  }
}
