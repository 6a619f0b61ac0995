import { Inject, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { type Config, CONFIG } from '../platform/config.js';
import type { SessionView } from './sessions.dto.js';
import type { OpenedSession } from './sessions.service.js';
import { accountKindOf, clearSessionCookie, setSessionCookie, webApps, webAppOf } from './tokens.js';
import type { Principal } from './principal.js';

/** Gives a new session to whoever asked: in the answer, and to a web app as its cookie too. */
@Injectable()
export class SessionCookies {
  private readonly secure: boolean;

  constructor(@Inject(CONFIG) config: Config) {
    this.secure = config.publicUrl.protocol === 'https:';
  }

  give(request: Request, { id, token, expiresAt }: OpenedSession): SessionView {
    const app = webAppOf(request);
    if (app) setSessionCookie(request.res!, app, { token, expiresAt }, this.secure);
    return { id, token, expiresAt: expiresAt.toISOString() };
  }

  take(request: Request, principal: Principal): void {
    const app = webApps.find((each) => accountKindOf[each] === principal.kind)!;
    clearSessionCookie(request.res!, app, this.secure);
  }
}
