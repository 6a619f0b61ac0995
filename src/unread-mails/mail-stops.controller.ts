import { Controller, Get, HttpCode, type HttpRedirectResponse, Param, Post, Redirect, Req } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { lookUps } from '../auth/joining-limits.js';
import { Public } from '../auth/session.guard.js';
import { networkOf } from '../platform/http/networks.js';
import { RateLimits } from '../platform/rate-limits.js';
import { MailStops } from './mail-stops.service.js';
import { UnreadMails } from './unread-mails.service.js';

@ApiTags('profile')
@Controller('mail-stops/:token')
export class MailStopsController {
  constructor(
    private readonly mails: UnreadMails,
    private readonly rateLimits: RateLimits,
    private readonly stops: MailStops,
  ) {}

  /**
   * End the mails about unread messages to an account, by the token of a link in one of them, without signing in. Mail programs
   * post here too (RFC 8058), with a form as body, which is ignored. The link is valid for 90 days, and doing it again changes
   * nothing.
   */
  @Public()
  @Post()
  @HttpCode(204)
  async stop(@Param('token') token: string, @Req() request: Request): Promise<void> {
    await this.rateLimits.count(lookUps, networkOf(request.ip));
    const { id } = await this.stops.accountOf(token);
    await this.mails.change(id, { unreadAfterMinutes: null });
  }

  /** Redirect from the link of a mail's List-Unsubscribe header to the page that asks for confirmation. Changes nothing. */
  @Public()
  @Get()
  @ApiResponse({ status: 303, description: 'Redirect to the page that asks for confirmation.' })
  @Redirect()
  async askWhetherToStop(@Param('token') token: string, @Req() request: Request): Promise<HttpRedirectResponse> {
    await this.rateLimits.count(lookUps, networkOf(request.ip));
    const { kind } = await this.stops.accountOf(token);
    return { url: this.stops.stopUrl(kind, token), statusCode: 303 };
  }
}
