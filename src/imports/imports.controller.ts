import { Body, Controller, Get, HttpCode, Post, Query, Res, UploadedFile, UseInterceptors } from '@nestjs/common';
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
import type { MemberPrincipal } from '../auth/principal.js';
import { Caller, Only } from '../auth/session.guard.js';
import { encodings, importFields } from '../contract/imports.js';
import { limits } from '../contract/limits.js';
import { Invitations } from '../invitations/invitations.service.js';
import { ValidationFailed } from '../platform/problems/domain-error.js';
import { Id } from '../platform/validation/id.js';
import {
  CancelImport,
  CancelledImport,
  ImportList,
  ImportPreview,
  ImportReport,
  ImportView,
  ListImports,
  NewImport,
  ReadReport,
} from './imports.dto.js';
import { Imports } from './imports.service.js';
import { PrintedLetters } from './printed-letters.js';
import { OneFileAtATime } from './turns.js';

@ApiTags('imports')
@Only('member')
@Controller('imports')
export class ImportsController {
  constructor(
    private readonly imports: Imports,
    private readonly invitations: Invitations,
    private readonly printed: PrintedLetters,
  ) {}

  /**
   * Invite the people of a file: by mail, or by letter if the file has no address for them. Send CSV with `,`, `;` or tab (in
   * UTF-8, UTF-16, or another encoding that is detected or that you send) or an Excel workbook (.xlsx, one of its sheets).
   * Limits: 5 MB, 10,000 lines, 200 columns, 100,000 characters a line and 32,767 a cell. Columns are recognised by their names
   * and contents.
   *
   * Sending a file again invites no person twice, and corrects the invitations of people who have not joined. A dry run
   * answers 200 with an `ImportPreview` and stores nothing. A file in which no person gets a mail, or whose addresses are mostly
   * left out, is refused with `import_needs_confirmation` until you send `confirm` as `letters`; a file that reads as gibberish,
   * until you send `encoding`. A business can send one file at a time and 120 an hour, dry runs included.
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
        mapping: {
          type: 'string',
          description: `JSON: {"column name": "field" or null}; detected if you leave it out. Fields: ${importFields.join(', ')}.`,
        },
        headerRow: {
          type: 'string',
          description: 'The number of the line that names the columns, 0 if none does; detected if you leave it out.',
        },
        encoding: {
          type: 'string',
          enum: [...encodings],
          description: 'The encoding of a CSV file; detected if you leave it out.',
        },
        sheet: {
          type: 'string',
          maxLength: limits.sheetNameLength,
          description: 'The name of a sheet in a workbook. By default, the first that looks like a list of people.',
        },
        labels: { type: 'string', description: 'Names of labels for all people in the file, separated by commas.' },
        confirm: { type: 'string', enum: ['letters'], description: 'Accept a file that makes letters.' },
        dryRun: { type: 'string', enum: ['true', 'false'] },
        locale: { type: 'string', enum: ['it', 'en'] },
      },
    },
  })
  @ApiAcceptedResponse({ type: ImportView })
  @ApiOkResponse({ type: ImportPreview })
  @UseInterceptors(
    OneFileAtATime,
    FileInterceptor('file', {
      limits: { fileSize: limits.importBytes, files: 1, fields: 8, fieldSize: 16 * 1024, parts: 9, headerPairs: 20 },
    }),
  )
  async begin(
    @Caller() member: MemberPrincipal,
    @UploadedFile() file: Express.Multer.File | undefined,
    @Body() wanted: NewImport,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ImportView | ImportPreview> {
    if (!file)
      throw new ValidationFailed([
        { field: 'file', code: 'required', message: 'Send the list as "file": CSV or .xlsx.' },
      ]);
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

  /** An import and its progress. */
  @Get(':id')
  get(@Caller() member: MemberPrincipal, @Id() id: string): Promise<ImportView> {
    return this.imports.get(member, id);
  }

  /**
   * Cancel an import, even a finished one: the remaining lines invite no one, and its invitations are revoked if their mails
   * have not been sent. Invitations whose mails were sent stay, and so do letters unless `letters` is true.
   */
  @Post(':id/cancellation')
  @HttpCode(200)
  cancel(@Caller() member: MemberPrincipal, @Id() id: string, @Body() wanted: CancelImport): Promise<CancelledImport> {
    return this.imports.cancel(member, id, wanted);
  }

  /** The result of each line. */
  @Get(':id/report')
  report(@Caller() member: MemberPrincipal, @Id() id: string, @Query() ask: ReadReport): Promise<ImportReport> {
    return this.imports.report(member, id, ask);
  }

  /** Letters to the people without an address who have not joined: HTML to print, one A4 page each with a personal QR code. */
  @Get(':id/letters')
  @ApiProduces('text/html')
  async letters(@Caller() member: MemberPrincipal, @Id() id: string, @Res() response: Response): Promise<void> {
    const { subscriberId, locale } = await this.imports.access(member, id);
    await this.printed.send(member, response, this.invitations.letters(subscriberId, id), locale);
  }
}
