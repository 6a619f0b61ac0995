import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import jsqr from 'jsqr';
import sharp from 'sharp';
import { policiesFolder, type PolicyName, publish, takesEffect, writeVersion } from './support/policies.js';
import { expectStatus, password, people, settle, type Shop, unique, World } from './support/world.js';

/** Promise 2: no contact exists without the acceptance of the policy in force. And how a contact comes about. */

// The module's types name a default export that its CommonJS form does not have.
const readQrCode = jsqr as unknown as typeof jsqr.default;

let world: World;
let bakery: Shop;

beforeAll(async () => {
  world = await World.shared();
  bakery = await world.shop('bakery');
});
afterAll(() => world.close());

const accept = (code: string, body: unknown, token?: string) =>
  world.ask('POST', `/api/invitations/by-code/${code}/acceptance`, { token, body });
/** Request of a new person who joins. */
const joining = (code: string, person: keyof typeof people, changes: Record<string, unknown> = {}) =>
  world.joining(code, person, { email: `${person}-${unique()}@mail.example`, ...changes });
const contacts = async (shop = bakery) => (await shop.owner.ask('GET', '/api/contacts')).body.total as number;

describe('an open invitation', () => {
  test('shows the business and the texts to agree to, rendered for it', async () => {
    const { code } = await world.invitation(bakery);
    const { status, body } = await world.ask('GET', `/api/invitations/by-code/${code}?locale=it`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ businessName: 'Forno Aurora', city: 'Faenza', logoUrl: null, digitalConsentAge: 14 });
    expect(body).toMatchObject({ street: 'Via Roma', streetNumber: '12/A', categoryName: expect.any(String) });
    expect(body.host).toEqual({
      ...{ name: expect.any(String), address: expect.any(String), contact: expect.any(String) },
      // What a person reads before it asks to be deleted.
      deletionDays: 7,
    });
    const [privacy] = body.policies;
    expect(privacy).toMatchObject({ purpose: 'privacy', required: true, version: 1, locale: 'it' });
    expect(privacy.text).toContain('Forno Aurora');
    expect(privacy.text).toContain('Via Roma 12/A, 48018 Faenza (RA), Italia');
    expect(privacy.text).not.toMatch(/\{\{|undefined/);
    expect(privacy.summary).toHaveLength(5);
    expect(privacy.checkboxes.map(({ purpose, required }: Record<string, unknown>) => [purpose, required])).toEqual([
      ['privacy', true],
      ['promotions', false],
    ]);
    expect(await world.ask('GET', `/api/invitations/by-code/${code}?locale=en`)).toMatchObject({
      body: { policies: [{ locale: 'en' }] },
    });
  });

  test('has a QR code with its link', async () => {
    const { id, url } = await world.invitation(bakery);
    const answer = await bakery.owner.ask('GET', `/api/invitations/${id}/qr.svg`);
    expect(answer.headers.get('content-type')).toMatch(/^image\/svg\+xml/);
    const { data, info } = await sharp(Buffer.from(answer.body))
      .resize(400, 400)
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(readQrCode(new Uint8ClampedArray(data), info.width, info.height)?.data).toBe(url);
  });

  test('lets a person join, who appears in the address book at once, with an account and a proposed username', async () => {
    await bakery.owner.connect();
    const { code } = await world.invitation(bakery);
    const answer = await accept(code, await world.joining(code, 'anna', { region: 'Emilia-Romagna', province: 'RA' }));
    expectStatus(answer, 201);
    const { interlocutor, contact, session } = answer.body;
    expect(interlocutor).toMatchObject({
      ...people.anna,
      displayName: 'Anna Rossi',
      username: expect.stringMatching(/^anna\.rossi\.\d+$/),
    });
    expectStatus(
      await world.ask('POST', '/api/sessions', { body: { username: interlocutor.username, password } }),
      201,
    );
    const told = await bakery.owner.hears('contact.joined', ({ conversation }) => conversation.id === contact.id);
    expect(told.contact).toMatchObject({ id: contact.id, email: people.anna.email, province: 'RA', promotions: false });
    expect((await bakery.owner.ask('GET', `/api/contacts/${contact.id}`)).body).toEqual(told.contact);
    const { body: me } = await world.ask('GET', '/api/me', { token: session.token });
    expect(me).toMatchObject({ principal: { kind: 'interlocutor', interlocutorId: interlocutor.id }, interlocutor });
  });

  test('lets a company join', async () => {
    const osteria = await world.join(bakery, 'osteria');
    const { body } = await bakery.owner.ask('GET', `/api/contacts/${osteria.contactId}`);
    expect(body).toMatchObject({ ...people.osteria, displayName: 'Osteria del Ponte' });
    expect(body).not.toHaveProperty('surname');
  });

  test('gives the requested username if it is free, and otherwise one with digits', async () => {
    const wish = `anna.${unique()}`;
    const wishing = () => world.join(bakery, 'anna', { username: wish, email: `${unique()}@mail.example` });
    expect((await wishing()).username).toBe(wish);
    expect((await wishing()).username).toMatch(new RegExp(`^${wish.replace('.', '\\.')}\\.\\d+$`));
  });

  test('can be limited in uses: the last one is taken once, even by many people at once', async () => {
    const { code, id } = await world.invitation(bakery, { maxUses: 2 });
    const before = await contacts();
    const bodies = await Promise.all(Array.from({ length: 5 }, () => joining(code, 'carla')));
    const answers = await Promise.all(bodies.map((body) => accept(code, body)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 410, 410, 410]);
    expect(await contacts()).toBe(before + 2);
    const opened = await world.ask('GET', `/api/invitations/by-code/${code}`);
    expectStatus(opened, 410);
    expect(opened.body.code).toBe('invitation_used');
    const { body } = await bakery.owner.ask('GET', '/api/invitations');
    expect(body.items.find((each: { id: string }) => each.id === id)).toMatchObject({
      uses: 2,
      maxUses: 2,
      state: 'used',
    });
  });

  test('can be limited in time', async () => {
    const { code } = await world.invitation(bakery, { expiresAt: new Date(Date.now() + 60_000).toISOString() });
    expectStatus(await world.ask('GET', `/api/invitations/by-code/${code}`), 200);
    await world.rows("UPDATE invitation SET expires_at = now() - interval '1 second' WHERE expires_at IS NOT NULL");
    const answer = await accept(code, await joining((await world.invitation(bakery)).code, 'anna'));
    expectStatus(answer, 410);
    expect(answer.body.code).toBe('invitation_expired');
    expectStatus(
      await bakery.owner.ask('POST', '/api/invitations', { kind: 'open', expiresAt: '2020-01-01T00:00:00Z' }),
      400,
    );
  });

  test('that was revoked says so, and lets nobody join', async () => {
    const { id, code } = await world.invitation(bakery);
    const body = await joining(code, 'anna');
    expectStatus(await bakery.owner.ask('DELETE', `/api/invitations/${id}`), 204);
    expectStatus(await bakery.owner.ask('DELETE', `/api/invitations/${id}`), 204);
    for (const answer of [await world.ask('GET', `/api/invitations/by-code/${code}`), await accept(code, body)]) {
      expectStatus(answer, 410);
      expect(answer.body).toMatchObject({
        code: 'invitation_revoked',
        detail: expect.stringContaining('Ask it for a new one'),
      });
    }
  });

  test('with an unknown code is not found', async () => {
    expectStatus(await world.ask('GET', '/api/invitations/by-code/abc'), 404);
  });
});

describe('a personal invitation', () => {
  const invite = (changes: Record<string, unknown> = {}) =>
    bakery.owner.ask('POST', '/api/invitations', { kind: 'personal', email: 'dora@mail.example', ...changes });

  test('is valid once', async () => {
    const answer = await invite();
    expectStatus(answer, 201);
    const { code } = answer.body;
    expectStatus(await accept(code, await joining(code, 'anna')), 201);
    const again = await accept(code, await joining((await world.invitation(bakery)).code, 'anna'));
    expectStatus(again, 410);
    expect(again.body.code).toBe('invitation_used');
  });

  test('becomes the contact, with its key', async () => {
    const { body } = await invite();
    const joined = await accept(body.code, await joining(body.code, 'anna'));
    expect(joined.body.contact.id).toBe(body.id);
  });

  test('stays usable when joining fails', async () => {
    const { body } = await invite();
    expectStatus(await accept(body.code, await joining(body.code, 'anna', { password: 'corta' })), 400);
    expectStatus(await accept(body.code, await joining(body.code, 'anna')), 201);
  });

  test('deletes the invited person’s data when it is revoked', async () => {
    const { body } = await invite();
    expectStatus(await bakery.owner.ask('DELETE', `/api/invitations/${body.id}`), 204);
    expect(await world.rows('SELECT FROM mail WHERE key_id = $1', [body.id])).toEqual([]);
    expect(await world.rows('SELECT FROM wrapped_key WHERE id = $1', [body.id], 'keyring')).toEqual([]);
    const { body: list } = await bakery.owner.ask('GET', '/api/invitations?limit=1');
    expect(list.items[0]).toMatchObject({ id: body.id, state: 'revoked' });
    expect(list.items[0]).not.toHaveProperty('email');
  });

  test('needs an address, and accepts no limits', async () => {
    expectStatus(await bakery.owner.ask('POST', '/api/invitations', { kind: 'personal' }), 400);
    expectStatus(await invite({ maxUses: 3 }), 400);
    expectStatus(await bakery.owner.ask('POST', '/api/invitations', { kind: 'open', email: 'dora@mail.example' }), 400);
  });
});

describe('joining with an account', () => {
  test('needs only the consents, and links the other business', async () => {
    const { email } = people.anna;
    const anna = await world.join(bakery, 'anna', { email, firstName: 'Annalisa' });
    const florist = await world.shop('florist');
    const contactId = await world.joinAlso(anna, florist);
    const { body } = await anna.device.ask('GET', '/api/conversations');
    expect(
      body.items.map(({ counterpart }: { counterpart: { businessName: string } }) => counterpart.businessName).sort(),
    ).toEqual(['Fiori di Marta', 'Forno Aurora']);
    expect((await florist.owner.ask('GET', `/api/contacts/${contactId}`)).body).toMatchObject({
      ...people.anna,
      firstName: 'Annalisa',
    });
  });

  test('to the same business again changes nothing', async () => {
    const anna = await world.join(bakery, 'anna', { promotions: true });
    const { code, id } = await world.invitation(bakery);
    const open = `/api/invitations/by-code/${code}`;
    expect((await anna.device.ask('GET', open)).body.contactId).toBe(anna.contactId);
    for (const { body: opened } of [await world.ask('GET', open), await bakery.owner.ask('GET', open)])
      expect(opened).not.toHaveProperty('contactId');
    const before = [await contacts(), (await anna.device.ask('GET', '/api/consents')).body];
    const answer = await accept(code, { consents: await world.consents(code) }, anna.device.token);
    expectStatus(answer, 201);
    expect(answer.body).toMatchObject({
      contact: { id: anna.contactId, promotions: true },
      interlocutor: { id: anna.id },
    });
    expect(answer.body).not.toHaveProperty('session');
    expect([await contacts(), (await anna.device.ask('GET', '/api/consents')).body]).toEqual(before);
    const { body } = await bakery.owner.ask('GET', '/api/invitations?limit=1');
    expect(body.items[0]).toMatchObject({ id, uses: 0 });
  });

  test('on two devices at once creates one contact', async () => {
    const anna = await world.join(await world.shop('florist'), 'anna');
    const { code, id } = await world.invitation(bakery);
    const consents = await world.consents(code);
    const answers = await Promise.all([1, 2, 3].map(() => accept(code, { consents }, anna.device.token)));
    expect(new Set(answers.map(({ body }) => body.contact.id)).size).toBe(1);
    const { body } = await bakery.owner.ask('GET', '/api/invitations?limit=1');
    expect(body.items[0]).toMatchObject({ id, uses: 1 });
  });
});

describe('nobody joins', () => {
  test.each([
    ['without accepting the privacy notice', { consents: [] }, 403, 'consent_required'],
    ['without confirming the age', { ageConfirmed: false }, 400, 'validation_failed'],
    ['without a name', { firstName: undefined }, 400, 'validation_failed'],
    ['with a name that hides its direction', { surname: 'Rossi\u202Egpj' }, 400, 'validation_failed'],
    ['as a person and a company at once', { companyName: 'Osteria', companyType: 'S.n.c.' }, 400, 'validation_failed'],
    ['with a password that holds the name', { password: 'anna-rossi-1' }, 400, 'validation_failed'],
  ])('%s', async (_, changes, status, problem) => {
    const { code } = await world.invitation(bakery);
    const before = await contacts();
    const answer = await accept(code, await joining(code, 'anna', changes));
    expectStatus(answer, status);
    expect(answer.body.code).toBe(problem);
    expect(await contacts()).toBe(before);
  });

  test('with the policy of another business', async () => {
    // The same document, but what was shown there named another controller.
    const florist = await world.shop('florist');
    const there = await world.ask('GET', `/api/invitations/by-code/${(await world.invitation(florist)).code}`);
    const { code } = await world.invitation(bakery);
    const [privacy] = there.body.policies;
    const consents = [{ policyId: privacy.id, purpose: 'privacy', sha256: privacy.sha256 }];
    expectStatus(await accept(code, await joining(code, 'anna', { consents })), 409);
  });

  test('and a failed joining leaves no account or key behind', async () => {
    const { code } = await world.invitation(bakery, { maxUses: 1 });
    const body = await joining(code, 'anna');
    expectStatus(await accept(code, body), 201);
    const count = async () =>
      [await world.rows('SELECT FROM account'), await world.rows('SELECT FROM wrapped_key', [], 'keyring')].map(
        (rows) => rows.length,
      );
    const before = await count();
    await world.rows('UPDATE invitation SET uses = 0 WHERE max_uses = 1 AND uses = 1');
    // Both pass the first look; one finds the place taken when it commits.
    const others = [1, 2].map((number) => ({ ...body, email: `altra${number}-${unique()}@mail.example` }));
    const answers = await Promise.all(others.map((each) => accept(code, each)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 410]);
    const [accounts, keys] = await count();
    expect([accounts! - before[0]!, keys! - before[1]!]).toEqual([1, 2]);
  });
});

describe('promotions', () => {
  const change = async (person: Awaited<ReturnType<World['join']>>, given: boolean) => {
    const { body } = await person.device.ask(
      'GET',
      `/api/policies/current?audience=interlocutor&contactId=${person.contactId}`,
    );
    return person.device.ask('POST', '/api/consents', {
      policyId: body.items[0].id,
      purpose: 'promotions',
      given,
      contactId: person.contactId,
    });
  };

  test('can be agreed to or declined at any time, every change is recorded, and the business is told', async () => {
    const anna = await world.join(bakery, 'anna');
    const shown = async () => (await bakery.owner.ask('GET', `/api/contacts/${anna.contactId}`)).body.promotions;
    expect(await shown()).toBe(false);
    for (const given of [true, false, false, true]) {
      expectStatus(await change(anna, given), 204);
      expect(await shown()).toBe(given);
    }
    const { body } = await anna.device.ask('GET', '/api/consents');
    const promotions = body.items.filter(({ purpose }: { purpose: string }) => purpose === 'promotions');
    expect(promotions.map(({ given }: { given: boolean }) => given)).toEqual([true, false, true]);
    await settle();
    expect(
      bakery.owner.heard.filter(
        ({ event, payload }) =>
          event === 'consent.changed' && (payload as { conversationId: string }).conversationId === anna.contactId,
      ),
    ).toHaveLength(3);
  });

  test('are recorded with the wording and the text that were shown', async () => {
    const anna = await world.join(bakery, 'anna');
    expectStatus(await change(anna, true), 204);
    const { body: list } = await anna.device.ask('GET', '/api/consents');
    const [given, accepted] = list.items as { id: string; purpose: string; sha256: string }[];
    const { body: promotions } = await anna.device.ask('GET', `/api/consents/${given!.id}`);
    expect(promotions).toMatchObject({ ...given, words: expect.stringContaining('messaggi promozionali') });
    const { body: privacy } = await anna.device.ask('GET', `/api/consents/${accepted!.id}`);
    expect(privacy.words).toContain('Forno Aurora');
    expect(createHash('sha256').update(privacy.text, 'utf8').digest('hex')).toBe(accepted!.sha256);
    const bruno = await world.join(bakery, 'bruno');
    expectStatus(await bruno.device.ask('GET', `/api/consents/${given!.id}`), 404);
  });

  test('the required acceptance cannot be withdrawn this way', async () => {
    const anna = await world.join(bakery, 'anna');
    const { body } = await anna.device.ask(
      'GET',
      `/api/policies/current?audience=interlocutor&contactId=${anna.contactId}`,
    );
    const refused = await anna.device.ask('POST', '/api/consents', {
      policyId: body.items[0].id,
      purpose: 'privacy',
      given: false,
      contactId: anna.contactId,
    });
    expectStatus(refused, 400);
    expect(refused.body.errors[0].code).toBe('acceptance_required');
  });
});

describe('when a newer policy is in force', () => {
  let policies: string;
  beforeAll(async () => {
    policies = await policiesFolder();
  });
  afterAll(() => rm(policies, { recursive: true, force: true }));

  /** Publishes version 2 of a policy as a host would, and lets its day come. */
  async function renew(at: World, policy: PolicyName, ...parameters: string[]): Promise<void> {
    await writeVersion(policies, policy, 2);
    expect(await publish(at, policy, '--effective', 'now', ...parameters)).toMatchObject({ code: 0, stderr: '' });
    await takesEffect(at, policy, 2);
  }

  test('sending, inviting and joining wait for its acceptance; reading, consents and logging out always work', async () => {
    const old = await World.open({ POLICIES_DIR: policies });
    const shop = await old.shop('bakery');
    const anna = await old.join(shop, 'anna');
    const { code } = await old.invitation(shop);
    const outdated = await old.consents(code);
    const send = (device: typeof anna.device) =>
      device.ask('POST', `/api/conversations/${anna.contactId}/messages`, { clientId: unique(), body: 'Ciao' });
    expectStatus(await send(anna.device), 201);
    await renew(old, 'interlocutor/privacy');
    await renew(old, 'subscriber/terms');
    const [owner, phone] = [shop.owner, anna.device];

    for (const refused of [
      await send(phone),
      await send(owner),
      await owner.ask('POST', '/api/invitations', { kind: 'open' }),
    ]) {
      expectStatus(refused, 403);
      expect(refused.body.code).toBe('consent_required');
    }
    const joining = { ...people.carla, password, ageConfirmed: true, locale: 'it', consents: outdated };
    expectStatus(await old.ask('POST', `/api/invitations/by-code/${code}/acceptance`, { body: joining }), 409);
    for (const path of [
      '/api/conversations',
      `/api/conversations/${anna.contactId}/messages`,
      '/api/consents',
      '/api/sessions',
      '/api/me',
    ]) {
      expectStatus(await phone.ask('GET', path), 200);
      expectStatus(await owner.ask('GET', path), 200);
    }
    expectStatus(await phone.ask('PUT', `/api/conversations/${anna.contactId}/receipt`, { seenSeq: 1 }), 204);

    const { body: forAnna } = await phone.ask(
      'GET',
      `/api/policies/current?audience=interlocutor&contactId=${anna.contactId}`,
    );
    expect(forAnna.items).toMatchObject([{ version: 2, accepted: false }]);
    expectStatus(
      await phone.ask('POST', '/api/consents', {
        policyId: forAnna.items[0].id,
        purpose: 'privacy',
        given: true,
        contactId: anna.contactId,
      }),
      204,
    );
    expectStatus(await send(phone), 201);
    expectStatus(await send(owner), 403);

    const { body: forShop } = await owner.ask('GET', '/api/policies/current?audience=subscriber');
    expect(
      forShop.items.map(({ purpose, version, accepted }: Record<string, unknown>) => [purpose, version, accepted]),
    ).toEqual([
      ['terms', 2, false],
      ['privacy', 1, true],
    ]);
    expectStatus(
      await owner.ask('POST', '/api/consents', { policyId: forShop.items[0].id, purpose: 'terms', given: true }),
      204,
    );
    expectStatus(await send(owner), 201);
    expectStatus(await owner.ask('POST', '/api/invitations', { kind: 'open' }), 201);
    const { body: consents } = await phone.ask('GET', '/api/consents');
    expect(consents.items.map(({ policyVersion, how }: Record<string, unknown>) => [policyVersion, how])).toEqual([
      [2, 'settings'],
      [1, 'joining'],
    ]);
    expectStatus(await phone.ask('DELETE', '/api/sessions/current'), 204);
    await old.close();
  });

  test('that needs no acceptance, nothing waits', async () => {
    for (const [policy, locale] of [
      ['interlocutor/privacy', 'it'],
      ['interlocutor/privacy', 'en'],
      ['subscriber/terms', 'it'],
      ['subscriber/terms', 'en'],
    ] as const)
      await rm(join(policies, policy, `2.${locale}.md`), { force: true });
    const old = await World.open({ POLICIES_DIR: policies });
    const shop = await old.shop('bakery');
    const anna = await old.join(shop, 'anna');
    await renew(old, 'interlocutor/privacy', '--acceptance', 'no');
    const sent = await old.ask('POST', `/api/conversations/${anna.contactId}/messages`, {
      token: anna.device.token,
      body: { clientId: unique(), body: 'Ciao' },
    });
    expectStatus(sent, 201);
    await old.close();
  });

  test('a text that people agreed to cannot be changed afterwards', async () => {
    const old = await World.open({ POLICIES_DIR: policies });
    const file = join(policies, 'interlocutor/privacy/1.it.md');
    await writeFile(file, (await readFile(file, 'utf8')).replace('privacy', 'Privacy '));
    await expect(old.restart()).rejects.toThrow(
      /interlocutor\/privacy\/1\.it\.md has changed .* write version 2 instead/,
    );
  });
});
