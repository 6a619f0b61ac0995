import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';

/** The committed description of the API, which is also what is served. */
const openApiFile = join(import.meta.dirname, '../../openapi.json');

/** Serves the API's description at /api/docs. */
export async function serveDocs(app: NestExpressApplication): Promise<void> {
  const document = JSON.parse(await readFile(openApiFile, 'utf8')) as OpenAPIObject;
  SwaggerModule.setup('api/docs', app, document, { customSiteTitle: 'Colloquio API' });
}
