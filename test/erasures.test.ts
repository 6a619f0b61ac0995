import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { ErasureRuns } from '../src/erasures/erasure-runs.service.js';
import { Erasures } from '../src/erasures/erasures.service.js';
import { Forgetting } from '../src/platform/forgetting/forgetting.js';
import { upload } from './support/files.js';
import { expectStatus, type Person, type Shop, unique, until, World } from './support/world.js';

/**
 * Promise 6: erasure reaches everything, quickly, with proof. What stands here happens in the process of the tests; that nothing
 * is left on any disk stands in test/process/erasure.test.ts.
 */

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world.close());

async function say(person: Person, body: string): Promise<void> {
  const path = `/api/conversations/${person.contactId}/messages`;
  expectStatus(await person.device.ask('POST', path, { clientId: unique(), body }), 201);
}

async function erase(shop: Shop, contactId: string): Promise<string> {
  const answer = await shop.owner.ask('DELETE', `/api/contacts/${contactId}`);
  expectStatus(answer, 202);
  return answer.body.erasureId;
}

/** Waits until the rows are gone, renews the epoch, and gives the certificate. */
async function certificate(shop: Shop, erasureId: string) {
  await until(async () => {
    const { body } = await shop.owner.ask('GET', `/api/erasures/${erasureId}`);
    return body.finishedAt !== null;
  }, 'the erasure ends');
  await renewEpoch();
  const { body } = await shop.owner.ask('GET', `/api/erasures/${erasureId}`);
  expect(body).toMatchObject({ state: 'finished' });
  return body;
}

async function renewEpoch(): Promise<void> {
  await world.service.keyring.renewEpoch();
  await world.service.app.get(ErasureRuns).noteRenewals();
}

/** Tables of the main database that name one of these ids in a column of ids. */
async function tablesNaming(...ids: string[]): Promise<string[]> {
  const columns = await world.rows<{ table: string; column: string }>(
    `SELECT table_name AS table, column_name AS column FROM information_schema.columns JOIN pg_class ON relname = table_name
     WHERE table_schema = 'public' AND data_type = 'uuid' AND relkind IN ('r', 'p') AND NOT relispartition`,
  );
  const places = columns.map(
    ({ table, column }) =>
      `SELECT '${table}.${column}' AS place WHERE EXISTS (SELECT FROM ${table} WHERE ${column} = ANY ($1::uuid[]))`,
  );
  const found = await world.rows<{ place: string }>(places.join(' UNION ALL '), [ids]);
  return found.map(({ place }) => place).sort();
}

describe('an erased contact', () => {
  test('is gone at once for both parties, with all its data soon after, and a certificate says what was erased', async () => {
    const shop = await world.shop('bakery');
    const [anna, bruno] = [await world.join(shop, 'anna'), await world.join(shop, 'bruno')];
    const { id: labelId } = (await shop.owner.ask('POST', '/api/labels', { name: 'Celiaci' })).body;
    const added = { labels: [labelId], note: 'Passa il sabato', externalId: 'C-1', phone: '0546 123456' };
    expectStatus(await shop.owner.ask('PATCH', `/api/contacts/${anna.contactId}`, added), 200);
    for (let count = 1; count <= 3; count++) await say(anna, `Messaggio ${count}`);
    await say(bruno, 'Resto qui');
    const { id: attachmentId } = await upload(anna.device, Buffer.from('testo'), { conversationId: anna.contactId });
    await upload(anna.device, Buffer.from('mai inviato'), { conversationId: anna.contactId });
    const sent = { clientId: unique(), body: '', attachmentIds: [attachmentId] };
    expectStatus(await anna.device.ask('POST', `/api/conversations/${anna.contactId}/messages`, sent), 201);
    expectStatus(await shop.owner.ask('PUT', `/api/conversations/${anna.contactId}/receipt`, { seenSeq: 4 }), 204);
    await shop.owner.connect();
    await anna.device.connect();
    const [before] = await world.rows<{ consents: number }>(
      'SELECT count(*)::integer AS consents FROM consent WHERE contact_id = $1',
      [anna.contactId],
    );
    expect(before!.consents).toBe(1);

    const erasureId = await erase(shop, anna.contactId);
    expect((await shop.owner.ask('GET', `/api/contacts/${anna.contactId}`)).status).toBe(404);
    expect((await shop.owner.ask('GET', `/api/conversations/${anna.contactId}/messages`)).status).toBe(404);
    expect((await shop.owner.ask('GET', '/api/contacts')).body.items).toMatchObject([{ id: bruno.contactId }]);
    expect((await shop.owner.ask('GET', '/api/conversations')).body.items).toMatchObject([{ id: bruno.contactId }]);
    expect((await shop.owner.ask('GET', `/api/attachments/${attachmentId}`)).status).toBe(404);
    expect((await anna.device.ask('GET', '/api/me')).status).toBe(401);
    await shop.owner.hears('contact.erased', ({ conversationIds }) => conversationIds.includes(anna.contactId));
    await anna.device.hears('contact.erased');
    await anna.device.hears('session.ended', ({ id }) => id === anna.device.sessionId);

    const done = await certificate(shop, erasureId);
    expect(done).toMatchObject({
      contacts: 1,
      business: 'Forno Aurora',
      erased: { contacts: 1, accounts: 1, sessions: 1, messages: 4, files: 2, notes: 1, labels: 1, consents: 1 },
      kept: [{ what: 'consent_proofs' }, { what: 'erasure_record', until: null }],
      signature: expect.any(String),
    });
    const [begun, unreadable, residue, finished] = [
      ...[done.begunAt, done.unreadableAt, done.residueUnreadableAt, done.finishedAt].map((at) => Date.parse(at)),
    ] as [number, number, number, number];
    expect(begun <= unreadable && unreadable <= residue && unreadable <= finished).toBe(true);
    expect(JSON.stringify(done)).not.toMatch(/Anna|Rossi|mail\.example/);

    expect(await tablesNaming(anna.contactId, anna.id, anna.device.sessionId)).toEqual(['erased_contact.contact_id']);
    const [left] = await world.rows('SELECT * FROM erased_contact WHERE contact_id = $1', [anna.contactId]);
    expect(left).toMatchObject({ interlocutor_id: null, address_hash: null, proof_hash: null, told_hash: null });
    expect(await world.rows('SELECT FROM attachment')).toEqual([]);
    await until(
      async () =>
        (await readdir(join(world.dataDir, 'files'), { recursive: true })).every((name) => !/[0-9a-f]{8}-/.test(name)),
      'no object is left',
    );
    const [keys] = await world.rows<{ left: number }>(
      'SELECT count(*)::integer AS left FROM wrapped_key WHERE id = ANY ($1::uuid[])',
      [[anna.contactId, anna.id]],
      'keyring',
    );
    expect(keys!.left).toBe(0);
    const ledger = await world.rows<{ scope: string }>(
      'SELECT scope FROM erased WHERE erasure_id = $1 ORDER BY scope',
      [erasureId],
      'keyring',
    );
    expect(ledger).toEqual([{ scope: 'contact' }, { scope: 'interlocutor' }]);
    const { body } = await bruno.device.ask('GET', `/api/conversations/${bruno.contactId}/messages`);
    expect(body.items).toMatchObject([{ body: 'Resto qui' }]);
  });

  test('of one business stays with the other, with its account', async () => {
    const [bakery, florist] = [await world.shop('bakery'), await world.shop('florist')];
    const carla = await world.join(bakery, 'carla');
    const other = await world.joinAlso(carla, florist);
    await carla.device.ask('POST', `/api/conversations/${other}/messages`, { clientId: unique(), body: 'Due rose' });
    const erasureId = await erase(bakery, carla.contactId);
    const done = await certificate(bakery, erasureId);
    expect(done.erased).toMatchObject({ contacts: 1, accounts: 0, sessions: 0 });
    const { body } = await carla.device.ask('GET', '/api/conversations');
    expect(body.items).toMatchObject([{ id: other, counterpart: { businessName: 'Fiori di Marta' } }]);
    expect((await florist.owner.ask('GET', `/api/contacts/${other}`)).body).toMatchObject({ firstName: 'Carla' });
    expect((await carla.device.ask('GET', `/api/conversations/${carla.contactId}`)).status).toBe(404);
  });

  test('is reported to devices that were away, and to no others', async () => {
    const [bakery, florist] = [await world.shop('bakery'), await world.shop('florist')];
    const bruno = await world.join(bakery, 'bruno');
    await world.joinAlso(bruno, florist);
    const since = (await bruno.device.ask('GET', '/api/conversations')).body.syncedAt;
    await erase(bakery, bruno.contactId);
    const changed = `/api/conversations?changedSince=${encodeURIComponent(since)}`;
    expect((await bruno.device.ask('GET', changed)).body.erased).toEqual([bruno.contactId]);
    expect((await bakery.owner.ask('GET', changed)).body.erased).toEqual([bruno.contactId]);
    expect((await florist.owner.ask('GET', changed)).body.erased).toEqual([]);
    expect((await bruno.device.ask('GET', '/api/conversations')).body).not.toHaveProperty('erased');
    const long = new Date(Date.now() - 91 * 24 * 60 * 60 * 1000).toISOString();
    expect((await bruno.device.ask('GET', `/api/conversations?changedSince=${long}`)).body.erased).toBe(null);
  });

  test('leaves a proof of its consents for its term, which only its address finds', async () => {
    const shop = await world.shop('bakery');
    const anna = await world.join(shop, 'anna', { promotions: true });
    const [text] = await world.rows<{ sha256: string }>(
      `SELECT encode(text_sha256, 'hex') AS sha256 FROM consent WHERE contact_id = $1`,
      [anna.contactId],
    );
    const find = (email: string) => shop.owner.ask('POST', '/api/consent-proofs/search', { email });
    expect((await find('anna.rossi@mail.example')).body.items).toEqual([]);
    await certificate(shop, await erase(shop, anna.contactId));
    const { items } = (await find('Anna.Rossi@mail.example')).body;
    expect(items).toHaveLength(2);
    const years = new Date(items[0].keepUntil).getUTCFullYear() - new Date().getUTCFullYear();
    expect(years).toBe(5);
    expect(items.map(({ purpose, sha256 }: { purpose: string; sha256: string }) => [purpose, sha256]).sort()).toEqual([
      ['privacy', text!.sha256],
      ['promotions', text!.sha256],
    ]);
    expect((await find('bruno@mail.example')).body.items).toEqual([]);
    expect(
      (
        await (
          await world.shop('florist')
        ).owner.ask('POST', '/api/consent-proofs/search', { email: 'anna.rossi@mail.example' })
      ).body.items,
    ).toEqual([]);

    const { ConsentProofs } = await import('../src/consents/consent-proofs.service.js');
    const proofs = world.service.app.get(ConsentProofs);
    await proofs.end();
    expect((await find('anna.rossi@mail.example')).body.items).toHaveLength(2);
    const [key] = await world.rows<{ id: string }>('SELECT id FROM consent_proof_key WHERE subscriber_id = $1', [
      shop.id,
    ]);
    await world.rows('ALTER TABLE consent_proof DISABLE TRIGGER USER');
    await world.rows(`UPDATE consent_proof SET keep_until = now() WHERE subscriber_id = $1`, [shop.id]);
    await world.rows('ALTER TABLE consent_proof ENABLE TRIGGER USER');
    await world.rows(`UPDATE consent_proof_key SET keep_until = now() WHERE subscriber_id = $1`, [shop.id]);
    await proofs.end();
    expect((await find('anna.rossi@mail.example')).body.items).toEqual([]);
    expect(await world.rows('SELECT FROM consent_proof_key WHERE subscriber_id = $1', [shop.id])).toEqual([]);
    expect(await world.rows('SELECT FROM wrapped_key WHERE id = $1', [key!.id], 'keyring')).toEqual([]);
  });

  test.each([
    ['deleting a consent', 'DELETE FROM consent'],
    ['changing a consent', 'UPDATE consent SET given = NOT given'],
    ['truncating consents', 'TRUNCATE consent CASCADE'],
    ['changing a proof', 'UPDATE consent_proof SET given = NOT given'],
    ['deleting a proof before its term', 'DELETE FROM consent_proof'],
  ])('does not open a way to %s', async (_, statement) => {
    const shop = await world.shop('bakery');
    const [gone] = [await world.join(shop, 'anna'), await world.join(shop, 'bruno')];
    await certificate(shop, await erase(shop, gone.contactId));
    await expect(world.rows(statement)).rejects.toThrow('append-only');
  });
});

describe('erasing', () => {
  test('is for the owner: for staff and others it does not exist', async () => {
    const [shop, other] = [await world.shop('bakery'), await world.shop('florist')];
    const anna = await world.join(shop, 'anna');
    const { device } = await world.staff(shop);
    const path = `/api/contacts/${anna.contactId}`;
    for (const asker of [device, other.owner, anna.device]) expect((await asker.ask('DELETE', path)).status).toBe(404);
    const erasureId = await erase(shop, anna.contactId);
    for (const asker of [device, other.owner])
      expect((await asker.ask('GET', `/api/erasures/${erasureId}`)).status).toBe(404);
    expect((await shop.owner.ask('DELETE', path)).body).toMatchObject(
      (await shop.owner.ask('GET', `/api/erasures/${erasureId}`)).body.finishedAt === null
        ? { erasureId }
        : { code: 'not_found' },
    );
  });

  test('many contacts requires their number and the name of the business, and names both if they are wrong', async () => {
    const shop = await world.shop('bakery');
    const people = [await world.join(shop, 'anna'), await world.join(shop, 'bruno'), await world.join(shop, 'carla')];
    const ask = (body: unknown) => shop.owner.ask('POST', '/api/erasures', body);
    const confirmation = { contacts: 1, businessName: ' forno aurora' };
    const filter = { province: 'ra' };
    const wrong = await ask({ filter, confirmation: { ...confirmation, contacts: 3 } });
    expect([wrong.status, wrong.body.code]).toEqual([409, 'confirmation_wrong']);
    expect(wrong.body.detail).toBe(
      'Nothing was erased. This would erase 1 contact of "Forno Aurora" for good: to go ahead, confirm with exactly this number and this name.',
    );
    const misnamed = await ask({ filter, confirmation: { contacts: 1, businessName: 'Fiori di Marta' } });
    expect(misnamed.body.code).toBe('confirmation_wrong');
    for (const body of [
      { confirmation },
      { filter: {}, confirmation },
      { filter: { query: ' ' }, confirmation: { ...confirmation, contacts: 3 } },
      { filter: { label: [] }, confirmation: { ...confirmation, contacts: 3 } },
      { filter: { all: true, province: 'RA' }, confirmation },
      { filter, contactIds: [people[0]!.contactId], confirmation },
    ])
      expect((await ask(body)).body.code).toBe('validation_failed');
    expect((await ask({ filter: { query: 'nessuno' }, confirmation })).body.code).toBe('nobody_to_erase');
    expect((await shop.owner.ask('GET', '/api/contacts')).body.total).toBe(3);

    const byFilter = await ask({ filter, confirmation });
    expectStatus(byFilter, 202);
    const names = (await shop.owner.ask('GET', '/api/contacts')).body.items.map(
      (each: { surname: string }) => each.surname,
    );
    expect(names).toEqual(['Rossi', 'Verdi']);
    const ids = [people[0]!.contactId, people[2]!.contactId, crypto.randomUUID()];
    const byIds = await ask({ contactIds: ids, confirmation: { ...confirmation, contacts: 2 } });
    expectStatus(byIds, 202);
    expect((await shop.owner.ask('GET', '/api/contacts')).body.total).toBe(0);
    const done = await certificate(shop, byIds.body.erasureId);
    expect(done).toMatchObject({ contacts: 2, erased: { contacts: 2, accounts: 2 } });
    const { items } = (await shop.owner.ask('GET', '/api/erasures')).body;
    expect(items.map(({ id }: { id: string }) => id)).toEqual([byIds.body.erasureId, byFilter.body.erasureId]);
    const actions = (await shop.owner.ask('GET', '/api/actions')).body.items;
    expect(actions.filter(({ kind }: { kind: string }) => kind === 'contacts.erased')).toHaveLength(2);
  });

  test('can be proposed by staff, which the owner sees', async () => {
    const shop = await world.shop('bakery');
    const [anna, bruno] = [await world.join(shop, 'anna'), await world.join(shop, 'bruno')];
    const [sara, luca] = [await world.staff(shop), await world.staff(shop)];
    const path = '/api/erasure-proposals';
    const contactIds = [anna.contactId, bruno.contactId, crypto.randomUUID()];
    await Promise.all([shop.owner.connect(), anna.device.connect()]);
    expect((await sara.device.ask('POST', path, { contactIds })).body).toEqual({ proposed: 2 });
    expect((await luca.device.ask('POST', path, { contactIds })).body).toEqual({ proposed: 0 });
    const listed = (await shop.owner.ask('GET', path)).body.items;
    expect(listed).toMatchObject([{ proposedBy: sara.id }, { proposedBy: sara.id }]);
    expect((await luca.device.ask('DELETE', `${path}/${bruno.contactId}`)).status).toBe(404);
    expect((await sara.device.ask('DELETE', `${path}/${bruno.contactId}`)).status).toBe(204);
    const told = ({ contactIds: ids }: { contactIds: string[] }, ...wanted: string[]) =>
      ids.length === wanted.length && wanted.every((id) => ids.includes(id));
    await shop.owner.hears('erasure-proposals.changed', (each) => told(each, anna.contactId, bruno.contactId));
    await shop.owner.hears('erasure-proposals.changed', (each) => told(each, bruno.contactId));
    expect(anna.device.heard.map(({ event }) => event)).not.toContain('erasure-proposals.changed');
    await erase(shop, anna.contactId);
    expect((await shop.owner.ask('GET', path)).body.items).toEqual([]);
  });
});

describe('at the same time', () => {
  test('two businesses erase one person: nothing of it is left, and its account is deleted once', async () => {
    const [bakery, florist] = [await world.shop('bakery'), await world.shop('florist')];
    const anna = await world.join(bakery, 'anna');
    const other = await world.joinAlso(anna, florist);
    const erasures = await Promise.all([erase(bakery, anna.contactId), erase(florist, other)]);
    const done = [await certificate(bakery, erasures[0]), await certificate(florist, erasures[1])];
    expect(done.map(({ erased }) => erased.accounts).sort()).toEqual([0, 1]);
    expect(await tablesNaming(anna.contactId, other, anna.id)).toEqual(['erased_contact.contact_id']);
    expect((await anna.device.ask('GET', '/api/me')).status).toBe(401);
    const ids = [anna.contactId, other, anna.id];
    expect(await world.rows('SELECT FROM wrapped_key WHERE id = ANY ($1::uuid[])', [ids], 'keyring')).toEqual([]);
  });

  test('one contact is erased twice: it is one erasure', async () => {
    const shop = await world.shop('bakery');
    const anna = await world.join(shop, 'anna');
    const answers = await Promise.all([1, 2, 3].map(() => shop.owner.ask('DELETE', `/api/contacts/${anna.contactId}`)));
    const ids = new Set(answers.flatMap(({ status, body }) => (status === 202 ? [body.erasureId as string] : [])));
    expect(ids.size).toBe(1);
    expect((await shop.owner.ask('GET', '/api/erasures')).body.items).toHaveLength(1);
  });

  test('a contact is erased again while its erasure begins: both are answered when it is gone', async () => {
    const shop = await world.shop('bakery');
    const anna = await world.join(shop, 'anna');
    const database = world.service.app.get(DataSource);
    let released = false;
    const answered: boolean[] = [];
    const ask = () => erase(shop, anna.contactId).finally(() => answered.push(released));
    const ids = await database.transaction(async (manager) => {
      await manager.query('SELECT FROM contact WHERE id = $1 FOR UPDATE', [anna.contactId]);
      const first = ask();
      const noted = 'SELECT FROM erased_contact WHERE contact_id = $1';
      await until(async () => (await world.rows(noted, [anna.contactId])).length > 0, 'the erasure is written down');
      const both = [first, ask()];
      const waiting = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`;
      await until(
        async () => answered.length > 0 || (await world.rows(waiting)).length === 2,
        'both wait for the contact',
      );
      released = true;
      return both;
    });
    expect(new Set(await Promise.all(ids)).size).toBe(1);
    expect(answered).toEqual([true, true]);
  });

  test('a person joins a second business while the first erases it: it has an account with the second, or none at all', async () => {
    const [bakery, florist] = [await world.shop('bakery'), await world.shop('florist')];
    for (let round = 0; round < 6; round++) {
      const bruno = await world.join(bakery, 'bruno');
      const { code } = await world.invitation(florist);
      const consents = await world.consents(code);
      const [joined, erasureId] = await Promise.all([
        bruno.device.ask('POST', `/api/invitations/by-code/${code}/acceptance`, { consents }),
        erase(bakery, bruno.contactId),
      ]);
      await certificate(bakery, erasureId);
      const me = await bruno.device.ask('GET', '/api/conversations');
      if (joined.status === 201) {
        expect(me.body.items).toMatchObject([{ id: joined.body.contact.id }]);
      } else {
        expect([401, 404]).toContain(joined.status);
        expect(me.status).toBe(401);
        expect(await tablesNaming(bruno.id)).toEqual([]);
      }
    }
  });

  test('messages, files and receipts arrive while a contact is erased: acknowledged ones are gone, and none follow', async () => {
    const shop = await world.shop('bakery');
    const anna = await world.join(shop, 'anna');
    await anna.device.connect();
    await shop.owner.connect();
    let ended = false;
    const path = `/api/conversations/${anna.contactId}/messages`;
    const writers = [
      async () => {
        while (!ended) await shop.owner.ask('POST', path, { clientId: unique(), body: 'x' });
      },
      async () => {
        while (!ended) await anna.device.ask('POST', path, { clientId: unique(), body: 'y' });
      },
      async () => {
        while (!ended) await shop.owner.ask('PUT', `/api/conversations/${anna.contactId}/receipt`, { seenSeq: 1 });
      },
      async () => {
        while (!ended)
          await upload(shop.owner, Buffer.from('z'), { conversationId: anna.contactId }).catch(() => undefined);
      },
      async () => {
        while (!ended) await shop.owner.ask('PATCH', `/api/contacts/${anna.contactId}`, { note: unique() });
      },
    ].map((write) => write());
    await until(async () => {
      const [row] = await world.rows<{ count: number }>(
        'SELECT count(*)::integer FROM message WHERE conversation_id = $1',
        [anna.contactId],
      );
      return row!.count > 20;
    }, 'they write');
    const erasureId = await erase(shop, anna.contactId);
    const refused = await shop.owner.ask('POST', path, { clientId: unique(), body: 'zu spät' });
    expect(refused.status).toBe(404);
    const done = await certificate(shop, erasureId);
    ended = true;
    await Promise.all(writers);
    expect(done.erased.messages).toBeGreaterThan(20);
    expect(await tablesNaming(anna.contactId, anna.id)).toEqual(['erased_contact.contact_id']);
  });

  test('a broadcast runs while its recipients are erased: it ends, and leaves no entry of them', async () => {
    const shop = await world.shop('bakery');
    const people = await Promise.all(Array.from({ length: 8 }, () => world.join(shop, 'carla')));
    const content = {
      clientId: unique(),
      kind: 'service',
      reason: 'closure',
      body: 'Ciao {{firstName}}',
      audience: { all: true },
    };
    const gone = people.slice(0, 5);
    const [made] = await Promise.all([
      shop.owner.ask('POST', '/api/broadcasts', content),
      ...gone.map(({ contactId }) => erase(shop, contactId)),
    ]);
    expectStatus(made, 202);
    await until(
      async () => (await shop.owner.ask('GET', `/api/broadcasts/${made.body.id}`)).body.state === 'finished',
      'it ends',
    );
    for (const { id } of (await shop.owner.ask('GET', '/api/erasures')).body.items) await certificate(shop, id);
    expect(new Set(await tablesNaming(...gone.map(({ contactId }) => contactId)))).toEqual(
      new Set(['erased_contact.contact_id']),
    );
    for (const { contactId, device } of people.slice(5)) {
      const { body } = await device.ask('GET', `/api/conversations/${contactId}/messages`);
      expect(body.items).toMatchObject([{ body: 'Ciao Carla' }]);
    }
  });
});

describe('pending work for an erased person', () => {
  test('an invitation to the same address is deleted with its link', async () => {
    const shop = await world.shop('bakery');
    const email = 'attesa@mail.example';
    const invited = await shop.owner.ask('POST', '/api/invitations', { kind: 'personal', email });
    expectStatus(invited, 201);
    const { contactId } = await world.join(shop, 'anna', { email });
    const code = String(invited.body.url).split('/').at(-1)!;
    expect((await world.ask('GET', `/api/invitations/by-code/${code}`)).status).toBe(200);
    const done = await certificate(shop, await erase(shop, contactId));
    expect(done.erased.invitations).toBe(1);
    expect((await world.ask('GET', `/api/invitations/by-code/${code}`)).status).toBe(404);
    expect(await tablesNaming(invited.body.id)).toEqual(['action.subject_id']);
    expect(await world.rows('SELECT FROM wrapped_key WHERE id = $1', [invited.body.id], 'keyring')).toEqual([]);
  });

  test('its line in an import invites nobody, and the others are invited', async () => {
    const shop = await world.shop('bakery');
    const email = 'ultima@mail.example';
    const { contactId } = await world.join(shop, 'anna', { email });
    const others = Array.from({ length: 3_000 }, (_, index) => `socio${index}@mail.example`);
    const form = new FormData();
    form.set('file', new Blob([['Email', ...others, email].join('\n')]), 'soci.csv');
    const begun = await world.ask('POST', '/api/imports', { token: shop.owner.token, body: form });
    expectStatus(begun, 202);
    const erasureId = await erase(shop, contactId);
    let counts: Record<string, number> = {};
    await until(async () => {
      const { body } = await shop.owner.ask('GET', `/api/imports/${begun.body.id}`);
      counts = body.counts;
      return body.state === 'finished';
    }, 'the import ends');
    await certificate(shop, erasureId);
    expect(counts).toMatchObject({ invited: 3_000 });
    const { body } = await shop.owner.ask('GET', '/api/invitations?kind=personal&limit=200');
    expect(body.items.some((each: { email?: string }) => each.email === email)).toBe(false);
  });
});

describe('an older backup', () => {
  test('that brings a contact back has it erased again, because the keyring knows', async () => {
    const shop = await world.shop('bakery');
    const anna = await world.join(shop, 'anna');
    await say(anna, 'Torno?');
    const dump = async (table: string, column: string, id: string) => ({
      table,
      rows: await world.rows<{ row: unknown }>(`SELECT to_jsonb(${table}) AS row FROM ${table} WHERE ${column} = $1`, [
        id,
      ]),
    });
    const [{ account_id: accountId } = { account_id: '' }] = await world.rows<{ account_id: string }>(
      'SELECT account_id FROM interlocutor WHERE id = $1',
      [anna.id],
    );
    const saved = [
      await dump('account', 'id', accountId),
      await dump('interlocutor', 'id', anna.id),
      await dump('contact', 'id', anna.contactId),
      await dump('conversation', 'id', anna.contactId),
      await dump('watermark', 'conversation_id', anna.contactId),
      await dump('message', 'conversation_id', anna.contactId),
      await dump('consent', 'contact_id', anna.contactId),
    ];
    const erasureId = await erase(shop, anna.contactId);
    await certificate(shop, erasureId);

    // As the tables were before the erasure, which they know nothing of.
    await world.rows('ALTER TABLE consent_proof DISABLE TRIGGER USER');
    await world.rows('DELETE FROM consent_proof WHERE subscriber_id = $1', [shop.id]);
    await world.rows('ALTER TABLE consent_proof ENABLE TRIGGER USER');
    await world.rows('DELETE FROM erased_contact WHERE erasure_id = $1', [erasureId]);
    await world.rows('DELETE FROM erasure WHERE id = $1', [erasureId]);
    const generated = new Set(['restricted_at', 'changed_minute', 'message_minute', 'turn_minute']);
    for (const { table, rows } of saved) {
      for (const { row } of rows) {
        const columns = Object.keys(row as object).filter(
          (column) => table !== 'conversation' || !generated.has(column),
        );
        await world.rows(
          `INSERT INTO ${table} (${columns.join(', ')}) SELECT ${columns.join(', ')} FROM jsonb_populate_record(NULL::${table}, $1)`,
          [JSON.stringify(row)],
        );
      }
    }
    await world.rows(
      `UPDATE erased SET erased_at = '2026-01-15T10:00:00Z' WHERE erasure_id = $1`,
      [erasureId],
      'keyring',
    );
    expect(await world.service.app.get(Erasures).replay()).toBe(2);
    const done = await certificate(shop, erasureId);
    // Her proofs end when the first certificate said, however late the backup is restored.
    expect(done.kept).toMatchObject([{ what: 'consent_proofs', until: '2031-01-15T10:00:00.000Z' }, {}]);
    expect(done).toMatchObject({ origin: 'replay', erased: { contacts: 1, accounts: 1, messages: 1, consents: 1 } });
    expect(await tablesNaming(anna.contactId, anna.id, accountId)).toEqual(['erased_contact.contact_id']);
    expect(await world.service.app.get(Erasures).replay()).toBe(0);
  });
});

describe('every table', () => {
  test('declares how its rows are deleted with each owner that it names', async () => {
    const tables = await world.rows<{ name: string; columns: string[] }>(
      `SELECT relname AS name, ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0) AS columns
       FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`,
    );
    const forgetting = world.service.app.get(Forgetting);
    expect(forgetting.faultsOf(tables)).toEqual([]);
    const stray = [
      { name: 'diary', columns: ['subscriber_id', 'id'] },
      { name: 'label', columns: ['subscriber_id', 'id', 'contact_id'] },
      { name: 'policy', columns: ['id', 'subscriber_id'] },
    ];
    expect(forgetting.faultsOf(stray)).toEqual(['diary', 'label (contact)', 'policy']);
  });

  test('without such a declaration stops the start', async () => {
    const forgetting = new Forgetting(world.service.app.get(DataSource));
    await expect(forgetting.onApplicationBootstrap()).rejects.toThrow(/nobody forgets what stands in .*message/);
  });
});
