import { Body, Controller, Delete, Get, HttpCode, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { networkOf } from '../platform/http/networks.js';
import { Id } from '../platform/validation/id.js';
import type { Principal } from './principal.js';
import { principalView } from './principal-view.js';
import { SessionCookies } from './session-cookies.js';
import { Caller, Public } from './session.guard.js';
import { CarriedSignIn, CarryCodeView, DeviceList, ListSessions, SignedIn, SignIn } from './sessions.dto.js';
import { Sessions } from './sessions.service.js';
import { accountKindOf, webAppOf } from './web-apps.js';

@ApiTags('sessions')
@Controller('sessions')
export class SessionsController {
  constructor(
    private readonly sessions: Sessions,
    private readonly cookies: SessionCookies,
  ) {}

  /**
   * Sign in. A web app that names itself with X-Colloquio-App gets its cookie as well, and the session of the cookie that it
   * replaces ends. An account has at most 50 sessions: one more ends the session that was not used for the longest time. A
   * sign-in on a device that is new to the account is told of by mail. A web app's device is known by a cookie that outlives
   * logging out; every sign-in of another program, or with `shared`, counts as new.
   */
  @Public()
  @Post()
  async signIn(@Body() { username, password, device, shared }: SignIn, @Req() request: Request): Promise<SignedIn> {
    const app = webAppOf(request);
    const { principal, ...opened } = await this.sessions.signIn({
      login: username,
      password,
      device,
      shared,
      kind: app && accountKindOf[app],
      network: networkOf(request.ip),
      mark: this.cookies.deviceMark(request),
    });
    return { ...(await this.cookies.give(request, principal.kind, opened)), principal: principalView(principal) };
  }

  /**
   * Make a code that carries your sign-in into another program, such as an app that is installed on the home screen. It is valid
   * once, for 15 minutes, and ends with this session. A session has at most 5: one more replaces the oldest.
   */
  @Post('carry-codes')
  carryCode(@Caller() principal: Principal): Promise<CarryCodeView> {
    return this.sessions.carryCode(principal);
  }

  /**
   * Sign in with such a code: this makes a new session of the same account. A web app that names itself with X-Colloquio-App
   * gets its cookie as well. A code that was used, is late or unknown, or is for the other app answers 410.
   */
  @Public()
  @Post('carried')
  async carried(@Body() { code, device }: CarriedSignIn, @Req() request: Request): Promise<SignedIn> {
    const app = webAppOf(request);
    const kind = app && accountKindOf[app];
    const { principal, ...opened } = await this.sessions.carry({
      ...{ code, device, kind, network: networkOf(request.ip), mark: this.cookies.deviceMark(request) },
    });
    return { ...(await this.cookies.give(request, principal.kind, opened)), principal: principalView(principal) };
  }

  /** The devices signed in to this account, newest first. */
  @Get()
  list(@Caller() principal: Principal, @Query() ask: ListSessions): Promise<DeviceList> {
    return this.sessions.list(principal, ask);
  }

  /** Log out. After the answer the device gets no more events, and nothing that it sent before is stored. */
  @Delete('current')
  @HttpCode(204)
  async endCurrent(@Caller() principal: Principal, @Req() request: Request): Promise<void> {
    await this.sessions.end(principal, principal.sessionId);
    this.cookies.clearSent(request);
  }

  /** Sign out all other devices of this account. After the answer they get no more events, and nothing they send is stored. */
  @Delete('others')
  @HttpCode(204)
  async endOthers(@Caller() principal: Principal): Promise<void> {
    await this.sessions.endOthers(principal);
  }

  /** End the session of another device of this account. */
  @Delete(':id')
  @HttpCode(204)
  async end(@Caller() principal: Principal, @Id() id: string): Promise<void> {
    await this.sessions.end(principal, id);
  }
}
