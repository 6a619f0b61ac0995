import { once } from 'node:events';
import { connect } from 'node:net';
import { RequestMethod } from '@nestjs/common';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { v7 as uuid } from 'uuid';
import type { Problem } from '../src/contract/errors.js';
import { fieldErrorCatalogue } from '../src/contract/field-errors.js';
import { limits } from '../src/contract/limits.js';
import { declaredShape } from '../src/platform/http/declared-queries.js';
import type { ValidationFailed } from '../src/platform/problems/domain-error.js';
import { planOf, type Shape } from '../src/platform/validation/plan.js';
import { validated } from '../src/platform/validation/validation.js';
import { document } from './support/api-description.js';
import {
  type Answer,
  expectStatus,
  type Person,
  settle,
  type Shop,
  type Staff,
  unique,
  World,
} from './support/world.js';

/** Bounds on what a request may hold and where, and the errors that say what is wrong with it. */

let world: World;
let bakery: Shop;
let sara: Staff;
let anna: Person;

beforeAll(async () => {
  world = await World.shared();
  bakery = await world.shop('bakery');
  sara = await world.staff(bakery);
  anna = await world.join(bakery, 'anna');
});
afterAll(() => world.close());

/** Fields with short names, which begin with no digit: those would come first. */
const manyFields = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`_${index.toString(36)}`, 1]));
const empty = (count: number) => Array.from({ length: count }, () => ({}));
const sizeOf = (body: unknown) => Buffer.byteLength(JSON.stringify(body));
/** Most bytes of an error. */
const small = 10_000;

describe('a request that contains too much', () => {
  const paths = async () => [
    '/api/subscribers',
    `/api/invitations/by-code/${(await world.invitation(bakery)).code}/acceptance`,
    `/api/members/by-code/${(await world.inviteMember(bakery)).code}/acceptance`,
    '/api/sessions',
  ];

  test('is refused with a small answer before its items are looked at', async () => {
    for (const path of await paths()) {
      for (const body of [{ consents: empty(85_000) }, manyFields(27_000), [empty(40_000), empty(40_000)]]) {
        const answer = await world.ask('POST', path, { body });
        expect([path, answer.status, answer.body.code]).toEqual([path, 400, 'malformed_request']);
        expect(sizeOf(answer.body)).toBeLessThan(1_000);
      }
    }
  });

  test('is told which list is too long, and its limit', async () => {
    for (const path of (await paths()).slice(0, 3)) {
      const over = { consents: empty(limits.consentsGiven + 1) };
      const { status, body } = await world.ask('POST', path, { body: over });
      expect(status).toBe(400);
      const told = body.errors.find(({ field }: { field: string }) => field === 'consents');
      expect(told).toEqual({
        field: 'consents',
        code: 'too_many',
        values: { limit: limits.consentsGiven },
        message: 'consents can have at most 10 entries.',
      });
      expect(sizeOf(body)).toBeLessThan(small);
    }
  });

  test('is accepted at the limits, and refused beyond them', async () => {
    const search = (body: unknown) => bakery.owner.ask('POST', '/api/contacts/search', body);
    const codeOf = async (body: unknown) => (await search(body)).body.code;
    expect(await codeOf(manyFields(limits.requestFields))).toBe('validation_failed');
    expect(await codeOf(manyFields(limits.requestFields + 1))).toBe('malformed_request');
    // The object and its list are values too.
    const values = (count: number) => ({ x: Array.from({ length: count - 2 }, () => 0) });
    expect(await codeOf(values(limits.requestValues))).toBe('validation_failed');
    expect(await codeOf(values(limits.requestValues + 1))).toBe('malformed_request');
  });

  test('is told of at most 20 wrong fields, with shortened names', async () => {
    const body = Object.fromEntries(Array.from({ length: 90 }, (_, index) => [`${'x'.repeat(2_000)}${index}`, 1]));
    const answer = await world.ask('POST', '/api/sessions', { body });
    expectStatus(answer, 400);
    expect(answer.body.errors).toHaveLength(limits.fieldErrors);
    expect(answer.body.detail).toMatch(/There are more errors\.$/);
    expect(sizeOf(answer.body)).toBeLessThan(small);
  });

  test('with too many labels is refused by their number, before they are compared with each other', async () => {
    const labels = (count: number) => ({ labels: Array.from({ length: count }, () => uuid()) });
    const change = (body: unknown) => bakery.owner.ask('PATCH', `/api/contacts/${anna.contactId}`, body);
    expect((await change(labels(6_400))).body.code).toBe('malformed_request');
    const told = { field: 'labels', code: 'too_many', values: { limit: limits.labelsPerContact } };
    for (const count of [limits.labelsPerContact + 1, 4_000]) {
      expect((await change(labels(count))).body.errors).toEqual([expect.objectContaining(told)]);
    }
    const twice = uuid();
    expect((await change({ labels: [twice, twice] })).body.errors).toEqual([
      expect.objectContaining({ field: 'labels', code: 'not_unique' }),
    ]);
    const query = Array.from({ length: limits.labelsPerContact + 1 }, () => `label=${uuid()}`).join('&');
    const listed = await bakery.owner.ask('GET', `/api/contacts?${query}`);
    expect(listed.body.errors).toEqual([expect.objectContaining({ ...told, field: 'label' })]);
  });

  test('in a multipart form is refused likewise', async () => {
    const upload = (fields: [string, string][]) => {
      const form = new FormData();
      for (const [name, value] of fields) form.append(name, value);
      form.append('file', new Blob(['Nome,Email\nAnna,a@mail.example\n']), 'list.csv');
      return bakery.owner.ask('POST', '/api/imports', form);
    };
    const many = Array.from({ length: 9 }, (_, index): [string, string] => [`f${index}`, 'x']);
    expect((await upload(many)).body).toMatchObject({
      status: 400,
      detail: 'The form has too many fields. Send only those that are described.',
    });
    const columns = Array.from({ length: limits.columnsMapped + 1 }, (_, index) => [`c${index}`, null]);
    const mapping: [string, string] = ['mapping', JSON.stringify(Object.fromEntries(columns))];
    expect((await upload([mapping, ['dryRun', 'true']])).body.errors).toEqual([
      expect.objectContaining({ field: 'mapping', code: 'too_many', values: { limit: limits.columnsMapped } }),
    ]);
    expect((await upload([['colour', 'red']])).body.errors).toEqual([
      expect.objectContaining({ field: 'colour', code: 'unknown_field' }),
    ]);
  });
});

describe('an event that is refused', () => {
  test('is acknowledged with a short answer, whatever it contains', async () => {
    await anna.device.connect();
    for (const event of [manyFields(6_000), { consents: empty(15_000) }, [manyFields(90)], 'text', null, 7]) {
      const acknowledged = await anna.device.emit('message.send', event);
      expect(acknowledged.error.status).toBe(400);
      expect(sizeOf(acknowledged)).toBeLessThan(small);
    }
    const bytes = await anna.device.emit('message.send', { body: Buffer.alloc(60_000) });
    expect(bytes.error.code).toBe('malformed_request');
    const unknown = await anna.device.emit('x'.repeat(60_000), manyFields(10));
    expect(unknown.error.code).toBe('unknown_event');
    expect(sizeOf(unknown)).toBeLessThan(1_000);
  });

  test('counts like a valid one, whatever is wrong with it', async () => {
    const strict = await World.open({ RATE_MESSAGES: '6' });
    const shop = await strict.shop('bakery');
    const person = await strict.join(shop, 'anna');
    await person.device.connect();
    const good = () => ({ conversationId: person.contactId, clientId: unique(), body: 'ciao' });
    const codeOf = async (event: string, payload: unknown) =>
      ((await person.device.emit(event, payload)) as { error?: Problem }).error?.code;
    for (const [event, payload, code] of [
      ['message.send', manyFields(6_000), 'malformed_request'],
      ['message.send', { body: 7 }, 'validation_failed'],
      ['nothing', {}, 'unknown_event'],
      ['message.send', good(), undefined],
      ['message.send', { ...good(), colour: 'red' }, 'validation_failed'],
      ['message.send', null, 'validation_failed'],
      ['message.send', good(), 'rate_limited'],
      ['message.send', manyFields(6_000), 'rate_limited'],
      ['nothing', {}, 'rate_limited'],
    ] as const) {
      expect([event, payload, await codeOf(event, payload)]).toEqual([event, payload, code]);
    }
    // Receipts are counted by themselves.
    expect(await codeOf('receipt.send', { conversationId: person.contactId, seenSeq: 0 })).toBeUndefined();
    await strict.close();
  });
});

interface Route {
  method: string;
  path: string;
  controller: { prototype: object; name: string };
  handler: string;
}

/** Every route of the controllers that the service has. */
function routes(): Route[] {
  const scanner = new MetadataScanner();
  const { app } = world.service;
  return [...app.get(ModulesContainer).values()].flatMap(({ controllers }) =>
    [...controllers.values()].flatMap(({ metatype }) => {
      const controller = metatype as unknown as Route['controller'];
      const base = Reflect.getMetadata('path', controller) as string;
      return scanner.getAllMethodNames(controller.prototype).flatMap((handler) => {
        const method = (controller.prototype as Record<string, () => void>)[handler]!;
        const path = Reflect.getMetadata('path', method) as string | undefined;
        if (path === undefined) return [];
        const full = `/api/${base}/${path}`.replace(/\/+/g, '/').replace(/(.)\/$/, '$1');
        return [
          { method: RequestMethod[Reflect.getMetadata('method', method) as number]!, path: full, controller, handler },
        ];
      });
    }),
  );
}

describe('an unknown query parameter', () => {
  test('is refused by name on every route, whatever its method', async () => {
    const all = routes();
    expect(all.length).toBeGreaterThan(60);
    const wrong: string[] = [];
    for (const { method, path } of all) {
      const url = `${path.replaceAll(':id', uuid()).replaceAll(/:\w+/g, '1')}?colour=red&colour=blue&as=app`;
      const answers: Answer[] = [];
      for (const { token } of [bakery.owner, sara.device, anna.device]) {
        answers.push(await world.ask(method, url, { token, ...(!['GET', 'HEAD'].includes(method) && { body: {} }) }));
      }
      const refused = answers.filter(
        ({ status, body }) =>
          status === 400 &&
          // An answer to HEAD has no body.
          (method === 'HEAD' ||
            (body.errors?.length === 1 &&
              body.errors[0].field === 'colour' &&
              body.errors[0].code === 'unknown_field')),
      );
      // Whom a route is not for is told that it is not there.
      const others = answers.filter((answer) => !refused.includes(answer));
      if (refused.length === 0 || others.some(({ status }) => status !== 404)) wrong.push(`${method} ${path}`);
    }
    expect(wrong).toEqual([]);
  });

  test('says where it belongs if it is a field of the form or the body', async () => {
    const form = new FormData();
    form.append('file', new Blob(['Nome,Cognome,Email\nAnna,Neri,neri@mail.example\n']), 'list.csv');
    const refused = await bakery.owner.ask('POST', '/api/imports?dryRun=true', form);
    expectStatus(refused, 400);
    expect(refused.body.detail).toBe('dryRun is a field of the form, not of the query: send it there.');
    expect((await bakery.owner.ask('GET', '/api/imports')).body.items).toEqual([]);
    const label = await bakery.owner.ask('POST', '/api/labels?name=Clienti', {});
    expect(label.body.detail).toBe('name is a field of the body, not of the query: send it there.');
  });

  test('is not checked for a caller without access', async () => {
    expectStatus(await world.ask('GET', '/api/contacts?colour=red'), 401);
    expectStatus(await anna.device.ask('GET', '/api/contacts?colour=red'), 404);
  });

  test('is refused with a short answer even in thousands', async () => {
    const query = Array.from({ length: 2_000 }, (_, index) => `q${index}=1`).join('&');
    for (const path of ['/api/contacts', '/api/labels']) {
      const answer = await bakery.owner.ask('GET', `${path}?${query}`);
      expect(answer.status).toBe(400);
      expect(sizeOf(answer.body)).toBeLessThan(small);
    }
  });
});

test('every class of a body or query is bounded, and each of its rules has a code', () => {
  const declared = routes().flatMap(({ controller, handler }) =>
    [RouteParamtypes.BODY, RouteParamtypes.QUERY].flatMap((kind) => declaredShape(controller, handler, kind) ?? []),
  );
  expect(declared.length).toBeGreaterThan(30);
  for (const shape of declared) {
    for (const { part } of planOf(shape).fields) if (part) planOf(part());
  }
});

test('a body needs the fields that its description requires, and takes null where the description allows it', () => {
  const bodies = routes().flatMap(
    ({ controller, handler }) => declaredShape(controller, handler, RouteParamtypes.BODY) ?? [],
  );
  const missing = (shape: Shape, sent: object) => {
    try {
      // Without a prototype, because that of this realm is not the service's.
      validated(shape as new () => object, Object.assign(Object.create(null) as object, sent));
    } catch (error) {
      const errors = (error as ValidationFailed).data.errors!;
      return errors.filter(({ code }) => code === 'required').map(({ field }) => field);
    }
    return [];
  };
  const seen = { needed: 0, nullable: 0, clearable: 0 };
  for (const shape of bodies) {
    const { properties = {}, required = [] } = document.components.schemas[shape.name] ?? {};
    const withoutAny = missing(shape, {});
    for (const [field, { nullable = false }] of Object.entries(properties)) {
      const isNeeded = (required as string[]).includes(field);
      const isMissing = { left: withoutAny.includes(field), null: missing(shape, { [field]: null }).includes(field) };
      const named = `${shape.name}.${field}`;
      if (isNeeded) expect([named, isMissing]).toEqual([named, { left: true, null: !nullable }]);
      else if (nullable) expect([named, isMissing]).toEqual([named, { left: false, null: false }]);
      if (isNeeded) seen[nullable ? 'nullable' : 'needed']++;
      else if (nullable) seen.clearable++;
    }
  }
  expect(seen.needed).toBeGreaterThan(30);
  expect(seen.nullable).toBeGreaterThanOrEqual(4);
  expect(seen.clearable).toBeGreaterThan(10);
});

test('every sentence of a field error uses exactly its values, in both languages', () => {
  for (const [code, { values, en, it }] of Object.entries(fieldErrorCatalogue)) {
    const named = (sentence: string) =>
      [...sentence.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!).filter((name) => name !== 'field');
    expect([code, named(en), named(it)]).toEqual([code, [...values], [...values]]);
  }
});

describe('a target', () => {
  /** Sends a request line as it stands, and gives the whole answer. */
  async function line(target: string, method = 'GET'): Promise<{ status: number; type: string; body: string }> {
    const { hostname, port } = new URL(world.url);
    const socket = connect(Number(port), hostname);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.write(`${method} ${target} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n\r\n`, 'latin1');
    await once(socket, 'close');
    const [head = '', body = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n');
    const type = /^content-type: (.*)$/im.exec(head)?.[1] ?? '';
    return { status: Number(head.split(' ')[1]), type, body };
  }

  const check = async (target: string, status: number) => {
    const answer = await line(target);
    expect([target, answer.status]).toEqual([target, status]);
    if (status === 200) return;
    expect(answer.type).toMatch(/^application\/problem\+json/);
    const problem = JSON.parse(
      answer.body.slice(answer.body.indexOf('{'), answer.body.lastIndexOf('}') + 1),
    ) as Problem;
    expect(problem).toMatchObject({ status, requestId: expect.any(String) });
    expect(answer.body.length).toBeLessThan(small);
    expect(answer.body).not.toMatch(/node_modules|\.js:\d/);
  };

  test.each([
    ['//', 404],
    ['///', 404],
    ['//[', 404],
    ['/\\', 404],
    ['/\\?as=app', 404],
    ['//?as=app', 404],
    ['//x/api/health/live?as=app', 404],
    ['//x/api/health/live', 404],
    ['/api//health/live', 404],
    ['/api', 404],
    ['/apiary', 404],
    ['/nothing', 404],
    ['/joined/CODE', 404],
    ['/%', 404],
    ['/%ff', 404],
    ['/..', 404],
    ['/api/../etc/passwd', 404],
    ['/api/contacts/%zz', 400],
    ['/api/policies/%E0%A4%A', 400],
    ['http://elsewhere.example/api/health/live?as=app', 400],
    ['http://[', 400],
    ['*', 400],
    ['/api/health/live?as=app', 200],
    ['/api/health/live?', 200],
  ])('%j is answered with %i, and never with a stack', check);

  test('that is long gets the same answer', async () => {
    await check(`/${'a'.repeat(12_000)}`, 404);
    await check(`/api/health/live?as=app&${'a&'.repeat(5_000)}`, 400);
    await check(`/api/labels?${'as=app&'.repeat(2_000)}`, 401);
  });

  test('that is the root returns the page of the dashboard, and accepts no other method', async () => {
    expect(await line('/')).toMatchObject({ status: 200, body: expect.stringContaining('<title>Colloquio</title>') });
    expectStatus(await world.ask('POST', '/'), 404);
  });
});

describe('a change that changes nothing', () => {
  const devices = () => [bakery.owner, sara.device, anna.device];
  let labelId: string;
  beforeAll(async () => {
    labelId = (await bakery.owner.ask('POST', '/api/labels', { name: 'Clienti', color: null })).body.id;
    await bakery.owner.connect();
    await sara.device.connect();
    await anna.device.connect();
    expectStatus(await bakery.owner.ask('PATCH', '/api/me', { displayName: 'Aurora' }), 200);
    const noted = { note: 'paga tardi', labels: [labelId], externalId: 'C-1' };
    expectStatus(await bakery.owner.ask('PATCH', `/api/contacts/${anna.contactId}`, noted), 200);
  });
  beforeEach(async () => {
    await settle();
    for (const device of devices()) device.heard.length = 0;
  });

  test.each<[string, () => [string, string, unknown]]>([
    ['an empty one of the business', () => ['owner', '/api/subscriber', {}]],
    ['the business as it is', () => ['owner', '/api/subscriber', { city: 'Faenza', seenTimes: true, province: 'RA' }]],
    ['an empty one of a member', () => ['owner', '/api/me', {}]],
    ['a member as it is', () => ['owner', '/api/me', { displayName: 'Aurora', locale: 'it' }]],
    ['an empty one of an interlocutor', () => ['anna', '/api/me', {}]],
    ['an interlocutor as it is', () => ['anna', '/api/me', { firstName: 'Anna', email: 'anna.rossi@mail.example' }]],
    ['an empty one of a contact', () => ['owner', `/api/contacts/${anna.contactId}`, {}]],
    [
      'a contact as it is',
      () => ['owner', `/api/contacts/${anna.contactId}`, { note: 'paga tardi', labels: [labelId], externalId: 'C-1' }],
    ],
    ['an empty one of a label', () => ['owner', `/api/labels/${labelId}`, {}]],
    ['a label as it is', () => ['owner', `/api/labels/${labelId}`, { name: 'Clienti', color: null }]],
  ])('%s is told to nobody, and noted nowhere', async (_, change) => {
    const [who, path, body] = change();
    const noted = () =>
      world.rows(
        `SELECT (SELECT count(*) FROM action) AS actions, (SELECT max(profile_changed_at) FROM subscriber) AS business,
                (SELECT max(updated_at) FROM contact) AS contact, (SELECT count(*) FROM mail) AS mails`,
      );
    const before = await noted();
    const device = who === 'owner' ? bakery.owner : anna.device;
    expectStatus(await device.ask('PATCH', path, body), 200);
    await settle();
    expect(devices().flatMap(({ heard }) => heard)).toEqual([]);
    expect(await noted()).toEqual(before);
  });
});
