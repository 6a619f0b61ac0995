import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { MemberPrincipal } from '../auth/principal.js';
import { Caller, Only } from '../auth/session.guard.js';
import { Id } from '../platform/validation/id.js';
import { ContactList, ContactSearch, ContactView } from './contacts.dto.js';
import { Contacts } from './contacts.service.js';

@ApiTags('address book')
@Only('member')
@Controller('contacts')
export class ContactsController {
  constructor(private readonly contacts: Contacts) {}

  /** The address book, sorted by name. */
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

  @Get(':id')
  get(@Caller() member: MemberPrincipal, @Id() id: string): Promise<ContactView> {
    return this.contacts.get(member, id);
  }
}
