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
   * Search everything you have written and received, newest first: members search all conversations and broadcasts of the
   * business, interlocutors their own conversations with every business. Prefer POST, because proxies may log addresses with
   * the search terms.
   */
  @Get()
  find(@Caller() principal: Principal, @Query() ask: SearchArchive): Promise<ArchiveHits> {
    return this.archive.search(principal, ask);
  }

  /** The same search with its terms in the body, where no proxy logs them. */
  @Post('searches')
  @HttpCode(200)
  search(@Caller() principal: Principal, @Body() ask: SearchArchive): Promise<ArchiveHits> {
    return this.archive.search(principal, ask);
  }
}
