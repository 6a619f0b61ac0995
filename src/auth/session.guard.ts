import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { NotFound } from '../platform/problems/domain-error.js';
import { Unauthenticated } from './auth.errors.js';
import { isMember, type MemberPrincipal, type Principal } from './principal.js';
import { SessionCookies } from './session-cookies.js';
import { type Authenticated, Sessions } from './sessions.service.js';
import { bearerOf } from './tokens.js';

const publicRoute = 'colloquio:public';
const onlyKind = 'colloquio:only';

/** A route that needs no session. With `session: 'welcome'` a valid one is used when it comes along. */
export const Public = (options: { session: 'ignored' | 'welcome' } = { session: 'ignored' }) =>
  SetMetadata(publicRoute, options);

interface Whose {
  kind: Principal['kind'];
  role?: MemberPrincipal['role'];
}

/** Who may call a route, as the guard reads it. */
export interface RouteAccess {
  /** There for a route that needs no session: whether one that comes along counts. */
  open: { session: 'ignored' | 'welcome' } | undefined;
  /** Of those with a session, whose route it is; every one's when undefined. */
  whose: Whose | undefined;
}

export function accessTo(reflector: Reflector, handler: object, controller: object): RouteAccess {
  const places = [handler, controller] as Parameters<Reflector['getAllAndOverride']>[1];
  return {
    open: reflector.getAllAndOverride<RouteAccess['open']>(publicRoute, places),
    whose: reflector.getAllAndOverride<RouteAccess['whose']>(onlyKind, places),
  };
}

/** A controller or route for one kind of principal; for the other it does not exist. */
export const Only = (kind: Principal['kind']) => SetMetadata(onlyKind, { kind } satisfies Whose);

/** A controller or route for the owner of a subscriber; for staff it does not exist. */
export const OwnerOnly = () => SetMetadata(onlyKind, { kind: 'member', role: 'owner' } satisfies Whose);

type Authenticable = Request & { principal?: Principal };

/** The principal who asks; undefined only on public routes. */
export const Caller = createParamDecorator(
  (_data: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<Authenticable>().principal,
);

/** Lets a request pass when its session is valid and of the right kind, before anything of it is looked at. */
@Injectable()
export class SessionGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly sessions: Sessions,
    private readonly cookies: SessionCookies,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    // Sockets are admitted with their session when they connect.
    if (context.getType() !== 'http') return true;
    const { open, whose } = accessTo(this.reflector, context.getHandler(), context.getClass());
    if (open?.session === 'ignored') return true;
    const request = context.switchToHttp().getRequest<Authenticable>();
    const authenticated = await this.authenticate(request);
    if (!authenticated) {
      if (open) return true;
      throw new Unauthenticated();
    }
    const { principal } = authenticated;
    if (whose && !isTheirs(whose, principal)) throw new NotFound();
    request.principal = principal;
    return true;
  }

  /** @throws Unauthenticated for a bearer token that is none any more; the cookie of an ended session is no session */
  private async authenticate(request: Request): Promise<Authenticated | undefined> {
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      const token = bearerOf(authorization);
      if (token === undefined) throw new Unauthenticated();
      return this.sessions.authenticate(token);
    }
    const cookie = this.cookies.tokenOf(request);
    if (!cookie) return undefined;
    try {
      const authenticated = await this.sessions.authenticate(cookie.token);
      if (authenticated.prolonged) this.cookies.renew(request, cookie, authenticated.expiresAt);
      return authenticated;
    } catch (error) {
      if (!(error instanceof Unauthenticated)) throw error;
      this.cookies.clear(request, cookie.app);
      return undefined;
    }
  }
}

function isTheirs({ kind, role }: Whose, principal: Principal): boolean {
  return principal.kind === kind && (role === undefined || (isMember(principal) && principal.role === role));
}
