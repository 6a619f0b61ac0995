import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Patch,
  Put,
  Req,
  Res,
  UploadedFile,
  UseInterceptors,
} from '@nestjs/common';
import { FileInterceptor } from '@nestjs/platform-express';
import { ApiBody, ApiConsumes, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import type { MemberPrincipal } from '../auth/principal.js';
import { Caller, Only, OwnerOnly } from '../auth/session.guard.js';
import { limits } from '../contract/limits.js';
import { networkOf } from '../platform/http/networks.js';
import { ValidationFailed } from '../platform/problems/domain-error.js';
import { sendLogo } from '../subscribers/logo-answer.js';
import { subscriberView } from '../subscribers/subscriber-view.js';
import { BusinessChanges, SubscriberView } from '../subscribers/subscribers.dto.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { Profiles } from './profiles.service.js';

@ApiTags('subscribers')
@OwnerOnly()
@Controller('subscriber')
export class SubscriberController {
  constructor(
    private readonly profiles: Profiles,
    private readonly subscribers: Subscribers,
  ) {}

  /**
   * Correct the data of the business. Interlocutors see the change at once, in their conversations and in the policies. The
   * checks are those of the registration. To change the email address, send `currentPassword`: the new address gets a link to
   * confirm it, and the old one, if it was confirmed, a notice. For the owner.
   */
  @Patch()
  async edit(
    @Caller() owner: MemberPrincipal,
    @Body() changes: BusinessChanges,
    @Req() request: Request,
  ): Promise<SubscriberView> {
    await this.profiles.editSubscriber(owner, changes, networkOf(request.ip));
    const subscriber = await this.subscribers.get(owner.subscriberId);
    return subscriberView(subscriber, await this.subscribers.hasLogo(subscriber.id));
  }

  /**
   * Set the logo: PNG, JPEG or WebP up to 2 MB, 10,000 pixels a side and 40 megapixels. It is scaled down to 512 pixels,
   * and its metadata (such as the camera's) is removed. For the owner.
   */
  @Put('logo')
  @HttpCode(204)
  @ApiConsumes('multipart/form-data')
  @ApiBody({
    schema: { type: 'object', required: ['file'], properties: { file: { type: 'string', format: 'binary' } } },
  })
  @UseInterceptors(
    FileInterceptor('file', { limits: { fileSize: limits.logoBytes, files: 1, fields: 0, parts: 2, headerPairs: 20 } }),
  )
  async setLogo(
    @Caller() owner: MemberPrincipal,
    @UploadedFile() file: Express.Multer.File | undefined,
  ): Promise<void> {
    if (!file) throw new ValidationFailed([{ field: 'file', code: 'required', message: 'Send the image as "file".' }]);
    await this.profiles.setLogo(owner, file.buffer);
  }

  /** The logo of your business. */
  @Only('member')
  @Get('logo')
  async logo(@Caller() member: MemberPrincipal, @Res() response: Response): Promise<void> {
    sendLogo(response, await this.subscribers.logo(member.subscriberId));
  }

  /** Remove the logo. For the owner. */
  @Delete('logo')
  @HttpCode(204)
  async removeLogo(@Caller() owner: MemberPrincipal): Promise<void> {
    await this.profiles.removeLogo(owner);
  }
}
