import { Inject, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { type Config, CONFIG } from '../platform/config.js';
import type { Account } from './account.entity.js';
import type { SessionView } from './sessions.dto.js';
import { type OpenedSession, Sessions } from './sessions.service.js';
import { accountKindOf, clearSessionCookie, cookieOf, setSessionCookie, type WebApp, webAppOf } from './web-apps.js';

/** The cookies of the two web apps. */
@Injectable()
export class SessionCookies {
  private readonly secure: boolean;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly sessions: Sessions,
  ) {
    this.secure = config.publicUrl.protocol === 'https:';
  }

  /**
   * Answers with a new session, and sets the cookie if a web app asked. The session of a cookie that is replaced in this way
   * ends, because its token would be lost.
   */
  async give(
    request: Request,
    kind: Account['kind'],
    { id, token, expiresAt, shared }: OpenedSession,
  ): Promise<SessionView> {
    const app = request.withoutCookies ? undefined : webAppOf(request);
    if (app && accountKindOf[app] === kind) {
      const replaced = this.tokenOf(request)?.token;
      if (replaced) await this.sessions.endReplaced(replaced);
      setSessionCookie(request.res!, app, { token, expiresAt: shared ? undefined : expiresAt }, this.secure);
    }
    return { id, token, expiresAt: expiresAt.toISOString() };
  }

  /** The token in the cookie of the web app that asks. */
  tokenOf(request: Request): { app: WebApp; token: string } | undefined {
    const app = webAppOf(request);
    const token = cookieOf(request.headers.cookie, app, this.secure);
    return app && token ? { app, token } : undefined;
  }

  /** A cookie that the browser holds is to last as long as its session. */
  renew(request: Request, { app, token }: { app: WebApp; token: string }, expiresAt: Date): void {
    setSessionCookie(request.res!, app, { token, expiresAt }, this.secure);
  }

  /** Clears the cookie of an ended session, because scripts cannot. */
  clear(request: Request, app: WebApp): void {
    clearSessionCookie(request.res!, app, this.secure);
  }

  /** Clears the session cookie, if the request had one. */
  clearSent(request: Request): void {
    const cookie = this.tokenOf(request);
    if (cookie) this.clear(request, cookie.app);
  }
}
