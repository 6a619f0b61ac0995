import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Transfers } from '../attachments/transfers.service.js';
import { Downloads } from '../auth/downloads.js';
import type { Principal } from '../auth/principal.js';
import { Caller } from '../auth/session.guard.js';
import { Id } from '../platform/validation/id.js';
import { ConversationExports } from './conversation-exports.service.js';
import { ExportConversation } from './exports.dto.js';

@ApiTags('conversations')
@Controller('conversations/:id/export')
export class ExportsController {
  constructor(
    private readonly downloads: Downloads,
    private readonly exports: ConversationExports,
    private readonly transfers: Transfers,
  ) {}

  /**
   * Export a conversation as a zip: a page that opens without a network (`conversation.html`), the same as JSON
   * (`conversation.json`), and its files. For the interlocutor and for the owner; for staff it does not exist. It is made
   * while it is sent, so its size is not known before. What was withdrawn or erased is not in it.
   */
  @Get()
  @ApiProduces('application/zip')
  async conversation(
    @Caller() principal: Principal,
    @Id() id: string,
    @Query() { locale = principal.locale }: ExportConversation,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const conversation = await this.exports.open(principal, id);
    const done = await this.transfers.downloading(principal, request);
    const name = locale === 'it' ? 'conversazione' : 'conversation';
    try {
      await this.downloads.send(principal, response, this.exports.zip(principal, conversation, locale), {
        'Content-Type': 'application/zip',
        'Content-Disposition': `attachment; filename="${name}.zip"`,
        'Cache-Control': 'private, no-store',
      });
    } finally {
      done();
    }
  }
}
