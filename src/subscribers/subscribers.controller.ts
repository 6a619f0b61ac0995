import { Controller, Delete, Get, HttpCode, Put, Query, Res, UploadedFile, UseInterceptors } from '@nestjs/common';
import { FileInterceptor } from '@nestjs/platform-express';
import { ApiBody, ApiConsumes, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { MemberPrincipal } from '../auth/principal.js';
import { Caller, Only, Public } from '../auth/session.guard.js';
import { limits } from '../contract/limits.js';
import { ValidationFailed } from '../platform/problems/domain-error.js';
import { sendLogo } from './logo-answer.js';
import { merchantCategories } from './merchant-categories.js';
import { countries } from './postal-address.js';
import { InLocale, NamedCodes } from './subscribers.dto.js';
import { Subscribers } from './subscribers.service.js';

@ApiTags('subscribers')
@Controller()
export class SubscribersController {
  constructor(private readonly subscribers: Subscribers) {}

  /** The merchant categories a subscriber chooses from. */
  @Public()
  @Get('merchant-categories')
  merchantCategories(@Query() { locale }: InLocale): NamedCodes {
    return { items: merchantCategories(locale) };
  }

  /** The countries (ISO 3166-1 alpha-2) a subscriber chooses from. */
  @Public()
  @Get('countries')
  countries(@Query() { locale }: InLocale): NamedCodes {
    return { items: countries(locale) };
  }

  /** Set the logo: PNG, JPEG or WebP up to 2 MB. It is made anew at 512 pixels, without what the camera noted. */
  @Only('member')
  @Put('subscriber/logo')
  @HttpCode(204)
  @ApiConsumes('multipart/form-data')
  @ApiBody({
    schema: { type: 'object', required: ['file'], properties: { file: { type: 'string', format: 'binary' } } },
  })
  @UseInterceptors(
    FileInterceptor('file', { limits: { fileSize: limits.logoBytes, files: 1, fields: 0, parts: 2, headerPairs: 20 } }),
  )
  async setLogo(
    @Caller() member: MemberPrincipal,
    @UploadedFile() file: Express.Multer.File | undefined,
  ): Promise<void> {
    if (!file) throw new ValidationFailed([{ field: 'file', code: 'required', message: 'Send the image as "file".' }]);
    await this.subscribers.setLogo(member.subscriberId, file.buffer);
  }

  /** The own logo. */
  @Only('member')
  @Get('subscriber/logo')
  async logo(@Caller() member: MemberPrincipal, @Res() response: Response): Promise<void> {
    sendLogo(response, await this.subscribers.logo(member.subscriberId));
  }

  @Only('member')
  @Delete('subscriber/logo')
  @HttpCode(204)
  async removeLogo(@Caller() member: MemberPrincipal): Promise<void> {
    await this.subscribers.removeLogo(member.subscriberId);
  }
}
