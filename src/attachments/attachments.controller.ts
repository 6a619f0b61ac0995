import { Body, Controller, Delete, Get, HttpCode, Post, Req, Res, UseInterceptors } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiCreatedResponse, ApiOkResponse, ApiProduces, ApiTags } from '@nestjs/swagger';
import { create as contentDisposition } from 'content-disposition';
import type { Request, Response } from 'express';
import { Downloads } from '../auth/downloads.js';
import type { Principal } from '../auth/principal.js';
import { Caller } from '../auth/session.guard.js';
import { limits } from '../contract/limits.js';
import { Log } from '../platform/log.js';
import { DomainError, NotFound, ValidationFailed } from '../platform/problems/domain-error.js';
import { ObjectMissing } from '../platform/storage/storage.js';
import { UnsealError } from '../platform/vault/sealing.js';
import { Id } from '../platform/validation/id.js';
import { AttachmentUsage, AttachmentView, NewAttachment } from './attachments.dto.js';
import { AttachmentLost } from './attachments.errors.js';
import type { Part } from './attachments.queries.js';
import { Attachments, type OpenedContent } from './attachments.service.js';
import { rangeOf } from './ranges.js';
import { ReceiveFile, type RequestWithFile } from './received-files.js';
import { Transfers } from './transfers.service.js';
import { Uploads } from './uploads.service.js';

const binary = { content: { '*/*': { schema: { type: 'string', format: 'binary' } } } } as const;

@ApiTags('attachments')
@Controller('attachments')
export class AttachmentsController {
  constructor(
    private readonly attachments: Attachments,
    private readonly downloads: Downloads,
    private readonly log: Log,
    private readonly transfers: Transfers,
    private readonly uploads: Uploads,
  ) {}

  /**
   * Upload a file to send with a message or a broadcast. It is encrypted as it arrives, and deleted after 24 hours unless it is
   * sent. Unless the host sets other limits, a file can have 100 MB and a message 10 files, and you can have 100 unsent files;
   * the files of a business have a common quota. `GET /api/attachments/usage` returns the limits in force.
   *
   * The service determines the type from the content: images, audio, video, PDF, office documents, texts and archives are
   * recognised; anything else is only downloaded. Voice notes can include their duration and waveform. Put `conversationId` or
   * `broadcast` before `file`, so that a file you may not send is refused before it is transferred.
   */
  @Post()
  @ApiConsumes('multipart/form-data')
  @ApiBody({
    schema: {
      type: 'object',
      required: ['file'],
      properties: {
        conversationId: { type: 'string', format: 'uuid', description: 'The conversation that the file is for.' },
        broadcast: { type: 'string', enum: ['true'], description: 'For members: the file is for a broadcast.' },
        duration: {
          type: 'string',
          description: `The length of a voice note in milliseconds, up to ${limits.statedDuration.toLocaleString('en')}.`,
        },
        waveform: {
          type: 'string',
          description: `JSON: the shape of a voice note, up to ${limits.waveformPoints} whole numbers from 0 to ${limits.waveformHeight}.`,
        },
        file: { type: 'string', format: 'binary' },
      },
    },
  })
  @ApiCreatedResponse({ type: AttachmentView })
  @UseInterceptors(ReceiveFile)
  async upload(
    @Caller() principal: Principal,
    @Body() wanted: NewAttachment,
    @Req() { received }: RequestWithFile,
  ): Promise<AttachmentView> {
    if (!received) {
      throw new ValidationFailed([{ field: 'file', code: 'required', message: 'Send the file as "file".' }]);
    }
    const { conversationId, broadcast, duration, waveform } = wanted;
    const destination = await this.uploads.destination(principal, { conversationId, broadcast });
    return this.uploads.store(principal, destination, received.object, { name: received.name, duration, waveform });
  }

  /** The limits in force for files; for members also the storage their business uses. */
  @Get('usage')
  usage(@Caller() principal: Principal): Promise<AttachmentUsage> {
    return this.uploads.usage(principal);
  }

  /** A file. Ranges are answered with 206. Only images, audio, video, PDF and plain text are shown in a browser; others are saved. */
  @Get(':id')
  @ApiProduces('*/*')
  @ApiOkResponse(binary)
  content(
    @Caller() principal: Principal,
    @Id() id: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    return this.serve(principal, { id, part: 'content' }, request, response);
  }

  /** The small picture of a file, if its view has one. */
  @Get(':id/thumbnail')
  @ApiProduces('image/*')
  @ApiOkResponse(binary)
  thumbnail(
    @Caller() principal: Principal,
    @Id() id: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    return this.serve(principal, { id, part: 'thumbnail' }, request, response);
  }

  /** The picture of a file for the screen, if its view has one. */
  @Get(':id/display')
  @ApiProduces('image/*')
  @ApiOkResponse(binary)
  display(
    @Caller() principal: Principal,
    @Id() id: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    return this.serve(principal, { id, part: 'display' }, request, response);
  }

  /** Delete a file that you uploaded and have not sent. */
  @Delete(':id')
  @HttpCode(204)
  async remove(@Caller() principal: Principal, @Id() id: string): Promise<void> {
    const {
      subscriber_id: subscriberId,
      account_id: accountId,
      seq,
      broadcast_id: broadcastId,
    } = await this.attachments.access(principal, id);
    if (accountId !== principal.accountId || seq !== null || broadcastId !== null) throw new NotFound();
    if (!(await this.attachments.eraseUnsent(subscriberId, id, accountId))) throw new NotFound();
  }

  private async serve(
    principal: Principal,
    { id, part }: { id: string; part: Part },
    request: Request,
    response: Response,
  ): Promise<void> {
    const opened = await this.attachments.openContent(principal, id, part);
    const etag = `"${opened.tag}"`;
    const headers = { ...headersOf(opened, part), ETag: etag };
    if (request.headers['if-none-match']?.split(',').some((each) => each.trim() === etag)) {
      response.status(304).set(headers).removeHeader('Content-Type');
      return void response.end();
    }
    const range = rangeOf(request.headers, opened.size, etag);
    if (range === 'unsatisfiable') {
      response.setHeader('Content-Range', `bytes */${opened.size}`);
      throw new DomainError('range_not_satisfiable', {
        detail: `The file has ${opened.size} bytes. Ask for a range within them.`,
      });
    }
    const { start, end } = range ?? { start: 0, end: opened.size };
    const about = {
      ...headers,
      'Content-Length': String(end - start),
      ...(range && { 'Content-Range': `bytes ${start}-${end - 1}/${opened.size}` }),
    };
    const status = range ? 206 : 200;
    if (request.method === 'HEAD') return void response.status(status).set(about).end();
    const done = await this.transfers.downloading(principal, request);
    try {
      await this.downloads.send(principal, response, opened.stream({ start, end }), about, status);
    } catch (error) {
      if (!(error instanceof ObjectMissing || error instanceof UnsealError)) throw error;
      this.log.failure(error, { attachment: id });
      if (response.headersSent) return void response.destroy();
      throw new AttachmentLost();
    } finally {
      done();
    }
  }
}

/** Types that could run something in a browser or on opening; they are handed out as mere bytes. */
const active = /\b(html|svg|xml|xhtml|javascript|ecmascript|x-msdownload|x-sh|x-executable|x-shockwave-flash)\b/i;
const shown = ['image', 'audio', 'video', 'pdf', 'text'];

const nothingRuns = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src 'self'";
/**
 * A file that is opened by its address has no scripts and no origin. Those that a browser shows in a player of its own are no
 * documents that could run something, and need an origin: in a sandbox Chrome shows an empty page for a PDF, and loads audio
 * and video a second time without the cookie of the session.
 */
const sandboxed = `sandbox; ${nothingRuns}`;
const played = ['pdf', 'audio', 'video'];

/** A text is shown as one, whatever it is about; without a charset in its type it is UTF-8. */
const withCharset = (mediaType: string) => (mediaType.includes('charset') ? mediaType : 'text/plain; charset=utf-8');

function headersOf({ view, mediaType }: OpenedContent, part: Part): Record<string, string> {
  const harmful = active.test(mediaType) || (part === 'content' && view.note === 'active_content');
  const inline = !harmful && (part !== 'content' || (view.inline && shown.includes(view.family)));
  const plain = view.family === 'text' && part === 'content' ? withCharset(mediaType) : mediaType;
  return {
    'Content-Type': harmful ? 'application/octet-stream' : inline ? plain : mediaType,
    'Content-Disposition': contentDisposition(view.name, { type: inline ? 'inline' : 'attachment' }),
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': inline && part === 'content' && played.includes(view.family) ? nothingRuns : sandboxed,
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cache-Control': 'private, no-cache',
    'Accept-Ranges': 'bytes',
  };
}
