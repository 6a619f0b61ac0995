import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { makeRegistrationCode } from '../src/registration/registration-codes.js';
import { expectStatus, password, type Shop, shops, unique, World } from './support/world.js';

let world: World;
beforeAll(async () => {
  world = await World.shared();
});
afterAll(() => world.close());

const register = async (changes: Record<string, unknown> = {}, in_ = world) =>
  in_.ask('POST', '/api/subscribers', { body: await in_.registration('bakery', changes) });

const fields = (body: { errors?: { field: string; code: string }[] }) =>
  body.errors?.map(({ field, code }) => `${field} ${code}`);

describe('a business registers', () => {
  test('with all its data, is signed in as its owner, and finds its data in its profile', async () => {
    const answer = await register({ username: 'forno.aurora', taxCode: '01234567897' });
    expectStatus(answer, 201);
    const { subscriber, session } = answer.body;
    expect(subscriber).toMatchObject({
      ...shops.bakery,
      vatNumber: 'IT01234567897',
      taxCode: '01234567897',
      logoUrl: null,
    });
    const me = await world.ask('GET', '/api/me', { token: session.token });
    expect(me.body).toMatchObject({
      username: 'forno.aurora',
      locale: 'it',
      principal: { kind: 'member', role: 'owner', subscriberId: subscriber.id },
      subscriber,
    });
  });

  test.each([
    ['an association with a tax code of 11 digits', { vatNumber: undefined, taxCode: '80012345676' }],
    ['a professional with a tax code of 16 characters', { vatNumber: undefined, taxCode: 'rssmra85t10a562s' }],
    [
      'a German company',
      { country: 'DE', postcode: '10115', city: 'Berlin', province: undefined, vatNumber: 'DE136695976' },
    ],
    [
      'a foreign business without numbers',
      { country: 'CH', postcode: '6900', city: 'Lugano', province: 'TI', vatNumber: undefined },
    ],
  ])('%s', async (_, changes) => {
    expectStatus(await register(changes), 201);
  });

  test.each([
    [{ vatNumber: '01234567890' }, 'vatNumber vat_number_check_digit'],
    [{ vatNumber: '123' }, 'vatNumber vat_number_format'],
    [{ vatNumber: undefined }, 'vatNumber tax_identity_required'],
    [{ taxCode: 'RSSMRA85T10A562X' }, 'taxCode tax_code_check_digit'],
    [{ postcode: '4801' }, 'postcode postcode_format'],
    [{ province: 'XX' }, 'province province_unknown'],
    [{ country: 'Italia' }, 'country is_country'],
    [{ category: 'spaceships' }, 'category is_merchant_category'],
    [{ email: 'info@' }, 'email is_email_address'],
    [{ businessName: '   ' }, 'businessName empty'],
    [{ businessName: 'a'.repeat(121) }, 'businessName too_long'],
    [{ username: 'Forno Aurora' }, 'username username_characters'],
    [{ username: 'ab' }, 'username username_too_short'],
    [{ password: 'corta' }, 'password password_too_short'],
    [{ password: 'password123' }, 'password password_common'],
    [{ password: 'é'.repeat(37) }, 'password password_too_long'],
    [{ locale: 'de' }, 'locale not_one_of'],
    [{ color: 'red' }, 'color unknown_field'],
  ])('not with %j', async (changes, refusal) => {
    const answer = await register(changes);
    expectStatus(answer, 400);
    expect(fields(answer.body)).toEqual([refusal]);
  });

  test('every wrong field is named at once, and nothing is stored', async () => {
    const count = () => world.rows<{ n: string }>('SELECT count(*) AS n FROM account');
    const before = await count();
    const answer = await register({ vatNumber: '01234567890', postcode: '1', password: 'corta' });
    expect(fields(answer.body)).toEqual([
      'postcode postcode_format',
      'vatNumber vat_number_check_digit',
      'password password_too_short',
    ]);
    expect(await count()).toEqual(before);
  });

  test('a password of 72 bytes is used completely, and one of 73 is refused', async () => {
    const longest = `Cavallo-${'ù'.repeat(32)}`;
    expect(Buffer.byteLength(longest)).toBe(72);
    const username = `lungo${unique()}`;
    expectStatus(await register({ username, password: longest }), 201);
    expectStatus(await world.ask('POST', '/api/sessions', { body: { username, password: longest } }), 201);
    expectStatus(
      await world.ask('POST', '/api/sessions', { body: { username, password: `${longest.slice(0, -1)}à` } }),
      401,
    );
    expect(fields((await register({ password: `${longest}x` })).body)).toEqual(['password password_too_long']);
  });

  test('but not under a taken username', async () => {
    const username = `preso${unique()}`;
    expectStatus(await register({ username }), 201);
    // The same again is taken for a repetition.
    const answer = await register({ username, businessName: 'Forno del Borgo' });
    expectStatus(answer, 409);
    expect(fields(answer.body)).toEqual(['username username_taken']);
  });
});

describe('consent comes first', () => {
  test('a business cannot register without accepting the terms and the privacy notice', async () => {
    const { consents } = await world.registration('bakery');
    const [terms, privacy] = consents as { purpose: string }[];
    for (const [given, missing] of [
      [[terms], 'privacy notice'],
      [[privacy], 'terms of service'],
      [[], 'terms of service'],
    ] as const) {
      const answer = await register({ consents: given });
      expectStatus(answer, 403);
      expect(answer.body.code).toBe('consent_required');
      expect(answer.body.detail).toContain(missing);
    }
  });

  test('a policy that is not in force, or had another text, is refused', async () => {
    const { consents } = await world.registration('bakery');
    const [terms, privacy] = consents as { policyId: string; purpose: string }[];
    const foreign = await register({ consents: [terms, { ...privacy, policyId: terms!.policyId }] });
    const altered = await register({ consents: [terms, { ...privacy, sha256: 'a'.repeat(64) }] });
    for (const answer of [foreign, altered]) {
      expectStatus(answer, 409);
      expect(answer.body.code).toBe('policy_changed');
    }
  });

  test('an acceptance is recorded with the hash of the text as it was shown', async () => {
    const { body: policies } = await world.ask('GET', '/api/policies/current?audience=subscriber&locale=en');
    const consents = policies.items.map(({ id, purpose, sha256 }: Record<string, string>) => ({
      policyId: id,
      purpose,
      sha256,
    }));
    const answer = await register({ consents });
    expectStatus(answer, 201);
    const { body } = await world.ask('GET', '/api/consents', { token: answer.body.session.token });
    expect(body.items).toHaveLength(2);
    for (const policy of policies.items) {
      expect(body.items).toContainEqual(
        expect.objectContaining({
          purpose: policy.purpose,
          given: true,
          policyId: policy.id,
          policyVersion: 1,
          locale: 'en',
          sha256: policy.sha256,
          how: 'registration',
        }),
      );
    }
  });

  test('the record can neither be changed nor deleted', async () => {
    await register();
    for (const statement of ['UPDATE consent SET given = false', 'DELETE FROM consent', 'TRUNCATE consent']) {
      await expect(world.rows(statement)).rejects.toThrow('append-only');
    }
  });
});

describe('REGISTRATION', () => {
  test('first: one of two concurrent registrations wins, and then it is closed', async () => {
    const first = await World.open({ REGISTRATION: 'first' });
    expect((await first.ask('GET', '/api/registration')).body).toEqual({ state: 'open' });
    const answers = await Promise.all([register({}, first), register({}, first), register({}, first)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 403, 403]);
    expect(answers.find(({ status }) => status === 403)!.body.code).toBe('registration_closed');
    expect((await first.ask('GET', '/api/registration')).body).toEqual({ state: 'closed' });
    expect(await first.rows('SELECT FROM subscriber')).toHaveLength(1);
    expect(await first.rows("SELECT FROM wrapped_key WHERE scope = 'subscriber'", [], 'keyring')).toHaveLength(1);

    // Of a business that was closed an empty row stays, which is in nobody's way.
    await first.rows('UPDATE subscriber SET closed_at = now()');
    expect((await first.ask('GET', '/api/registration')).body).toEqual({ state: 'open' });
    expectStatus(await register({}, first), 201);
    expect((await register({}, first)).body.code).toBe('registration_closed');
    await first.close();
  });

  test('invited: a code of the host works once', async () => {
    const invited = await World.open({ REGISTRATION: 'invited', MASTER_KEY: 'ab'.repeat(32) });
    const masterKey = Buffer.from('ab'.repeat(32), 'hex');
    const { code } = makeRegistrationCode(masterKey);
    const refused = [
      undefined,
      'nonsense',
      makeRegistrationCode(Buffer.alloc(32)).code,
      makeRegistrationCode(masterKey, new Date('2026-01-01')).code,
    ];
    for (const registrationCode of refused) {
      const answer = await register({ registrationCode }, invited);
      expectStatus(answer, 403);
      expect(answer.body.code).toBe('registration_code_invalid');
    }
    // A refused registration does not use the code up.
    expectStatus(await register({ registrationCode: code, password: 'corta' }, invited), 400);
    const answers = await Promise.all([
      register({ registrationCode: code }, invited),
      register({ registrationCode: code }, invited),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 403]);
    await invited.close();
  });
});

describe('the logo', () => {
  let bakery: Shop;
  beforeAll(async () => {
    bakery = await world.shop('bakery');
  });

  const upload = (bytes: Buffer, name = 'logo.png') => {
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(bytes)]), name);
    return world.ask('PUT', '/api/subscriber/logo', { token: bakery.owner.token, body: form });
  };
  const picture = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: '#0f766e' } }).withExif({
      IFD0: { Copyright: 'segreto-exif' },
    });

  test('is redrawn without metadata, and shown to members, interlocutors and invited people', async () => {
    expectStatus(await upload(await picture(2000, 1000).jpeg().toBuffer(), 'logo.jpg'), 204);
    const anna = await world.join(bakery, 'anna');
    const { code } = await world.invitation(bakery);
    const { body: invitation } = await world.ask('GET', `/api/invitations/by-code/${code}`);
    const { body: head } = await anna.device.ask('GET', `/api/conversations/${anna.contactId}`);
    const { body: me } = await bakery.owner.ask('GET', '/api/me');
    for (const [url, token] of [
      [invitation.logoUrl, undefined],
      [head.counterpart.logoUrl, anna.device.token],
      [me.subscriber.logoUrl, bakery.owner.token],
    ]) {
      const answer = await fetch(world.url + url, { headers: token ? { authorization: `Bearer ${token}` } : {} });
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/webp']);
      const bytes = Buffer.from(await answer.arrayBuffer());
      expect(await sharp(bytes).metadata()).toMatchObject({ format: 'webp', width: 512, height: 256 });
      expect(bytes.includes('segreto-exif')).toBe(false);
    }
  });

  test.each([
    ['an SVG', () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 415, 'media_type_refused'],
    ['text', () => readFileSync(join(import.meta.dirname, 'support/world.ts')), 415, 'media_type_refused'],
    [
      'a broken PNG',
      () => Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), Buffer.alloc(64)]),
      422,
      'logo_unreadable',
    ],
    ['more than 2 MB', () => Buffer.alloc(2 * 1024 * 1024 + 1), 413, 'too_large'],
  ])('is not %s', async (_, bytes, status, code) => {
    const answer = await upload(bytes());
    expectStatus(answer, status);
    expect(answer.body.code).toBe(code);
  });

  test('can be removed', async () => {
    expectStatus(await upload(await picture(64, 64).png().toBuffer()), 204);
    expectStatus(await bakery.owner.ask('DELETE', '/api/subscriber/logo'), 204);
    expectStatus(await bakery.owner.ask('GET', '/api/subscriber/logo'), 404);
  });

  test('needs a file', async () => {
    const answer = await world.ask('PUT', '/api/subscriber/logo', { token: bakery.owner.token, body: new FormData() });
    expectStatus(answer, 400);
  });
});

test('categories and countries are listed in both languages', async () => {
  for (const path of ['/api/merchant-categories', '/api/countries']) {
    const [it, en] = await Promise.all(['it', 'en'].map((locale) => world.ask('GET', `${path}?locale=${locale}`)));
    expect(it!.body.items.length).toBeGreaterThan(30);
    expect(it!.body.items.map(({ code }: { code: string }) => code).sort()).toEqual(
      en!.body.items.map(({ code }: { code: string }) => code).sort(),
    );
    expect(it!.body.items).not.toEqual(en!.body.items);
  }
  expectStatus(await world.ask('GET', '/api/countries?locale=xx'), 400);
});

test('no answer contains the password', async () => {
  const answer = await register();
  expect(JSON.stringify(answer.body)).not.toContain(password);
});
