import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { AppModule } from './app.module.js';
import { errorCatalogue } from './contract/errors.js';
import { fieldErrorCatalogue } from './contract/field-errors.js';
import { loadConfig } from './platform/config.js';
import { mainDatabaseOptions } from './platform/database.js';
import type { DatabaseWatch } from './platform/database-watch.js';
import { Log } from './platform/log.js';
import type { Vault } from './platform/vault/vault.js';

const noDatabase = { host: '', port: 0, user: '', password: '', database: '' };

/** The OpenAPI document, from the controllers and DTOs; needs no database and starts nothing. */
export async function describeApi(): Promise<OpenAPIObject> {
  const foundation = {
    config: loadConfig({}),
    databases: {} as DatabaseWatch,
    log: new Log({ logLevel: 'silent' }),
    masterKey: Buffer.alloc(0),
    vault: {} as Vault,
  };
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.with(foundation, mainDatabaseOptions(noDatabase)),
    { preview: true, logger: false, abortOnError: false },
  );
  app.setGlobalPrefix('api');
  const about = new DocumentBuilder()
    .setTitle('Colloquio')
    .setDescription(description())
    .setVersion('1')
    .addBearerAuth({ type: 'http', description: 'The token of a session.' })
    .addSecurityRequirements('bearer')
    .build();
  const document = SwaggerModule.createDocument(app, about, {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}.${method}`,
  });
  addProblems(document);
  relaxDefaults(document);
  return document;
}

function description(): string {
  const rows = Object.entries(errorCatalogue).map(
    ([code, { status, retry, title }]) => `| \`${code}\` | ${status} | ${retry} | ${title} |`,
  );
  const fields = Object.entries(fieldErrorCatalogue).map(
    ([code, { values, en }]) => `| \`${code}\` | ${values.map((name) => `\`${name}\``).join(', ')} | ${en} |`,
  );
  return [
    'Private messaging between a business and its people. Events over Socket.IO are described in `docs/events.md`.',
    '',
    'Every error is a problem (RFC 9457, `application/problem+json`). Its `code` is one of these; *retry* says whether the same',
    'request can succeed later: `never`, `later` (wait for `retryAfter`), or `after` (something else has to happen first).',
    '',
    'An answer to GET in JSON has an `ETag`: sent back as `If-None-Match`, it is answered with 304 while nothing has changed.',
    '',
    '| code | status | retry | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
    'A problem with `errors` names wrong fields, at most 20. Each has a `code` of these, the `values` that its sentence speaks of,',
    'and the sentence in English; `src/contract/field-errors.ts` has the sentences in English and Italian. When one item of a list',
    'is meant, `values.item` says which, counted from 0.',
    '',
    '| code of a field | values | meaning |',
    '|---|---|---|',
    ...fields,
  ].join('\n');
}

/** What has a default need not be sent. */
function relaxDefaults(document: OpenAPIObject): void {
  const operations = Object.values(document.paths).flatMap(({ get, put, post, delete: remove }) => [
    get,
    put,
    post,
    remove,
  ]);
  for (const parameter of operations.flatMap((operation) => operation?.parameters ?? [])) {
    if ('schema' in parameter && parameter.schema && 'default' in parameter.schema) parameter.required = false;
  }
  for (const schema of Object.values(document.components?.schemas ?? {})) {
    if (!('properties' in schema) || !schema.required) continue;
    schema.required = schema.required.filter((name) => !('default' in (schema.properties?.[name] ?? {})));
  }
}

/** Every operation may answer with a problem. */
function addProblems(document: OpenAPIObject): void {
  document.components ??= {};
  document.components.schemas = {
    ...document.components.schemas,
    Problem: {
      type: 'object',
      required: ['type', 'title', 'status', 'code', 'detail', 'requestId'],
      properties: {
        type: { type: 'string' },
        title: { type: 'string' },
        status: { type: 'integer' },
        code: { type: 'string', enum: Object.keys(errorCatalogue) },
        detail: { type: 'string' },
        errors: {
          type: 'array',
          items: {
            type: 'object',
            required: ['field', 'code', 'message'],
            properties: {
              field: { type: 'string' },
              code: { type: 'string', enum: Object.keys(fieldErrorCatalogue) },
              message: { type: 'string' },
              values: {
                type: 'object',
                additionalProperties: true,
                description: 'What the message speaks of, such as {"limit": 100}.',
              },
            },
          },
        },
        retryAfter: { type: 'integer', description: 'Seconds.' },
        requestId: { type: 'string' },
      },
    },
  };
  const answer = {
    description: 'A problem.',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
  for (const path of Object.values(document.paths)) {
    for (const operation of [path.get, path.put, path.post, path.patch, path.delete]) {
      if (operation) operation.responses['default'] = answer;
    }
  }
}
