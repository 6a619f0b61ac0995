import { Inject, Injectable } from '@nestjs/common';
import { type Config, CONFIG } from '../platform/config.js';
import type { Doorkeeper, Handshake } from '../platform/realtime/realtime.js';
import { Unauthenticated } from './auth.errors.js';
import { type Principal, roomOf } from './principal.js';
import { Sessions } from './sessions.service.js';
import { asWebApp, cookieOf } from './web-apps.js';

/** Admits sockets by the token of their handshake, or by the cookie of the web app they name. */
@Injectable()
export class SocketDoorkeeper implements Doorkeeper<Principal> {
  private readonly secure: boolean;

  constructor(
    private readonly sessions: Sessions,
    @Inject(CONFIG) config: Config,
  ) {
    this.secure = config.publicUrl.protocol === 'https:';
  }

  async admit({ token, cookie, as, network }: Handshake): ReturnType<Doorkeeper<Principal>['admit']> {
    const given = typeof token === 'string' ? token : cookieOf(cookie, asWebApp(as), this.secure);
    if (!given) throw new Unauthenticated();
    const { principal, expiresAt } = await this.sessions.authenticate(given, network);
    const { sessionId, accountId } = principal;
    return { principal, admission: { sessionId, accountId, room: roomOf(principal), expiresAt } };
  }

  expiryOf(sessionId: string, usedAt: Date | undefined): Promise<Date | undefined> {
    return this.sessions.expiryOf(sessionId, usedAt);
  }
}
