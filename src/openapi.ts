import { ModulesContainer, NestFactory, Reflector } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { AppModule } from './app.module.js';
import { accessTo } from './auth/session.guard.js';
import { type ErrorCode, errorCatalogue } from './contract/errors.js';
import { fieldErrorCatalogue } from './contract/field-errors.js';
import { unreadableReasons } from './contract/imports.js';
import { classesWithRules, describeField, type Described, describeRules } from './openapi-details.js';
import { operationErrors } from './openapi-errors.js';
import { examples } from './openapi-examples.js';
import { loadConfig } from './platform/config.js';
import { mainDatabaseOptions } from './platform/database.js';
import type { DatabaseWatch } from './platform/database-watch.js';
import { Log } from './platform/log.js';
import type { EpochRenewal } from './platform/vault/epoch-renewal.js';
import type { PushKey } from './platform/vault/push-key.js';
import type { SigningKey } from './platform/vault/signing-key.js';
import type { Vault } from './platform/vault/vault.js';

const noDatabase = { host: '', port: 0, user: '', password: '', database: '' };

/** The OpenAPI document, from the controllers and DTOs; needs no database and starts nothing. */
export async function describeApi(): Promise<OpenAPIObject> {
  const foundation = {
    config: loadConfig({}),
    databases: {} as DatabaseWatch,
    log: new Log({ logLevel: 'silent' }),
    epochRenewal: {} as EpochRenewal,
    masterKey: Buffer.alloc(0),
    pushKey: {} as PushKey,
    signingKey: {} as SigningKey,
    vault: {} as Vault,
  };
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.with(foundation, mainDatabaseOptions(noDatabase)),
    { preview: true, logger: false, abortOnError: false },
  );
  app.setGlobalPrefix('api');
  const about = new DocumentBuilder().setTitle('Colloquio').setDescription(description()).setVersion('1').build();
  const document = SwaggerModule.createDocument(app, about, {
    operationIdFactory: operationIdOf,
  });
  addAccess(document, routesOf(app));
  nameUnions(document);
  describeFields(document, routesOf(app));
  describeFiles(document);
  addExamples(document);
  addProblems(document);
  relaxDefaults(document);
  sortByName(document);
  return document;
}

interface Route {
  handler: object;
  controller: abstract new (...parameters: never[]) => object;
  /** The classes of its parameters. */
  parameters: (abstract new () => object)[];
}

/** The handlers by the ids of their operations. */
function routesOf(app: NestExpressApplication): Map<string, Route> {
  const routes = new Map<string, Route>();
  for (const module of app.get(ModulesContainer).values()) {
    for (const { metatype } of module.controllers.values()) {
      const controller = metatype as Route['controller'];
      const prototype = controller.prototype as Record<string, object>;
      for (const method of Object.getOwnPropertyNames(prototype)) {
        const parameters = (Reflect.getMetadata('design:paramtypes', prototype, method) ?? []) as Route['parameters'];
        routes.set(operationIdOf(controller.name, method), { handler: prototype[method]!, controller, parameters });
      }
    }
  }
  return routes;
}

/** Published names of operation ids, for controllers that were renamed since. */
const publishedNames: Record<string, string> = { Subscriber: 'Business' };

function operationIdOf(controller: string, method: string): string {
  const name = controller.replace(/Controller$/, '');
  return `${publishedNames[name] ?? name}.${method}`;
}

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

function operationsOf(document: OpenAPIObject): (Operation & { operationId: string })[] {
  return Object.values(document.paths).flatMap(({ get, put, post, patch, delete: remove }) =>
    [get, put, post, patch, remove].flatMap((each) => (each?.operationId ? [{ each }] : [])).map(({ each }) => each),
  ) as (Operation & { operationId: string })[];
}

const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer', description: 'The token of a session; it is opaque.' },
  dashboardCookie: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-colloquio-dashboard',
    description:
      'The cookie of a member, set when you sign in with `X-Colloquio-App: dashboard`. Over plain HTTP on localhost its name has no `__Host-`.',
  },
  appCookie: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-colloquio-app',
    description:
      'The cookie of an interlocutor, set when you sign in with `X-Colloquio-App: app`. Over plain HTTP on localhost its name has no `__Host-`.',
  },
  appName: {
    type: 'apiKey',
    in: 'header',
    name: 'X-Colloquio-App',
    description:
      '`dashboard` or `app`: says which cookie counts. Send `?as=` instead where you cannot set a header, such as in the source of an image.',
  },
} as const;

const byBearer = { bearer: [] };
const byCookie = {
  member: { dashboardCookie: [], appName: [] },
  interlocutor: { appCookie: [], appName: [] },
};

/** Says who may call each operation, as the guard reads it. */
function addAccess(document: OpenAPIObject, routes: Map<string, Route>): void {
  document.components ??= {};
  document.components.securitySchemes = { ...securitySchemes };
  const reflector = new Reflector();
  for (const operation of operationsOf(document)) {
    const { handler, controller } = routes.get(operation.operationId)!;
    const { open, whose } = accessTo(reflector, handler, controller);
    const kinds = whose ? [whose.kind] : (['member', 'interlocutor'] as const);
    const signedIn = [byBearer, ...kinds.map((kind) => byCookie[kind])];
    operation.security = open?.session === 'ignored' ? [] : open ? [{}, ...signedIn] : signedIn;
    const callers = open ? ['public'] : whose ? [whose.role ?? whose.kind] : ['member', 'interlocutor'];
    Object.assign(operation, { 'x-callers': callers });
    operation.description = [operation.description, callersInWords[callers.join(' ')]].filter(Boolean).join('\n\n');
  }
}

const callersInWords: Record<string, string> = {
  public: 'Needs no session.',
  owner: 'For the owner of a business; everyone else gets 404.',
  member: 'For members of a business; interlocutors get 404.',
  interlocutor: 'For interlocutors; members get 404.',
  'member interlocutor': 'For members and interlocutors.',
};

/** Gives each union that a field describes (`OneOf`) a schema of its own, named by its title. */
function nameUnions(document: OpenAPIObject): void {
  const schemas = document.components?.schemas ?? {};
  for (const { properties = {} } of Object.values(schemas) as Described[]) {
    for (const [field, { oneOf, discriminator, title, ...described }] of Object.entries(properties)) {
      if (!oneOf || !title) continue;
      schemas[title] = { oneOf, discriminator } as (typeof schemas)[string];
      const { description } = described;
      const $ref = `#/components/schemas/${title}`;
      properties[field] = description === undefined ? { $ref } : { description, allOf: [{ $ref }] };
    }
  }
}

/** Gives fields and parameters their formats and limits. */
function describeFields(document: OpenAPIObject, routes: Map<string, Route>): void {
  const classes = classesWithRules();
  for (const [name, schema] of Object.entries(document.components?.schemas ?? {})) {
    const { properties } = schema as Described;
    if (!properties) continue;
    const shape = classes.get(name);
    if (shape) describeRules(shape, properties);
    for (const [field, described] of Object.entries(properties)) describeField(field, described);
  }
  for (const operation of operationsOf(document)) {
    const parameters = (operation.parameters ?? []) as { name: string; in: string; schema?: Described }[];
    const fields = Object.fromEntries(parameters.map(({ name, schema }) => [name, schema]));
    for (const shape of routes.get(operation.operationId)!.parameters) {
      if (classes.get(shape.name) === shape) describeRules(shape, fields);
    }
    for (const { name, schema } of parameters) {
      if (!schema) continue;
      describeField(name, schema);
      if (name === 'seq') Object.assign(schema, { type: 'integer', format: 'int32', minimum: 1 });
    }
  }
}

/** Media types of the operations that answer with a file. */
const files: Record<string, string[]> = {
  'Broadcasts.export': ['text/csv'],
  'Business.logo': ['image/webp'],
  'ContactExport.export': ['text/csv', 'application/json'],
  'Conversations.logo': ['image/webp'],
  'Erasures.page': ['text/html'],
  'Exports.conversation': ['application/zip'],
  'Imports.letters': ['text/html'],
  'Letters.one': ['text/html'],
  'Invitations.qrCode': ['image/svg+xml'],
  'Joining.logo': ['image/webp'],
  'Members.logo': ['image/webp'],
};

function describeFiles(document: OpenAPIObject): void {
  for (const operation of operationsOf(document)) {
    const types = files[operation.operationId];
    if (!types) continue;
    const binary = (type: string) => ({
      schema: { type: 'string', ...(/image\/webp|zip/.test(type) && { format: 'binary' }) },
    });
    operation.responses['200'] = {
      description: 'The file.',
      content: Object.fromEntries(types.map((type) => [type, binary(type)])),
    };
  }
}

function addExamples(document: OpenAPIObject): void {
  for (const { operationId, requestBody } of operationsOf(document)) {
    if (!requestBody || !('content' in requestBody)) continue;
    for (const media of Object.values(requestBody.content)) media.example = examples[operationId];
  }
}

function description(): string {
  const rows = Object.entries(errorCatalogue).map(
    ([code, { status, retry, title }]) => `| \`${code}\` | ${status} | ${retry} | ${title} |`,
  );
  const fields = Object.entries(fieldErrorCatalogue).map(
    ([code, { values, en }]) => `| \`${code}\` | ${values.map((name) => `\`${name}\``).join(', ')} | ${en} |`,
  );
  return [
    'Private messaging between a business and its people. Events over Socket.IO are described in [events.md](docs/events.md).',
    '',
    'Every error is a problem (RFC 9457, `application/problem+json`). Its `code` is one of these; *retry* says whether the same',
    'request can succeed later: `never`, `later` (wait for `retryAfter`), or `after` (something else must happen first).',
    '',
    'A JSON answer to GET has an `ETag`. If you send it back as `If-None-Match`, the answer is 304 while nothing has changed.',
    '',
    '| code | status | retry | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
    'A problem with `errors` lists the wrong fields, at most 20 of them. Each has one of the codes below, the `values` for its',
    'sentence, and the sentence in English; `src/contract/field-errors.ts` has the sentences in English and Italian. If one item',
    'of a list is wrong, `values.item` is its index, from 0.',
    '',
    '| code of a field | values | meaning |',
    '|---|---|---|',
    ...fields,
  ].join('\n');
}

/** Makes fields and parameters with a default optional. */
function relaxDefaults(document: OpenAPIObject): void {
  for (const parameter of operationsOf(document).flatMap(({ parameters }) => parameters ?? [])) {
    if ('schema' in parameter && parameter.schema && 'default' in parameter.schema) parameter.required = false;
  }
  for (const schema of Object.values(document.components?.schemas ?? {})) {
    if (!('properties' in schema) || !schema.required) continue;
    schema.required = schema.required.filter((name) => !('default' in (schema.properties?.[name] ?? {})));
    if (schema.required.length === 0) delete schema.required;
  }
}

/** Sorts paths and schemas, so that the description stays the same when a controller moves to another module. */
function sortByName(document: OpenAPIObject): void {
  document.paths = sorted(document.paths);
  if (document.components?.schemas) document.components.schemas = sorted(document.components.schemas);
}

function sorted<Value>(byName: Record<string, Value>): Record<string, Value> {
  return Object.fromEntries(Object.entries(byName).sort(([a], [b]) => (a < b ? -1 : 1)));
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
        status: { type: 'integer', format: 'int32' },
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
                description: 'Values in the message, such as {"limit": 100}.',
              },
            },
          },
        },
        retryAfter: { type: 'integer', format: 'int32', description: 'Seconds to wait before trying again.' },
        reason: {
          type: 'string',
          enum: [...unreadableReasons],
          description: 'Reason why a file cannot be read as a table, with import_unreadable.',
        },
        line: { type: 'integer', format: 'int32', description: 'The line of the file at fault.' },
        limit: { type: 'integer', format: 'int32', description: 'The limit that is reached, with too_many_labels.' },
        requestId: { type: 'string', format: 'uuid' },
      },
    },
  };
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations as Record<string, Operation>)) {
      const known = codesOf(operation, { path, method });
      Object.assign(operation, { 'x-errors': [...known] });
      const byStatus = Map.groupBy(known, (code) => errorCatalogue[code].status);
      for (const [status, codes] of [...byStatus].sort(([a], [b]) => a - b)) {
        const description = codes.map((code) => `\`${code}\`: ${errorCatalogue[code].title}.`).join('\n\n');
        operation.responses[status] = { description, content };
      }
      operation.responses['default'] = { description: 'A problem.', content };
    }
  }
}

/** The error codes of an operation: those that follow from its session, path and body, and its own. All can be `internal` too. */
function codesOf(operation: Operation, { path, method }: { path: string; method: string }): Set<ErrorCode> {
  const { operationId, security = [], requestBody } = operation;
  const callers = (operation as { 'x-callers'?: string[] })['x-callers'] ?? [];
  const needsSession = security.length > 0 && !callers.includes('public');
  const forSome = callers.length === 1 && !callers.includes('public');
  return new Set<ErrorCode>([
    // A query parameter that is not described is refused everywhere.
    'validation_failed',
    ...(requestBody || method !== 'get' ? (['malformed_request', 'too_large', 'media_type_refused'] as const) : []),
    ...(security.length > 0 ? (['unauthenticated'] as const) : []),
    'origin_refused',
    ...(path.includes('{') || forSome || (needsSession && /current/.test(path)) ? (['not_found'] as const) : []),
    ...(operationErrors[operationId ?? ''] ?? []),
  ]);
}
