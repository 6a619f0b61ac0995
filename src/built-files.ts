import { readdirSync } from 'node:fs';
import { extname } from 'node:path';
import type { NextFunction, Request, Response } from 'express';
import send from 'send';

/** Extensions of the compressed forms of files, by the names of their encodings; the smaller one first. */
const compressed = { br: '.br', gzip: '.gz' } as const;
type Encoding = keyof typeof compressed;
const encodings = Object.keys(compressed) as Encoding[];

export type ServeFile = (request: Request, response: Response, path: string, next: NextFunction) => void;

/**
 * Serves the files of a folder, compressed where the build has done so and the client takes it. What is not there, or not any more,
 * goes to `next`. Ranges are not offered: they would be parts of compressed files.
 * @param headersOf headers of a file, by its path below the folder
 */
export function builtFiles(folder: string, headersOf: (path: string) => Record<string, string>): ServeFile {
  const names = new Set(readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(addressOf));
  return (request, response, path, next) => {
    if (!names.has(path) || encodings.some((encoding) => path.endsWith(compressed[encoding]))) return next();
    const encoding = encodings.find((each) => names.has(path + compressed[each]) && request.acceptsEncodings(each));
    const options = { root: folder, index: false, acceptRanges: false, cacheControl: false } as const;
    send(request, path + (encoding ? compressed[encoding] : ''), options)
      .on('headers', () => {
        response.set(headersOf(path)).type(extname(path)).vary('Accept-Encoding');
        if (encoding) response.set('Content-Encoding', encoding);
      })
      .on('directory', () => next())
      .on('error', (error: { status?: number }) => next(error.status === 404 ? undefined : error))
      .pipe(response);
  };
}

const addressOf = (name: string) => `/${name.replaceAll('\\', '/')}`;
