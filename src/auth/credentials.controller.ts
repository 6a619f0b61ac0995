import { Body, Controller, HttpCode, Post, Put, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { networkOf } from '../platform/http/networks.js';
import { MailedToken, PasswordChange, PasswordReset, PasswordResetRequest } from './credentials.dto.js';
import { Credentials } from './credentials.service.js';
import type { Principal } from './principal.js';
import { Caller, Public } from './session.guard.js';

@ApiTags('profile')
@Controller()
export class CredentialsController {
  constructor(private readonly credentials: Credentials) {}

  /**
   * Mail a link to the own address, to confirm it. It is good once and for 24 hours. Five an hour for an account, with those
   * for another address of its own; for one address ten an hour, five of them from one network.
   */
  @Post('me/email-verification')
  @HttpCode(202)
  async askVerification(@Caller() principal: Principal, @Req() request: Request): Promise<void> {
    await this.credentials.askVerification(principal, networkOf(request.ip));
  }

  /**
   * Confirm an address with the token of the link: `link_invalid` when it was used or is out of date, `address_full` when five
   * other accounts have confirmed the address.
   */
  @Public()
  @Post('me/email-verification/confirmation')
  @HttpCode(204)
  async verify(@Body() { token }: MailedToken): Promise<void> {
    await this.credentials.verify(token);
  }

  /** Change the own password. The other devices are signed out. */
  @Put('me/password')
  @HttpCode(204)
  async changePassword(@Caller() principal: Principal, @Body() change: PasswordChange): Promise<void> {
    await this.credentials.changePassword(principal, change);
  }

  /**
   * Ask for a link to choose a new password. It goes to the verified address of the account, or of each account that
   * shares the address; the answer is the same when there is none.
   */
  @Public()
  @Post('password-resets')
  @HttpCode(202)
  async askReset(@Body() { login }: PasswordResetRequest, @Req() request: Request): Promise<void> {
    await this.credentials.askReset(login, networkOf(request.ip));
  }

  /** Choose a new password with the token of the link, which is good once and for 15 minutes. Every device is signed out. */
  @Public()
  @Post('password-resets/confirmation')
  @HttpCode(204)
  async reset(@Body() { token, password }: PasswordReset, @Req() request: Request): Promise<void> {
    await this.credentials.reset(token, password, networkOf(request.ip));
  }
}
