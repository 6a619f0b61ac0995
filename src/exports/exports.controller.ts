import { Body, Controller, Delete, Get, HttpCode, Post, Query, Req, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { rangeOf } from '../attachments/ranges.js';
import { Transfers } from '../attachments/transfers.service.js';
import { Downloads } from '../auth/downloads.js';
import type { Principal } from '../auth/principal.js';
import { Caller } from '../auth/session.guard.js';
import { Log } from '../platform/log.js';
import { DomainError } from '../platform/problems/domain-error.js';
import { ObjectMissing } from '../platform/storage/storage.js';
import { Id } from '../platform/validation/id.js';
import { UnsealError } from '../platform/vault/sealing.js';
import { ConversationExports } from './conversation-exports.service.js';
import {
  ExportConversation,
  ExportDownload,
  ExportList,
  ExportProof,
  ExportView,
  ListExports,
  NewExport,
} from './exports.dto.js';
import { ExportLost } from './exports.errors.js';
import { Exports } from './exports.service.js';

const binary = { schema: { type: 'string', format: 'binary' } };

@ApiTags('rights')
@Controller()
export class ExportsController {
  constructor(
    private readonly conversations: ConversationExports,
    private readonly downloads: Downloads,
    private readonly exports: Exports,
    private readonly log: Log,
    private readonly transfers: Transfers,
  ) {}

  /**
   * Export a conversation as a zip: a page that opens without a network (`conversation.html`), the same as JSON
   * (`conversation.json`), and its files. For the interlocutor and the owner; staff get 404. It is created while it is sent, so
   * its size is not known in advance. Withdrawn, erased and expired messages are not included.
   */
  @ApiTags('conversations')
  @Get('conversations/:id/export')
  @ApiProduces('application/zip')
  async conversation(
    @Caller() principal: Principal,
    @Id() id: string,
    @Query() { locale = principal.locale }: ExportConversation,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const conversation = await this.conversations.open(principal, id);
    const done = await this.transfers.downloading(principal, request);
    const name = locale === 'it' ? 'conversazione' : 'conversation';
    try {
      await this.downloads.send(principal, response, this.conversations.zip(principal, conversation, locale), {
        'Content-Type': 'application/zip',
        'Content-Disposition': `attachment; filename="${name}.zip"`,
        'Cache-Control': 'private, no-store',
      });
    } finally {
      done();
    }
  }

  /**
   * Ask for a copy of all your data: profile, devices, consents with their texts, conversations with their files and receipts,
   * requests, and the audit entries; for a person also the labels and the note that each business has added, for a business
   * also its address book, broadcasts with their recipients, invitations and imports. It is a zip of JSON and of pages that
   * open without a network. It is created in the background and kept encrypted for 48 hours; a mail and `export.progressed`
   * tell you when it is ready. Messages withdrawn or expired later stay in it until it expires. An account can have one export
   * in progress, and five in 24 hours. Staff get 404.
   */
  @Post('exports')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: ExportView })
  ask(@Caller() principal: Principal, @Body() wanted: NewExport): Promise<ExportView> {
    return this.exports.ask(principal, wanted);
  }

  /** Your exports of the last 48 hours, newest first. */
  @Get('exports')
  list(@Caller() principal: Principal, @Query() ask: ListExports): Promise<ExportList> {
    return this.exports.list(principal, ask);
  }

  /** An export and its progress. */
  @Get('exports/:id')
  get(@Caller() principal: Principal, @Id() id: string): Promise<ExportView> {
    return this.exports.get(principal, id);
  }

  /**
   * Get access to an export: send your password, or nothing within ten minutes after signing in. This session can then download
   * the file for six hours, and resume after an interruption.
   */
  @Post('exports/:id/download')
  @HttpCode(200)
  letDownload(
    @Caller() principal: Principal,
    @Id() id: string,
    @Body() { password }: ExportProof,
  ): Promise<ExportDownload> {
    return this.exports.letDownload(principal, id, password);
  }

  /** Download the zip of an export, after `POST /api/exports/:id/download`. Ranges are answered with 206. */
  @Get('exports/:id/file')
  @ApiProduces('application/zip')
  @ApiOkResponse(binary)
  async file(
    @Caller() principal: Principal,
    @Id() id: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const { size, tag, locale, stream } = await this.exports.openFile(principal, id);
    const range = rangeOf(request.headers, size, `"${tag}"`);
    if (range === 'unsatisfiable') {
      response.setHeader('Content-Range', `bytes */${size}`);
      throw new DomainError('range_not_satisfiable', {
        detail: `The file has ${size} bytes. Ask for a range within them.`,
      });
    }
    const { start, end } = range ?? { start: 0, end: size };
    const headers = {
      'Content-Type': 'application/zip',
      'Content-Disposition': `attachment; filename="colloquio-${locale === 'it' ? 'dati' : 'data'}.zip"`,
      'Content-Length': String(end - start),
      'Cache-Control': 'private, no-store',
      'Accept-Ranges': 'bytes',
      ETag: `"${tag}"`,
      ...(range && { 'Content-Range': `bytes ${start}-${end - 1}/${size}` }),
    };
    const status = range ? 206 : 200;
    if (request.method === 'HEAD') return void response.status(status).set(headers).end();
    const done = await this.transfers.downloading(principal, request);
    try {
      await this.downloads.send(principal, response, await stream(start, end), headers, status);
    } catch (error) {
      if (!(error instanceof ObjectMissing || error instanceof UnsealError)) throw error;
      this.log.failure(error, { export: id });
      if (response.headersSent) return void response.destroy();
      throw new ExportLost();
    } finally {
      done();
    }
  }

  /** Cancel an export in progress, or delete a finished one: it is unreadable at once. */
  @Delete('exports/:id')
  @HttpCode(204)
  async remove(@Caller() principal: Principal, @Id() id: string): Promise<void> {
    await this.exports.remove(principal, id);
  }
}
