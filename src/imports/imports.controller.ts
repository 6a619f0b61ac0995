import {
  Body,
  type CallHandler,
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  type NestInterceptor,
  PayloadTooLargeException,
  Post,
  Query,
  Res,
  UploadedFile,
  UseInterceptors,
} from '@nestjs/common';
import { FileInterceptor } from '@nestjs/platform-express';
import {
  ApiAcceptedResponse,
  ApiBody,
  ApiConsumes,
  ApiExtraModels,
  ApiOkResponse,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { catchError, type Observable } from 'rxjs';
import { Downloads } from '../auth/downloads.js';
import type { MemberPrincipal } from '../auth/principal.js';
import { Caller, Only } from '../auth/session.guard.js';
import { limits } from '../contract/limits.js';
import { Invitations } from '../invitations/invitations.service.js';
import { DomainError, ValidationFailed } from '../platform/problems/domain-error.js';
import { Id } from '../platform/validation/id.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import {
  ImportList,
  ImportPreview,
  ImportReport,
  ImportView,
  ListImports,
  NewImport,
  ReadReport,
} from './imports.dto.js';
import { importTooLarge, Imports } from './imports.service.js';
import { letterPolicy, lettersPage } from './letters.js';

/** Says which limit a file has met. */
@Injectable()
class NamesLimits implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      catchError((error: unknown) => {
        throw error instanceof PayloadTooLargeException
          ? new DomainError('too_large', { detail: importTooLarge })
          : error;
      }),
    );
  }
}

@ApiTags('imports')
@Only('member')
@Controller('imports')
export class ImportsController {
  constructor(
    private readonly downloads: Downloads,
    private readonly imports: Imports,
    private readonly invitations: Invitations,
    private readonly subscribers: Subscribers,
  ) {}

  /**
   * Invite the people of a file: by mail, and without an address by letter. CSV with `,`, `;` or tab, in UTF-8 or
   * Windows-1252, whose first line names the columns; at most 5 MB and 10,000 lines. Repeating a file invites nobody
   * twice. A dry run answers 200 with an `ImportPreview` and keeps nothing.
   */
  @Post()
  @ApiConsumes('multipart/form-data')
  @ApiExtraModels(ImportPreview)
  @ApiBody({
    schema: {
      type: 'object',
      required: ['file'],
      properties: {
        file: { type: 'string', format: 'binary' },
        mapping: { type: 'string', description: 'JSON: {"column name": "field" or null}; guessed without it.' },
        dryRun: { type: 'string', enum: ['true', 'false'] },
        locale: { type: 'string', enum: ['it', 'en'] },
      },
    },
  })
  @ApiAcceptedResponse({ type: ImportView })
  @ApiOkResponse({ type: ImportPreview })
  @UseInterceptors(
    NamesLimits,
    FileInterceptor('file', {
      limits: { fileSize: limits.importBytes, files: 1, fields: 3, fieldSize: 16 * 1024, parts: 5, headerPairs: 20 },
    }),
  )
  async begin(
    @Caller() member: MemberPrincipal,
    @UploadedFile() file: Express.Multer.File | undefined,
    @Body() wanted: NewImport,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ImportView | ImportPreview> {
    if (!file)
      throw new ValidationFailed([{ field: 'file', code: 'required', message: 'Send the CSV file as "file".' }]);
    // Multer reads names as Latin-1, browsers send UTF-8.
    const upload = { name: Buffer.from(file.originalname, 'latin1').toString('utf8'), bytes: file.buffer };
    response.status(wanted.dryRun ? 200 : 202);
    return wanted.dryRun ? this.imports.preview(member, upload, wanted) : this.imports.begin(member, upload, wanted);
  }

  /** The imports, newest first. */
  @Get()
  list(@Caller() member: MemberPrincipal, @Query() ask: ListImports): Promise<ImportList> {
    return this.imports.list(member, ask);
  }

  /** How far it is. */
  @Get(':id')
  get(@Caller() member: MemberPrincipal, @Id() id: string): Promise<ImportView> {
    return this.imports.get(member, id);
  }

  /** What came of each line. */
  @Get(':id/report')
  report(@Caller() member: MemberPrincipal, @Id() id: string, @Query() ask: ReadReport): Promise<ImportReport> {
    return this.imports.report(member, id, ask);
  }

  /** The letters to who has no address and has not joined: HTML to print, an A4 page for each with a personal QR code. */
  @Get(':id/letters')
  @ApiProduces('text/html')
  async letters(@Caller() member: MemberPrincipal, @Id() id: string, @Res() response: Response): Promise<void> {
    const { subscriberId, locale } = await this.imports.access(member, id);
    const subscriber = await this.subscribers.get(subscriberId);
    const { businessName, email } = subscriber;
    const { businessAddress } = this.subscribers.identity(subscriber, locale);
    const business = { businessName, businessAddress: String(businessAddress), businessEmail: email };
    const page = lettersPage(this.invitations.letters(subscriberId, id), business, locale);
    await this.downloads.send(member, response, page, {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': letterPolicy,
    });
  }
}
