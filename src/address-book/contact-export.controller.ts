import { Controller, Get, Query, Res } from '@nestjs/common';
import { ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { Downloads } from '../auth/downloads.js';
import type { MemberPrincipal } from '../auth/principal.js';
import { Caller, OwnerOnly } from '../auth/session.guard.js';
import { ContactExport } from './contact-export.service.js';
import { ExportContacts } from './contacts.dto.js';

@ApiTags('address book')
@OwnerOnly()
@Controller('contacts/export')
export class ContactExportController {
  constructor(
    private readonly contactExport: ContactExport,
    private readonly downloads: Downloads,
  ) {}

  /** Export the whole address book as a CSV or JSON file. For the owner. */
  @Get()
  @ApiProduces('text/csv', 'application/json')
  async export(
    @Caller() member: MemberPrincipal,
    @Query() { format, locale }: ExportContacts,
    @Res() response: Response,
  ): Promise<void> {
    const csv = format === 'csv';
    const language = locale ?? member.locale;
    const name = language === 'it' ? 'rubrica' : 'address-book';
    await this.downloads.send(
      member,
      response,
      csv ? this.contactExport.csv(member, language) : this.contactExport.json(member),
      {
        'Content-Type': csv ? 'text/csv; charset=utf-8; header=present' : 'application/json; charset=utf-8',
        'Content-Disposition': `attachment; filename="${name}.${format}"`,
      },
    );
  }
}
