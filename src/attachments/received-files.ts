import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { isUUID } from 'class-validator';
import type { Request } from 'express';
import { catchError, finalize, type Observable, throwError } from 'rxjs';
import type { Principal } from '../auth/principal.js';
import type { SealedObject } from './contents.service.js';
import { safeName } from './file-names.js';
import { receiveForm } from './forms.js';
import { Transfers } from './transfers.service.js';
import { Uploads } from './uploads.service.js';

/** A file of a form, sealed and stored, which belongs to nothing yet. */
export interface ReceivedFile {
  name: string;
  object: SealedObject;
}

/** A request whose form has come in. */
export interface RequestWithFile extends Request {
  principal: Principal;
  received?: ReceivedFile;
}

/** Bytes that the other fields and the boundaries of a form may take. */
const formBytes = 64 * 1024;

/** Seals the file of a form while it comes in. Unless the request succeeds, nothing of it is kept. */
@Injectable()
export class ReceiveFile implements NestInterceptor {
  constructor(
    private readonly transfers: Transfers,
    private readonly uploads: Uploads,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<RequestWithFile>();
    const { principal } = request;
    await this.uploads.count(principal);
    const stated = Number(request.headers['content-length']);
    if (stated > formBytes) this.uploads.requireSize(stated - formBytes);
    const end = await this.transfers.uploading(principal, request);
    try {
      const discard = (object: SealedObject) => this.uploads.discard([object]);
      const form = await receiveForm(request, (bytes, fields) => this.take(principal, bytes, fields), discard);
      const { fields, file } = form;
      request.body = fields;
      if (file) request.received = { name: safeName(file.name), object: file.stored };
      return next.handle().pipe(
        catchError((error: unknown) => {
          const failed = () => error;
          return file ? discard(file.stored).then(() => Promise.reject(error as Error)) : throwError(failed);
        }),
        finalize(end),
      );
    } catch (error) {
      end();
      throw error;
    }
  }

  /** A form that begins with where its file is for is refused before the file has come in. */
  private async take(
    principal: Principal,
    bytes: AsyncIterable<Buffer>,
    { conversationId, broadcast }: Record<string, string>,
  ): Promise<SealedObject> {
    if (isUUID(conversationId) || broadcast === 'true') {
      await this.uploads.destination(principal, {
        conversationId: conversationId?.toLowerCase(),
        broadcast: broadcast === 'true',
      });
    }
    return this.uploads.take(bytes);
  }
}
