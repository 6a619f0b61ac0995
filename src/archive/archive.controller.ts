import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Principal } from '../auth/principal.js';
import { Caller } from '../auth/session.guard.js';
import { ArchiveHits, SearchArchive } from './archive.dto.js';
import { Archive } from './archive.service.js';

@ApiTags('archive')
@Controller('archive')
export class ArchiveController {
  constructor(private readonly archive: Archive) {}

  /**
   * Search everything that you have written and received: as a member all conversations and broadcasts of the business, as an
   * interlocutor your own with every business. Newest first. Proxies may log addresses with what is searched for: prefer POST.
   */
  @Get()
  find(@Caller() principal: Principal, @Query() ask: SearchArchive): Promise<ArchiveHits> {
    return this.archive.search(principal, ask);
  }

  /** The same search with what is searched for in the body, where no proxy logs it. */
  @Post('searches')
  @HttpCode(200)
  search(@Caller() principal: Principal, @Body() ask: SearchArchive): Promise<ArchiveHits> {
    return this.archive.search(principal, ask);
  }
}
