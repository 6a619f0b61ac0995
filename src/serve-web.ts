import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';
import { builtFiles } from './built-files.js';
import { type Locale, locales } from './contract/common.js';
import { firstScreenLinks } from './first-screens.js';
import { JoiningController } from './invitations/joining.controller.js';

/** The built web apps. */
const folder = join(import.meta.dirname, '../web');

const year = 365 * 24 * 60 * 60;

/** Nothing foreign and nothing inline; templates of Svelte and the worker have a policy of trusted types each. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "media-src 'self' blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types svelte-trusted-html colloquio-worker',
].join('; ');

/** The microphone is for voice notes; a picture of the camera comes through a field for files, which needs no permission. */
const permissions = 'microphone=(self), camera=(), geolocation=(), payment=(), usb=(), browsing-topics=()';

const pageHeaders = { 'Content-Security-Policy': pagePolicy, 'Permissions-Policy': permissions };

/** Addresses that belong to the service itself. */
const isOfService = (path: string) => /^\/(api|socket\.io|metrics)(\/|$)/.test(path);
const appManifest = '/app/manifest.webmanifest';
const isOfApp = (path: string) => /^\/app(\/|$)/.test(path);

/**
 * Serves both web apps: files with a hash in their name for a year, and one page for every address of an app. Codes of
 * invitations lead to the app, whose scope an installation and its worker have from the first tap.
 */
export async function serveWeb(app: NestExpressApplication): Promise<void> {
  if (!existsSync(join(folder, 'index.html'))) return;
  const serve = builtFiles(folder, (path) => ({
    ...pageHeaders,
    'Cache-Control': path.startsWith('/assets/') ? `public, max-age=${year}, immutable` : 'no-cache',
  }));
  const linksOf = firstScreenLinks(folder);
  const joiningPage = readFileSync(join(folder, 'app/index.html'), 'utf8');
  const joining = app.get(JoiningController);
  const manifest = JSON.parse(readFileSync(join(folder, appManifest), 'utf8')) as object;
  app.use((request: Request, response: Response, next: NextFunction) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (!isRead || isOfService(request.path)) return next();
    const [, ofApp] = /^\/((?:join|stop)\/[^/]+)\/?$/.exec(request.path) ?? [];
    if (ofApp !== undefined) return response.redirect(302, `/app/${ofApp}`);
    const { carry } = request.query;
    if (request.path === appManifest && typeof carry === 'string' && /^[\w-]{16,100}$/.test(carry)) {
      // iOS shares no cookies with an installed app, so that its first address carries the sign-in.
      response.set({ 'Cache-Control': 'no-store', 'Content-Type': 'application/manifest+json' });
      return response.send(JSON.stringify({ ...manifest, start_url: `/app?carry=${carry}` }));
    }
    serve(request, response, request.path, (error) => {
      if (error) return next(error);
      // Programs that take anything are told that there is nothing; browsers ask for a page.
      const isPage = /^\/(app)?$/.test(request.path) || request.accepts(['json', 'html']) === 'html';
      if (!isPage || /\.[a-z0-9]+$/i.test(request.path)) return next();
      response.setHeader('Link', linksOf(request.path));
      const [, code] = /^\/app\/join\/([\w-]+)\/?$/.exec(request.path) ?? [];
      const page = isOfApp(request.path) ? '/app/index.html' : '/index.html';
      if (code === undefined) return serve(request, response, page, next);
      broughtInvitation(joining, code, request)
        .then((invitation) => {
          if (!invitation) return serve(request, response, page, next);
          // It may hold the name of an invited person.
          response.set({ 'Cache-Control': 'no-store', ...pageHeaders });
          response.type('html').send(joiningPage.replace('</body>', () => `${invitation}</body>`));
        })
        .catch(next);
    });
  });
}

/**
 * The invitation in the language that the page will choose, as data within the page: where nobody has signed in yet, it would ask
 * for the same as its first act. Undefined when it is refused, so that the page asks, and hears why.
 */
async function broughtInvitation(
  joining: JoiningController,
  code: string,
  request: Request,
): Promise<string | undefined> {
  const locale = localeOf(request);
  try {
    const invitation = JSON.stringify(await joining.open(code, { locale }, undefined, request)).replaceAll(
      '<',
      '\\u003c',
    );
    return `<script type="application/json" id="invitation" data-code="${code}" lang="${locale}">${invitation}</script>`;
  } catch {
    return undefined;
  }
}

/** The browser's first language that there is, as web/words/locale.ts chooses it where nothing else was chosen. */
function localeOf(request: Request): Locale {
  const wanted = request.acceptsLanguages().map((language) => language.slice(0, 2).toLowerCase());
  return wanted.find((language): language is Locale => (locales as readonly string[]).includes(language)) ?? 'en';
}
