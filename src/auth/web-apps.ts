import { parse, serialize } from 'cookie';
import type { NextFunction, Request, Response } from 'express';
import { limits } from '../contract/limits.js';
import type { Account } from './account.entity.js';

/** The two web apps, each with a cookie of its own, so that a merchant can join another shop in the same browser. */
export const webApps = ['dashboard', 'app'] as const;
export type WebApp = (typeof webApps)[number];

export const accountKindOf: Record<WebApp, Account['kind']> = { dashboard: 'member', app: 'interlocutor' };

const header = 'x-colloquio-app';

/** Reads the name of the web app from a request. */
export function webAppOf(request: Request): WebApp | undefined {
  return asWebApp(request.headers[header]);
}

/**
 * Express middleware: where no header can be set, as in the source of an image, `?as=` stands for it. It is taken out of
 * the query, which belongs to the route.
 */
export function readWebApp(request: Request, _response: Response, next: NextFunction): void {
  const start = request.url.indexOf('?');
  if (start < 0) return next();
  // The path is left as it came: taken apart and put together again, it could become another one.
  const parameters = request.url.slice(start + 1).split('&');
  const others = parameters.filter((parameter) => !isAs(parameter));
  if (others.length < parameters.length) {
    const as = parameters.find(isAs)!.slice('as='.length);
    request.headers[header] ??= as;
    request.url = request.url.slice(0, start) + (others.length > 0 ? `?${others.join('&')}` : '');
  }
  next();
}

const isAs = (parameter: string) => parameter === 'as' || parameter.startsWith('as=');

export function asWebApp(name: unknown): WebApp | undefined {
  return webApps.find((app) => app === name);
}

/** The token of an `Authorization` header, or undefined when it is none. */
export function bearerOf(authorization: string): string | undefined {
  return /^Bearer ([A-Za-z0-9_-]{20,100})$/i.exec(authorization)?.[1];
}

/** The cookie of the web app that asks. Without its name a cookie does not authenticate. */
export function cookieOf(cookies: string | undefined, app: WebApp | undefined, secure: boolean): string | undefined {
  return cookies && app && parse(cookies)[cookieName(app, secure)];
}

/** @param session without `expiresAt` its cookie ends with the browser */
export function setSessionCookie(
  response: Response,
  app: WebApp,
  session: { token: string; expiresAt: Date | undefined },
  secure: boolean,
): void {
  response.appendHeader(
    'Set-Cookie',
    serialize(cookieName(app, secure), session.token, {
      ...cookieOptions(secure),
      ...(session.expiresAt && { expires: session.expiresAt }),
    }),
  );
}

export function clearSessionCookie(response: Response, app: WebApp, secure: boolean): void {
  response.appendHeader('Set-Cookie', serialize(cookieName(app, secure), '', { ...cookieOptions(secure), maxAge: 0 }));
}

/** The mark by which a device is known, from the cookie that stays when one logs out. */
export function deviceMarkOf(cookies: string | undefined, app: WebApp, secure: boolean): string | undefined {
  const mark = cookies && parse(cookies)[deviceCookieName(app, secure)];
  return mark && /^[\w-]{43}$/.test(mark) ? mark : undefined;
}

export function setDeviceCookie(response: Response, app: WebApp, mark: string, secure: boolean): void {
  const lasts = limits.knownDeviceDays * 24 * 60 * 60;
  response.appendHeader(
    'Set-Cookie',
    serialize(deviceCookieName(app, secure), mark, { ...cookieOptions(secure), maxAge: lasts }),
  );
}

/** Over HTTPS the `__Host-` prefix ties the cookie to this very host (RFC 6265bis, section 4.1.3.2). */
const cookieName = (app: WebApp, secure: boolean) => `${secure ? '__Host-' : ''}colloquio-${app}`;
const deviceCookieName = (app: WebApp, secure: boolean) => `${cookieName(app, secure)}-device`;
const cookieOptions = (secure: boolean) => ({ httpOnly: true, sameSite: 'strict', path: '/', secure }) as const;
