import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Request, Response } from 'express';
import { type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';

/** The committed description of the API, which is also what is served. */
const openApiFile = join(import.meta.dirname, '../../openapi.json');

/** The page on events, to which the description leads. */
const eventsFile = join(import.meta.dirname, '../../docs/events.md');

/** Serves the API's description at /api/docs, and the page on events below it. */
export async function serveDocs(app: NestExpressApplication): Promise<void> {
  const events = await readFile(eventsFile, 'utf8');
  app.use('/api/docs/events.md', (_request: Request, response: Response) => {
    response.type('text/plain').send(events);
  });
  const document = JSON.parse(await readFile(openApiFile, 'utf8')) as OpenAPIObject;
  SwaggerModule.setup('api/docs', app, document, { customSiteTitle: 'Colloquio API' });
}
