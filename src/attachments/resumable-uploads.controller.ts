import { Controller, Delete, Head, Headers, HttpCode, Options, Patch, Post, Req, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiHeader, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import type { Principal } from '../auth/principal.js';
import { Caller, Public } from '../auth/session.guard.js';
import { limits } from '../contract/limits.js';
import { DomainError, ValidationFailed } from '../platform/problems/domain-error.js';
import { Id } from '../platform/validation/id.js';
import { TusVersionUnknown } from './attachments.errors.js';
import { drained } from './forms.js';
import { ResumableUploads, type Upload } from './resumable-uploads.service.js';
import { Transfers } from './transfers.service.js';
import { Uploads } from './uploads.service.js';

const version = '1.0.0';
const offsetType = 'application/offset+octet-stream';

const TusHeader = () =>
  ApiHeader({ name: 'Tus-Resumable', required: true, schema: { type: 'string', enum: [version] } });

/** The protocol tus 1.0 (https://tus.io/protocols/resumable-upload): its core, creation, termination and expiration. */
@ApiTags('attachments')
@Controller('attachments/uploads')
export class ResumableUploadsController {
  constructor(
    private readonly resumable: ResumableUploads,
    private readonly transfers: Transfers,
    private readonly uploads: Uploads,
  ) {}

  /** The supported version and extensions of tus, and the maximum size of a file. */
  @Options()
  @Public({ session: 'ignored' })
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'The headers Tus-Version, Tus-Extension and Tus-Max-Size.' })
  abilities(@Res({ passthrough: true }) response: Response): void {
    response.set({
      'Tus-Resumable': version,
      'Tus-Version': version,
      'Tus-Extension': 'creation,termination,expiration',
      'Tus-Max-Size': String(this.uploads.fileBytes),
    });
  }

  /**
   * Start an upload that can be interrupted and resumed (tus 1.0). `Upload-Length` is its size; `Upload-Metadata` contains
   * `filename`, `conversationId` or `broadcast`, and optionally `duration` and `waveform`, like the upload form. Send the bytes
   * to the `Location` of the answer; its last part becomes the id of the attachment once all bytes have arrived. An upload that
   * is not completed and sent within 24 hours is deleted.
   */
  @Post()
  @TusHeader()
  @ApiHeader({ name: 'Upload-Length', required: true, schema: { type: 'integer', minimum: 1 } })
  @ApiHeader({
    name: 'Upload-Metadata',
    required: true,
    description: 'Names with values in Base64, such as `filename bm90YS50eHQ=,broadcast dHJ1ZQ==`.',
  })
  @ApiCreatedResponse({ description: 'The upload has begun; `Location` says where.' })
  async begin(
    @Caller() principal: Principal,
    @Headers() headers: Record<string, string>,
    @Res({ passthrough: true }) response: Response,
  ): Promise<void> {
    requireVersion(headers, response);
    await this.uploads.count(principal);
    const size = wholeNumber(headers['upload-length'], 'Upload-Length');
    const upload = await this.resumable.begin(principal, size, metadataOf(headers['upload-metadata'] ?? ''));
    response.status(201).set({ Location: `/api/attachments/uploads/${upload.id}`, ...expiry(upload) });
  }

  /** The progress of an upload: `Upload-Offset` is the number of stored bytes. */
  @Head(':id')
  @TusHeader()
  @ApiOkResponse({ description: 'The headers Upload-Offset, Upload-Length and Upload-Metadata.' })
  async progress(
    @Caller() principal: Principal,
    @Id() id: string,
    @Headers() headers: Record<string, string>,
    @Res({ passthrough: true }) response: Response,
  ): Promise<void> {
    requireVersion(headers, response);
    const upload = await this.resumable.find(principal, id);
    response.set({
      'Upload-Offset': String(upload.offset),
      'Upload-Length': String(upload.size),
      'Upload-Metadata': `filename ${Buffer.from(upload.name).toString('base64')}`,
      ...expiry(upload),
    });
  }

  /**
   * Send bytes of an upload, from `Upload-Offset` on, as `application/offset+octet-stream`. If the connection breaks, the bytes
   * that have arrived are kept. With the last bytes, the file becomes an attachment that you can send.
   */
  @Patch(':id')
  @HttpCode(204)
  @TusHeader()
  @ApiHeader({ name: 'Upload-Offset', required: true, schema: { type: 'integer', minimum: 0 } })
  @ApiHeader({ name: 'Content-Type', required: true, schema: { type: 'string', enum: [offsetType] } })
  @ApiNoContentResponse({ description: 'The bytes are stored; `Upload-Offset` is where the next ones go.' })
  async append(
    @Caller() principal: Principal,
    @Id() id: string,
    @Headers() headers: Record<string, string>,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<void> {
    const end = await this.transfers.uploading(principal, request);
    try {
      requireVersion(headers, response);
      if (!request.is(offsetType)) {
        throw new DomainError('media_type_refused', { detail: `Send the bytes as ${offsetType}.` });
      }
      const offset = wholeNumber(headers['upload-offset'], 'Upload-Offset');
      const upload = await this.resumable.append(principal, id, offset, request);
      response.set({ 'Upload-Offset': String(upload.offset), ...expiry(upload) });
    } catch (error) {
      await drained(request);
      throw error;
    } finally {
      end();
    }
  }

  /** Cancel an upload, or delete its file while it is unsent. */
  @Delete(':id')
  @HttpCode(204)
  @TusHeader()
  async remove(
    @Caller() principal: Principal,
    @Id() id: string,
    @Headers() headers: Record<string, string>,
    @Res({ passthrough: true }) response: Response,
  ): Promise<void> {
    requireVersion(headers, response);
    await this.resumable.remove(principal, id);
  }
}

function requireVersion(headers: Record<string, string>, response: Response): void {
  response.setHeader('Tus-Resumable', version);
  if (headers['tus-resumable'] === version) return;
  response.setHeader('Tus-Version', version);
  throw new TusVersionUnknown();
}

function wholeNumber(text: string | undefined, field: string): number {
  if (text !== undefined && /^\d{1,15}$/.test(text)) return Number(text);
  const message = `${field} must be a whole number of bytes.`;
  throw new ValidationFailed([{ field, code: text === undefined ? 'required' : 'not_a_number', message }]);
}

/** @throws ValidationFailed */
function metadataOf(header: string): Map<string, string> {
  const refused = (message: string) =>
    new ValidationFailed([{ field: 'Upload-Metadata', code: 'invalid_format', message }]);
  if (header.length > limits.uploadMetadataBytes) {
    throw refused(`Upload-Metadata can have at most ${limits.uploadMetadataBytes.toLocaleString('en')} bytes.`);
  }
  const found = new Map<string, string>();
  for (const pair of header.split(',').filter((each) => each.trim() !== '')) {
    const [name = '', value = '', ...more] = pair.trim().split(' ');
    if (more.length > 0 || found.has(name) || !/^[A-Za-z]{1,40}$/.test(name) || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) {
      throw refused('Upload-Metadata must hold names with values in Base64, separated by commas, each name once.');
    }
    found.set(name, Buffer.from(value, 'base64').toString('utf8'));
  }
  return found;
}

const expiry = ({ expiresAt }: Upload) => ({ 'Upload-Expires': expiresAt.toUTCString() });
