import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { limits } from '../contract/limits.js';
import { networkOf } from '../platform/http/networks.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { SessionWork } from '../platform/session-work.js';
import { Turns } from '../platform/turns.js';
import { Unauthenticated } from './auth.errors.js';
import { isMember, type MemberPrincipal, type Principal } from './principal.js';
import type { AdmittedRequest } from './request-work.js';
import { SessionCookies } from './session-cookies.js';
import { type Authenticated, Sessions } from './sessions.service.js';
import { bearerOf } from './web-apps.js';

const publicRoute = 'colloquio:public';
const onlyKind = 'colloquio:only';

interface PublicOptions {
  session: 'ignored' | 'welcome';
  /** Answers without a turn, for routes that cost next to nothing, however much the network asks for. */
  withoutTurn?: true;
}

/** A route that needs no session. With `session: 'welcome'` a valid one is used when it comes along. */
export const Public = (options: PublicOptions = { session: 'ignored' }) => SetMetadata(publicRoute, options);

interface Whose {
  kind: Principal['kind'];
  role?: MemberPrincipal['role'];
}

/** The access rules of a route, as the guard reads them. */
export interface RouteAccess {
  /** There for a route that needs no session: whether one that comes along counts. */
  open: PublicOptions | undefined;
  /** Kind and role of the accounts that may call the route; any account if undefined. */
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

type Authenticable = AdmittedRequest & { principal?: Principal; turnEnds?: () => void };

/** The principal who asks; undefined only on public routes. */
export const Caller = createParamDecorator(
  (_data: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<Authenticable>().principal,
);

/**
 * Lets a request pass when its session is valid and of the right kind, before anything of it is looked at, and when it is
 * its turn: one account, or without a session one network, has a few requests under way at once, so that nobody fills the
 * connections to the database.
 */
@Injectable()
export class SessionGuard implements CanActivate {
  private readonly turns = new Turns({
    concurrency: Infinity,
    concurrencyPerAsker: limits.requestsAtOnce,
    waiting: Infinity,
    waitingPerAsker: limits.requestsWaiting,
    of: 'requests',
  });

  constructor(
    private readonly reflector: Reflector,
    private readonly sessions: Sessions,
    private readonly cookies: SessionCookies,
    private readonly work: SessionWork,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    // Sockets are authenticated when they connect.
    if (context.getType() !== 'http') return true;
    const { open, whose } = accessTo(this.reflector, context.getHandler(), context.getClass());
    if (open?.withoutTurn) return true;
    const request = context.switchToHttp().getRequest<Authenticable>();
    try {
      const principal = open?.session === 'ignored' ? undefined : await this.principalOf(request);
      if (!principal) {
        if (!open) throw new Unauthenticated();
        await this.takeTurn(request, networkOf(request.ip));
        request.begin = () => () => request.turnEnds?.();
        return true;
      }
      if (whose && !isTheirs(whose, principal)) throw new NotFound();
      request.principal = principal;
      request.begin = () => this.begin(request, principal);
      return true;
    } catch (error) {
      request.turnEnds?.();
      throw error;
    }
  }

  /** @throws Unauthenticated for a bearer token that is none any more; the cookie of an ended session is no session */
  private async principalOf(request: Authenticable): Promise<Principal | undefined> {
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      const token = bearerOf(authorization);
      if (token === undefined) throw new Unauthenticated();
      return (await this.authenticate(request, token)).principal;
    }
    const cookie = this.cookies.tokenOf(request);
    if (!cookie) return undefined;
    try {
      const { principal, prolonged, expiresAt, shared } = await this.authenticate(request, cookie.token);
      // The cookie of a shared device has no lifetime that would have to be renewed.
      if (prolonged && !shared) await this.cookies.renew(request, cookie, { ...principal, expiresAt });
      return principal;
    } catch (error) {
      if (!(error instanceof Unauthenticated)) throw error;
      request.turnEnds?.();
      delete request.turnEnds;
      this.cookies.clear(request, cookie.app);
      return undefined;
    }
  }

  /** The turn comes first where the token says whose it is: a session that asks for much does not even look itself up. */
  private async authenticate(request: Authenticable, token: string): Promise<Authenticated> {
    const accountId = this.sessions.accountOf(token);
    if (accountId !== undefined) await this.takeTurn(request, accountId);
    const authenticated = await this.sessions.authenticate(token, networkOf(request.ip));
    if (accountId === undefined) await this.takeTurn(request, authenticated.principal.accountId);
    return authenticated;
  }

  private begin(request: Authenticable, principal: Principal): () => void {
    const response = request.res!;
    const cut = () => {
      // What has begun to leave leaves no further, and what is still coming in is not waited for.
      if (response.headersSent && !response.writableFinished) response.destroy();
      else if (!request.complete) request.destroy();
    };
    const work = this.work.begin(principal.sessionId, cut, principal);
    if (!work) {
      request.turnEnds?.();
      throw new Unauthenticated();
    }
    response.once('close', work.left);
    return () => {
      request.turnEnds?.();
      work.finished();
    };
  }

  private async takeTurn(request: Authenticable, asker: string): Promise<void> {
    const response = request.res!;
    const turnEnds = (request.turnEnds = await this.turns.acquire(asker, { answer: response }));
    // A guard that comes after this one may refuse the request, which then never begins.
    response.once('close', () => {
      if (request.begin) turnEnds();
    });
  }
}

/**
 * Gives the turn of a request back before it ends, for one whose bytes come or go for long: it has turns of its own, so that
 * other requests of the account need not wait for them.
 */
export function giveTurnBack(request: Request): void {
  (request as Authenticable).turnEnds?.();
}

function isTheirs({ kind, role }: Whose, principal: Principal): boolean {
  return principal.kind === kind && (role === undefined || (isMember(principal) && principal.role === role));
}
