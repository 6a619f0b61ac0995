import { Inject, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { type Config, CONFIG } from '../platform/config.js';
import type { Account } from './account.entity.js';
import { KnownDevices } from './known-devices.service.js';
import type { SessionView } from './sessions.dto.js';
import { type OpenedSession, Sessions } from './sessions.service.js';
import {
  accountKindOf,
  clearSessionCookie,
  cookieOf,
  deviceMarkOf,
  setDeviceCookie,
  setSessionCookie,
  type WebApp,
  webAppOf,
} from './web-apps.js';

/** The cookies of the two web apps. */
@Injectable()
export class SessionCookies {
  private readonly secure: boolean;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly devices: KnownDevices,
    private readonly sessions: Sessions,
  ) {
    this.secure = config.publicUrl.protocol === 'https:';
  }

  /**
   * Answers with a new session, and sets the cookie if a web app asked. The session of a cookie that is replaced in this way
   * ends, because its token would be lost. The device bears a mark from now on, unless others use it as well.
   */
  async give(
    request: Request,
    kind: Account['kind'],
    { id, accountId, token, expiresAt, shared }: OpenedSession,
  ): Promise<SessionView> {
    const app = request.withoutCookies ? undefined : webAppOf(request);
    if (app && accountKindOf[app] === kind) {
      const replaced = this.tokenOf(request)?.token;
      if (replaced) await this.sessions.endReplaced(replaced);
      setSessionCookie(request.res!, app, { token, expiresAt: shared ? undefined : expiresAt }, this.secure);
      if (!shared) {
        const mark = this.deviceMark(request) ?? this.devices.newMark();
        await this.devices.note(accountId, mark);
        setDeviceCookie(request.res!, app, mark, this.secure);
      }
    }
    return { id, token, expiresAt: expiresAt.toISOString() };
  }

  /** The token in the cookie of the web app that asks. */
  tokenOf(request: Request): { app: WebApp; token: string } | undefined {
    const app = webAppOf(request);
    const token = cookieOf(request.headers.cookie, app, this.secure);
    return app && token ? { app, token } : undefined;
  }

  /** The mark by which the device of a web app is known; other programs have none. */
  deviceMark(request: Request): string | undefined {
    const app = request.withoutCookies ? undefined : webAppOf(request);
    return app && deviceMarkOf(request.headers.cookie, app, this.secure);
  }

  /** A cookie that the browser holds is to last as long as its session, and the mark of its device is kept with it. */
  async renew(
    request: Request,
    { app, token }: { app: WebApp; token: string },
    { accountId, expiresAt }: Pick<OpenedSession, 'accountId' | 'expiresAt'>,
  ): Promise<void> {
    setSessionCookie(request.res!, app, { token, expiresAt }, this.secure);
    const mark = this.deviceMark(request);
    if (!mark) return;
    await this.devices.keep(accountId, mark);
    setDeviceCookie(request.res!, app, mark, this.secure);
  }

  /**
   * Clears the cookie of an ended session and the browser's cached files, because scripts cannot. Data of the other app on the
   * same origin stays.
   */
  clear(request: Request, app: WebApp): void {
    request.res!.setHeader('Clear-Site-Data', '"cache"');
    clearSessionCookie(request.res!, app, this.secure);
  }

  /** Clears the session cookie, if the request had one. */
  clearSent(request: Request): void {
    const cookie = this.tokenOf(request);
    if (cookie) this.clear(request, cookie.app);
  }
}
