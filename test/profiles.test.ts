import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, plain } from './support/client.js';
import {
  type Device,
  expectStatus,
  password,
  type Person,
  type Shop,
  settle,
  unique,
  until,
  World,
} from './support/world.js';

/** Corrections that people and businesses make to their own data, everywhere it is stored. */

let world: World;
let bakery: Shop;
let florist: Shop;
/** A contact of both. */
let anna: Person;
let annaAtFlorist: string;

beforeAll(async () => {
  world = await World.shared();
  bakery = await world.shop('bakery');
  florist = await world.shop('florist');
  anna = await world.join(bakery, 'anna');
  annaAtFlorist = await world.joinAlso(anna, florist);
  for (const device of [bakery.owner, florist.owner, anna.device]) await device.connect();
});
afterAll(() => world.close());

const edit = (device: Device, changes: Record<string, unknown>) => device.ask('PATCH', '/api/me', changes);
const business = (changes: Record<string, unknown>) => bakery.owner.ask('PATCH', '/api/subscriber', changes);
const contact = async (shop: Shop, id: string) => (await shop.owner.ask('GET', `/api/contacts/${id}`)).body;

describe("an interlocutor's own data", () => {
  test('reach the interlocutor’s devices and each of its subscribers when corrected, live and on loading', async () => {
    const changes = { firstName: 'Annalisa', surname: 'Verdi', region: 'Toscana', province: 'FI', sector: 'Scuola' };
    const { status, body } = await edit(anna.device, { ...changes, locale: 'en' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ locale: 'en', interlocutor: { ...changes, displayName: 'Annalisa Verdi' } });
    expect((await anna.device.ask('GET', '/api/me')).body).toEqual(body);
    for (const [shop, id] of [
      [bakery, anna.contactId],
      [florist, annaAtFlorist],
    ] as const) {
      const told = await shop.owner.hears('contact.changed', (each) => each.contact.firstName === 'Annalisa');
      expect(told.contact).toEqual(await contact(shop, id));
      expect(told.contact).toMatchObject({ id, displayName: 'Annalisa Verdi', province: 'FI' });
      const { body: head } = await shop.owner.ask('GET', `/api/conversations/${id}`);
      expect(head.counterpart).toMatchObject({ id, displayName: 'Annalisa Verdi' });
      const found = await shop.owner.ask('GET', '/api/contacts?query=annalisa&province=fi');
      expect(found.body.items).toHaveLength(1);
      // Found by the address that has stayed, under the name that has changed.
      const former = await shop.owner.ask('GET', '/api/contacts?query=rossi');
      expect(former.body.items.map(({ displayName }: { displayName: string }) => displayName)).toEqual([
        'Annalisa Verdi',
      ]);
    }
    const told = JSON.stringify([...bakery.owner.heard, ...florist.owner.heard]);
    expect(told).not.toContain(anna.id);
    expect(JSON.stringify(bakery.owner.heard)).not.toContain(annaAtFlorist);
  });

  test('stay when left out; a blank or null segment is removed', async () => {
    await edit(anna.device, { region: 'Lazio', province: 'RM', sector: 'Sport' });
    expectStatus(await edit(anna.device, { region: null, sector: ' ' }), 200);
    const { body } = await anna.device.ask('GET', '/api/me');
    expect(body.interlocutor).toMatchObject({ region: null, province: 'RM', sector: null, firstName: 'Annalisa' });
    const heard = bakery.owner.heard.length;
    expectStatus(await edit(anna.device, { province: 'RM' }), 200);
    await settle();
    expect(bakery.owner.heard.length).toBe(heard);
  });

  test('are validated, and do not include the username', async () => {
    const { body: before } = await anna.device.ask('GET', '/api/me');
    for (const [changes, field] of [
      [{ firstName: '' }, 'firstName'],
      [{ email: 'nessun indirizzo' }, 'email'],
      [{ surname: 'x'.repeat(101) }, 'surname'],
      [{ companyName: 'Anna S.r.l.' }, 'companyName'],
      [{ username: 'altra' }, 'username'],
      [{ displayName: 'Altra' }, 'displayName'],
      [{ locale: 'xx' }, 'locale'],
    ] as const) {
      const refused = await edit(anna.device, changes);
      expect([refused.status, refused.body.errors?.[0].field]).toEqual([400, field]);
    }
    expect((await anna.device.ask('GET', '/api/me')).body).toEqual(before);
  });

  test('of a company include its name and type', async () => {
    const osteria = await world.join(bakery, 'osteria');
    expectStatus(await edit(osteria.device, { companyName: 'Osteria Nuova' }), 200);
    expect(await contact(bakery, osteria.contactId)).toMatchObject({
      displayName: 'Osteria Nuova',
      companyType: 'S.n.c.',
    });
    expect((await edit(osteria.device, { surname: 'Rossi' })).body.errors[0].field).toBe('surname');
  });

  test('lose the verification only when the address changes', async () => {
    const bruno = await world.join(bakery, 'bruno');
    const verified = async () => {
      const [{ email_hash: hash }] = (await world.rows<{ email_hash: Buffer | null }>(
        'SELECT email_hash FROM account JOIN interlocutor ON account_id = account.id WHERE interlocutor.id = $1',
        [bruno.id],
      )) as [{ email_hash: Buffer | null }];
      return hash !== null;
    };
    await world.rows(
      `UPDATE account SET email_hash = 'x' FROM interlocutor WHERE account_id = account.id AND interlocutor.id = $1`,
      [bruno.id],
    );
    expectStatus(await edit(bruno.device, { email: 'bruno@mail.example', firstName: 'Bruno' }), 200);
    expect(await verified()).toBe(true);
    const mails = () => world.rows("SELECT FROM mail WHERE template = 'verify_email' AND key_id = $1", [bruno.id]);
    const before = (await mails()).length;
    expectStatus(await edit(bruno.device, { email: 'bruno.nuovo@mail.example', currentPassword: password }), 200);
    expect(await verified()).toBe(false);
    expect((await mails()).length).toBe(before + 1);
    expect((await contact(bakery, bruno.contactId)).email).toBe('bruno.nuovo@mail.example');
  });

  test('end up the same everywhere when several devices correct them at once, while it joins another business', async () => {
    const carla = await world.join(bakery, 'carla');
    const shop = await world.shop('florist');
    const [, ...answers] = await Promise.all([
      world.joinAlso(carla, shop),
      ...Array.from({ length: 6 }, (_, i) => edit(carla.device, { firstName: `Carla ${unique()}`, sector: `S${i}` })),
    ]);
    for (const answer of answers) expectStatus(answer, 200);
    const { body: me } = await carla.device.ask('GET', '/api/me');
    const { displayName, sector } = me.interlocutor;
    for (const each of [bakery, shop]) {
      const { body } = await each.owner.ask('GET', '/api/contacts?query=carla');
      expect(body.items.map((item: never) => [item['displayName'], item['sector']])).toEqual([[displayName, sector]]);
    }
  });
});

describe("a member's own data", () => {
  test('include the name for colleagues and the language', async () => {
    const sara = await world.staff(bakery);
    const { status, body } = await edit(sara.device, { displayName: 'Sara Neri', locale: 'en' });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      displayName: 'Sara Neri',
      locale: 'en',
      email: expect.stringMatching(/^sara.*@mail\.example$/),
    });
    expect(await bakery.owner.hears('member.changed', (each) => each.displayName === 'Sara Neri')).toEqual({
      id: sara.id,
      displayName: 'Sara Neri',
    });
    for (const changes of [{ displayName: '' }, { firstName: 'Sara' }, { email: 'x@mail.example' }]) {
      expectStatus(await edit(sara.device, changes), 400);
    }
  });
});

describe('the data of a business', () => {
  test('can be corrected by its owner, and appear in its interlocutors’ conversations and in the policies', async () => {
    const changes = { businessName: 'Forno del Borgo', city: 'Ravenna', street: 'Via Cavour', postcode: '48121' };
    const { status, body } = await business(changes);
    expect(status).toBe(200);
    expect(body).toMatchObject({ ...changes, vatNumber: 'IT01234567897', province: 'RA' });
    expect((await bakery.owner.ask('GET', '/api/me')).body.subscriber).toEqual(body);
    const told = await anna.device.hears('subscriber.changed');
    const { body: head } = await anna.device.ask('GET', `/api/conversations/${anna.contactId}`);
    const { counterpart, seenTimesSince } = head;
    expect(told).toEqual({ conversationId: anna.contactId, counterpart, seenTimesSince });
    expect(head.counterpart).toMatchObject({ businessName: 'Forno del Borgo', city: 'Ravenna' });
    expect(await bakery.owner.hears('subscriber.changed')).toMatchObject({ conversationId: null });
    const policies = await anna.device.ask(
      'GET',
      `/api/policies/current?audience=interlocutor&contactId=${anna.contactId}`,
    );
    expect(policies.body.items[0].text).toMatch(/Forno del Borgo[\s\S]*Via Cavour 12\/A, 48121 Ravenna/);
    expect(florist.owner.heard.map(({ event }) => event)).not.toContain('subscriber.changed');
  });

  test('are validated together, as at registration', async () => {
    for (const [changes, field] of [
      [{ postcode: '4812' }, 'postcode'],
      [{ province: 'ZZ' }, 'province'],
      [{ vatNumber: '01234567890' }, 'vatNumber'],
      [{ vatNumber: null }, 'vatNumber'],
      [{ businessName: null }, 'businessName'],
      [{ category: 'nothing' }, 'category'],
      [{ country: 'DE' }, 'vatNumber'],
      [{ username: 'altro' }, 'username'],
      [{ termsVersion: 9 }, 'termsVersion'],
    ] as const) {
      const refused = await business(changes);
      expect([refused.status, refused.body.errors?.[0].field]).toEqual([400, field]);
    }
    expectStatus(await business({ vatNumber: null, taxCode: '01234567897' }), 200);
    const { body } = await bakery.owner.ask('GET', '/api/me');
    expect(body.subscriber).toMatchObject({ vatNumber: null, taxCode: '01234567897' });
  });

  test('with another address make the owner’s address unverified', async () => {
    await world.rows(`UPDATE account SET email_hash = 'x' WHERE subscriber_id = $1`, [bakery.id]);
    expectStatus(await business({ email: 'info@aurora.example' }), 200);
    const unverified = () =>
      world.rows('SELECT FROM account WHERE subscriber_id = $1 AND email_hash IS NULL', [bakery.id]);
    expect(await unverified()).toEqual([]);
    expectStatus(await business({ email: 'nuovo@aurora.example', currentPassword: password }), 200);
    expect((await unverified()).length).toBe(1);
  });
});

test('a device that was away finds every correction among the changed conversations', async () => {
  const phone = await new Client(anna.device, 'interlocutor').load();
  const counter = await new Client(florist.owner, 'subscriber').load();
  anna.device.disconnect();
  florist.owner.disconnect();
  await until(() => !anna.device.connected, 'the phone is away');
  expectStatus(await edit(anna.device, { surname: 'Gialli' }), 200);
  expectStatus(await florist.owner.ask('PATCH', '/api/subscriber', { businessName: 'Fiori e Foglie' }), 200);
  const known = phone.held.heads.get(annaAtFlorist)!;
  await phone.catchUp();
  await counter.catchUp();
  expect(phone.held.heads.get(annaAtFlorist)!.counterpart).toMatchObject({ businessName: 'Fiori e Foglie' });
  expect(phone.held.heads.get(annaAtFlorist)).toEqual({
    ...known,
    counterpart: phone.held.heads.get(annaAtFlorist)!.counterpart,
  });
  expect(counter.held.heads.get(annaAtFlorist)!.counterpart).toMatchObject({ surname: 'Gialli' });
  const fresh = await new Client(florist.owner, 'subscriber').load();
  expect(plain({ ...counter.held, contacts: new Map() })).toEqual(plain({ ...fresh.held, contacts: new Map() }));
});
