import { Body, Controller, Get, Post, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { SessionCookies } from '../auth/session-cookies.js';
import { Public } from '../auth/session.guard.js';
import { networkOf } from '../platform/http/networks.js';
import { subscriberView } from '../subscribers/subscriber-view.js';
import { Registered, Registration, RegistrationState } from './registration.dto.js';
import { Registrations } from './registration.service.js';

@ApiTags('subscribers')
@Controller()
export class RegistrationController {
  constructor(
    private readonly registrations: Registrations,
    private readonly cookies: SessionCookies,
  ) {}

  /** Tells if a subscriber can register now. */
  @Public()
  @Get('registration')
  async state(): Promise<RegistrationState> {
    return { state: await this.registrations.state() };
  }

  /** Register a subscriber: the business, its owner's account, and the policies that the owner accepts. */
  @Public()
  @Post('subscribers')
  async register(@Body() registration: Registration, @Req() request: Request): Promise<Registered> {
    const { subscriber, session, ...mail } = await this.registrations.register(registration, networkOf(request.ip));
    return {
      subscriber: subscriberView(subscriber, false),
      session: await this.cookies.give(request, 'member', session),
      ...mail,
    };
  }
}
