import fc from 'fast-check';
import { type JsonSchema, document, type Operation, operations } from '../support/api-description.js';

/** Stands in whatever is sent, so that the log can be searched for it. */
export const secret = 'segreto-7c1f';

/** Sender of a request: somebody of the attacked shop, no one, or an unknown token. */
export type Sender = 'owner' | 'customer' | 'nobody' | 'stranger';

export interface RestCase {
  kind: 'rest';
  operationId: string;
  method: string;
  /** `{id}` and the like stand for real ones. */
  path: string;
  sender: Sender;
  headers: Record<string, string>;
  body: string | undefined;
}

export interface RawCase {
  kind: 'raw';
  /** Written one after the other; then the sender ends its side. */
  pieces: string[];
}

export interface SocketCase {
  kind: 'socket';
  sender: Sender;
  packets: (string | number[])[];
}

export type Case = RestCase | RawCase | SocketCase;

/** They end the sessions that the other cases need. */
const left = new Set(['Sessions.endCurrent', 'Sessions.end', 'Credentials.changePassword', 'Credentials.reset']);
const attacked = operations.filter(({ operationId }) => !left.has(operationId));

const oddTexts = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\0',
    '\ud800',
    '\u200b',
    '\u2060',
    '\u2800',
    '\u202e',
    'null',
    '-1',
    '1e999',
    '../..',
    "' OR 1=1 --",
    '{{firstName}}',
    '<script>',
    '%00',
    '=cmd|x',
    '00000000-0000-0000-0000-000000000000',
    '9999-12-31T23:59:59Z',
    '0000-01-01T00:00:00Z',
    `${secret}@mail.example`,
  ),
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => `${text}${secret}`),
  fc.nat(3_000).map((length) => 'x'.repeat(length)),
);

const oddNumbers = fc.oneof(
  fc.constantFrom(0, -0, -1, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 53, -(2 ** 63), 1.5, 1e300),
  fc.integer(),
);

const oddValues: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: oddTexts },
  { weight: 2, arbitrary: oddNumbers },
  { weight: 2, arbitrary: fc.constantFrom(null, true, false, [], {}, [[]], [null], { a: {} }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
  // Many of something: lists of empty objects, keys that nobody knows, nesting.
  { weight: 1, arbitrary: fc.nat(4_000).map((length) => Array.from({ length }, () => ({}))) },
  { weight: 1, arbitrary: fc.nat(3_000).map(manyKeys) },
  { weight: 1, arbitrary: fc.nat(2_000).map((depth) => ({ toJSON: () => nested(depth) })) },
);

function manyKeys(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]));
}

function nested(depth: number): unknown {
  let value: unknown = 0;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

/** A value as a schema wants it, or nearly. */
function fitting(schema: JsonSchema, depth = 0): fc.Arbitrary<unknown> {
  if (schema.$ref) {
    return depth > 3
      ? fc.constant({})
      : fitting(document.components.schemas[schema.$ref.split('/').at(-1)!]!, depth + 1);
  }
  const [choice] = schema.oneOf ?? schema.allOf ?? [];
  if (choice) return fitting(choice, depth + 1);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.type === 'integer') return fc.integer({ min: 0, max: 300 });
  if (schema.type === 'boolean') return fc.boolean();
  if (schema.type === 'array') return fc.array(fitting(schema.items ?? {}, depth + 1), { maxLength: 3 });
  if (schema.properties) {
    return fc.record(
      Object.fromEntries(Object.entries(schema.properties).map(([name, each]) => [name, fitting(each, depth + 1)])),
      { requiredKeys: [] },
    );
  }
  if (schema.format === 'uuid') return fc.oneof(fc.constantFrom('{contact}', '{label}'), fc.uuid());
  if (schema.format === 'date-time') {
    return fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }).map((date) => date.toISOString());
  }
  return fc.string({ unit: 'grapheme', maxLength: 20 });
}

/** Now and then something else than what is wanted. */
const spoiled = (value: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 3, arbitrary: value }, { weight: 1, arbitrary: oddValues });

function bodies({ requestBody }: Operation): fc.Arbitrary<string | undefined> {
  const media = requestBody?.content['application/json'];
  const anything = oddValues.map((value) => JSON.stringify(value));
  if (!media) return fc.oneof(fc.constant(undefined), anything);
  const example = media.example ?? {};
  const likeTheExample = fc
    .record(Object.fromEntries(Object.entries(example).map(([name, value]) => [name, spoiled(fc.constant(value))])), {
      requiredKeys: [],
    })
    .map((body) => JSON.stringify(body));
  return fc.oneof(
    { weight: 5, arbitrary: likeTheExample },
    { weight: 4, arbitrary: spoiled(fitting(media.schema)).map((body) => JSON.stringify(body)) },
    { weight: 1, arbitrary: anything },
    {
      weight: 1,
      arbitrary: fc
        .tuple(likeTheExample, fc.nat(2_000))
        .map(([body, more]) => JSON.stringify({ ...(JSON.parse(body) as object), ...manyKeys(more) })),
    },
    { weight: 1, arbitrary: oddTexts.map((text) => `{"${text}`) },
  );
}

const encoded = (value: unknown) => encodeURIComponent(String(value).toWellFormed());

function restCase(operation: Operation): fc.Arbitrary<RestCase> {
  const parts = operation.parameters.filter((each) => each.in === 'path').map(({ name }) => name);
  const asked = operation.parameters.filter((each) => each.in === 'query');
  return fc
    .record({
      sender: fc.constantFrom<Sender>('owner', 'owner', 'customer', 'customer', 'nobody', 'stranger'),
      parts: fc.tuple(...parts.map((name) => spoiled(fc.constant(`{${name}}`)).map((part) => ({ name, part })))),
      query: fc.record(Object.fromEntries(asked.map(({ name, schema }) => [name, spoiled(fitting(schema))])), {
        requiredKeys: [],
      }),
      unknown: fc.option(oddTexts, { freq: 20, nil: undefined }),
      type: fc.constantFrom(
        'application/json',
        'application/json',
        'application/json',
        'text/plain',
        'multipart/form-data',
        '',
      ),
      app: fc.constantFrom('', '', 'dashboard', 'app', 'nobody'),
      body: bodies(operation),
    })
    .map(({ sender, parts: chosen, query, unknown, type, app, body }) => {
      let path = operation.path;
      for (const { name, part } of chosen) {
        path = path.replace(`{${name}}`, part === `{${name}}` ? `{${name}}` : encoded(part).slice(0, 2_000));
      }
      const pairs = Object.entries(query).flatMap(([name, value]) =>
        (Array.isArray(value) ? value.slice(0, 50) : [value]).map((each) => `${name}=${encoded(each).slice(0, 3_000)}`),
      );
      if (unknown !== undefined) pairs.push(`${encoded(unknown).slice(0, 200)}=1`);
      const { operationId, method } = operation;
      return {
        kind: 'rest',
        operationId,
        method,
        path: pairs.length > 0 ? `${path}?${pairs.join('&').slice(0, 12_000)}` : path,
        sender,
        headers: {
          ...(body !== undefined && type && { 'content-type': type }),
          ...(app && { 'x-colloquio-app': app }),
        },
        body: method === 'GET' ? undefined : body,
      };
    });
}

const requestLines = fc.oneof(
  fc.constantFrom(
    'GET // HTTP/1.1',
    'GET /// HTTP/1.1',
    'GET //[ HTTP/1.1',
    'GET /\\ HTTP/1.1',
    'GET //x/api/health/live?as=app HTTP/1.1',
    'GET /%ff HTTP/1.1',
    'GET /api/%2e%2e/%00 HTTP/1.1',
    'GET http://elsewhere.example/api/me HTTP/1.1',
    'OPTIONS * HTTP/1.1',
    'CONNECT elsewhere.example:443 HTTP/1.1',
    'TRACE /api/me HTTP/1.1',
    'PRI * HTTP/2.0',
    'GET /api/me HTTP/0.9',
    'GET /api/me',
    'BREW /api/me HTTP/1.1',
    'POST /api/sessions HTTP/1.1',
    'PUT /api/subscriber/logo HTTP/1.1',
    'GET /socket.io/?EIO=4&transport=polling HTTP/1.1',
    'POST /socket.io/?EIO=4&transport=polling&sid=nobody HTTP/1.1',
    'GET /socket.io/?EIO=3&transport=websocket HTTP/1.1',
    'GET /socket.io/?EIO=4&transport=websocket&as=[ HTTP/1.1',
    'GET /api/docs/..%2f..%2fpackage.json HTTP/1.1',
  ),
  oddTexts.map((text) => `GET /${encoded(text)} HTTP/1.1`),
  fc.string({ unit: 'binary-ascii', maxLength: 60 }),
);

const headerLines = fc.array(
  fc.oneof(
    fc.constantFrom(
      'Content-Length: 5',
      'Content-Length: -1',
      'Content-Length: 999999999999',
      'Transfer-Encoding: chunked',
      'Transfer-Encoding: chunked, identity',
      'Content-Type: application/json',
      'Content-Type: multipart/form-data; boundary=x',
      'Content-Type: application/json; charset=utf-7',
      'Content-Encoding: gzip',
      'Expect: 100-continue',
      'Expect: something',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Upgrade: h2c',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: x',
      'Origin: https://elsewhere.example',
      'Origin: null',
      'X-Forwarded-For: 192.0.2.1, ,,,',
      `Authorization: Bearer ${secret}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`,
      'Authorization: Basic !!!',
      `Cookie: colloquio-app=${secret}; =; a=%`,
      'Range: bytes=-1',
      'Host:',
      'no colon',
      ' folded',
    ),
    fc.string({ unit: 'binary-ascii', maxLength: 40 }).map((value) => `X-Odd: ${value}`),
    fc.nat(20_000).map((length) => `X-Long: ${'x'.repeat(length)}`),
  ),
  { maxLength: 6 },
);

const rawRequests = fc
  .tuple(
    requestLines,
    headerLines,
    fc.constantFrom(
      '',
      '{}',
      '[[[[',
      '5\r\nhello\r\n0\r\n\r\n',
      'ffffffffff\r\n',
      '-1\r\n',
      '--x\r\nContent-Disposition: form-data; name="file"',
    ),
  )
  .map(([line, headers, body]) => `${[line, 'Host: localhost', ...headers].join('\r\n')}\r\n\r\n${body}`);

const rawCase: fc.Arbitrary<RawCase> = fc
  .oneof(
    { weight: 4, arbitrary: rawRequests.map((text) => [text]) },
    // Half a request, one in small pieces, and many at once.
    { weight: 1, arbitrary: fc.tuple(rawRequests, fc.nat(200)).map(([text, length]) => [text.slice(0, length)]) },
    { weight: 1, arbitrary: rawRequests.map((text) => [text.slice(0, 7), text.slice(7, 31), text.slice(31)]) },
    { weight: 1, arbitrary: fc.array(rawRequests, { minLength: 2, maxLength: 20 }).map((texts) => [texts.join('')]) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 300 }).map((text) => [text]) },
  )
  .map((pieces) => ({ kind: 'raw', pieces }));

const events = fc
  .tuple(
    fc.constantFrom('message.send', 'receipt.send', 'disconnect', 'connect', '__proto__', 'constructor', '', secret),
    fc.oneof(
      oddValues,
      fc.record(
        {
          conversationId: spoiled(fc.constant('{contact}')),
          clientId: spoiled(fc.uuid()),
          body: spoiled(fc.string({ unit: 'grapheme' })),
          attachmentIds: spoiled(fc.constant([])),
          deliveredSeq: spoiled(fc.nat(10)),
          seenSeq: spoiled(fc.nat(10)),
        },
        { requiredKeys: [] },
      ),
    ),
    fc.option(fc.nat(9_999), { nil: undefined }),
  )
  .map(([event, payload, id]) => `42${id ?? ''}${JSON.stringify([event, payload])}`.slice(0, 60_000));

const packets = fc.oneof(
  { weight: 6, arbitrary: events },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '2',
      '2probe',
      '3',
      '5',
      '6',
      '1',
      '4',
      '40',
      '40{"token":"{token}"}',
      '40/admin,{"token":"{token}"}',
      `40{"token":"${secret}aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`,
      '41',
      '42',
      '42[]',
      '42{}',
      '42[1]',
      '42[null,null]',
      '429999999999999999999["message.send",{}]',
      '43["x"]',
      '431[]',
      '44{}',
      '451-["message.send",{"_placeholder":true,"num":0}]',
      '4599999999-["message.send",{}]',
      '461-1[{"_placeholder":true,"num":0}]',
      '49',
      '4',
      '',
      'b4AAAA',
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 100 }) },
  { weight: 1, arbitrary: fc.array(fc.nat(255), { maxLength: 60 }) },
);

const socketCase: fc.Arbitrary<SocketCase> = fc.record({
  kind: fc.constant('socket'),
  sender: fc.constantFrom<Sender>('owner', 'customer', 'customer', 'nobody', 'stranger'),
  packets: fc.array(packets, { minLength: 1, maxLength: 12 }),
});

const anyCase: fc.Arbitrary<Case> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...attacked).chain(restCase) },
  { weight: 2, arbitrary: rawCase },
  { weight: 2, arbitrary: socketCase },
);

/** The cases of a seed, always the same. */
export function casesOf(seed: number, count: number): Case[] {
  return fc.sample(anyCase, { seed, numRuns: count });
}
