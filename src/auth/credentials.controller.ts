import { Body, Controller, HttpCode, Post, Put, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { networkOf } from '../platform/http/networks.js';
import { MailedToken, PasswordChange, PasswordReset, PasswordResetRequest } from './credentials.dto.js';
import { Credentials } from './credentials.service.js';
import type { Principal } from './principal.js';
import { SessionCookies } from './session-cookies.js';
import { Caller, Public } from './session.guard.js';

@ApiTags('profile')
@Controller()
export class CredentialsController {
  constructor(
    private readonly credentials: Credentials,
    private readonly cookies: SessionCookies,
  ) {}

  /**
   * Mail a link that confirms your address. It works once, within 24 hours. Limits: five mails an hour for an account, and
   * ten an hour to one address, five of them from one network.
   */
  @Post('me/email-verification')
  @HttpCode(202)
  async askVerification(@Caller() principal: Principal, @Req() request: Request): Promise<void> {
    await this.credentials.askVerification(principal, networkOf(request.ip));
  }

  /**
   * Confirm your address with the token of the link. Errors: `link_invalid` if it was used or has expired, `address_full` if
   * five other accounts have confirmed the address.
   */
  @Public()
  @Post('me/email-verification/confirmation')
  @HttpCode(204)
  async verify(@Body() { token }: MailedToken): Promise<void> {
    await this.credentials.verify(token);
  }

  /** Change your password. Your other devices are signed out. */
  @Put('me/password')
  @HttpCode(204)
  async changePassword(
    @Caller() principal: Principal,
    @Body() change: PasswordChange,
    @Req() request: Request,
  ): Promise<void> {
    await this.credentials.changePassword(principal, change, this.cookies.deviceMark(request));
  }

  /**
   * Ask for a link to choose a new password. It is mailed to the verified address of the account, or of each account that
   * shares the address. The answer is the same if there is no such account.
   */
  @Public()
  @Post('password-resets')
  @HttpCode(202)
  async askReset(@Body() { login }: PasswordResetRequest, @Req() request: Request): Promise<void> {
    await this.credentials.askReset(login, networkOf(request.ip));
  }

  /** Choose a new password with the token of the link, which works once, within 15 minutes. Every device is signed out. */
  @Public()
  @Post('password-resets/confirmation')
  @HttpCode(204)
  async reset(@Body() { token, password }: PasswordReset, @Req() request: Request): Promise<void> {
    await this.credentials.reset(token, password, networkOf(request.ip));
  }
}
