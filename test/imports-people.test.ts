import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import iconv from 'iconv-lite';
import { limits } from '../src/contract/limits.js';
import { ImportTurns } from '../src/imports/turns.js';
import { InvitationMails } from '../src/invitations/invitation-mails.service.js';
import { limitNamed, RateLimits } from '../src/platform/rate-limits.js';
import { type Answer, expectStatus, type Shop, unique, until, World } from './support/world.js';

/** Fate of imported people: in the report, when they join, and when an import is cancelled. */

let world: World;
beforeAll(async () => {
  world = await World.shared();
});
afterAll(() => world.close());

const address = () => `socio-${unique()}@mail.example`;

async function upload(shop: Shop, file: string | Buffer, fields: Record<string, string> = {}): Promise<Answer> {
  const form = new FormData();
  form.set('file', new Blob([typeof file === 'string' ? file : new Uint8Array(file)]), 'soci.csv');
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  return world.ask('POST', '/api/imports', { token: shop.owner.token, body: form });
}

const dryRun = async (shop: Shop, file: string | Buffer, fields: Record<string, string> = {}) => {
  const answer = await upload(shop, file, { dryRun: 'true', ...fields });
  expectStatus(answer, 200);
  return answer.body;
};

/** Imports a file, waits until it is done, and gives its report. */
async function imported(shop: Shop, file: string | Buffer, fields: Record<string, string> = {}) {
  const begun = await upload(shop, file, fields);
  expectStatus(begun, 202);
  const path = `/api/imports/${begun.body.id}`;
  let view: Answer['body'];
  await until(async () => {
    view = (await shop.owner.ask('GET', path)).body;
    return view.state === 'finished';
  }, 'the import ends');
  const { body } = await shop.owner.ask('GET', `${path}/report?limit=200`);
  return { id: begun.body.id as string, view, lines: body.items as Answer['body'][] };
}

async function invitation(shop: Shop, id: string): Promise<Answer['body']> {
  const { body } = await shop.owner.ask('GET', '/api/invitations?limit=200');
  return body.items.find((each: { id: string }) => each.id === id);
}

const byCode = (code: string) => world.ask('GET', `/api/invitations/by-code/${code}`);

async function join(code: string, changes: Record<string, unknown>): Promise<Answer['body']> {
  const body = await world.joining(code, 'anna', { region: undefined, province: undefined, ...changes });
  const answer = await world.ask('POST', `/api/invitations/by-code/${code}/acceptance`, { body });
  expectStatus(answer, 201);
  return answer.body;
}

const contact = async (shop: Shop, id: string) => (await shop.owner.ask('GET', `/api/contacts/${id}`)).body;

const header = 'Codice;Nome;Cognome;Email;Provincia;Settore;Telefono;Note;Etichette';

describe('an imported person who joins', () => {
  let shop: Shop;
  let codes: string[];
  let ids: string[];
  beforeAll(async () => {
    shop = await world.shop('bakery');
    const file = [
      header,
      `17;Ada;Rossi;${address()};modena;Bar;051 1234567;Paga in contanti;"VIP, Soci"`,
      `18;Ugo;Neri;${address()};BO;;;;`,
    ];
    const { lines } = await imported(shop, file.join('\n'), { labels: 'Importati 2026' });
    ids = lines.map(({ invitationId }) => invitationId);
    codes = await Promise.all(ids.map(async (id) => (await invitation(shop, id)).code));
  });

  test('finds the form filled in, without the business’s own notes', async () => {
    const { body } = await byCode(codes[0]!);
    expect(body.suggestion).toEqual({
      ...{ firstName: 'Ada', surname: 'Rossi', email: expect.stringContaining('@mail.example') },
      ...{ province: 'MO', sector: 'Bar' },
    });
    expect((await byCode((await world.invitation(shop)).code)).body).not.toHaveProperty('suggestion');
  });

  test('becomes a contact with all imported data, and keeps it when correcting its name', async () => {
    const joined = await join(codes[0]!, { email: address() });
    const { body: labels } = await shop.owner.ask('GET', '/api/labels');
    const names = new Map(labels.items.map(({ id, name }: { id: string; name: string }) => [id, name]));
    const view = await contact(shop, ids[0]!);
    expect(view).toMatchObject({
      ...{ id: joined.contact.id, province: 'MO', region: null, sector: 'Bar' },
      ...{ externalId: '17', phone: '+39 051 123 4567', note: 'Paga in contanti' },
    });
    expect(view.labels.map((id: string) => names.get(id)).sort()).toEqual(['Importati 2026', 'Soci', 'VIP']);
    const found = await shop.owner.ask('GET', '/api/contacts?province=Modena');
    expect(found.body.items.map(({ id }: { id: string }) => id)).toEqual([ids[0]]);
    const { token } = joined.session;
    const edit = async (changes: unknown) =>
      expectStatus(await world.ask('PATCH', '/api/me', { token, body: changes }), 200);
    await edit({ firstName: 'Adele' });
    expect(await contact(shop, ids[0]!)).toMatchObject({ firstName: 'Adele', province: 'MO', sector: 'Bar' });
    await edit({ province: null });
    expect(await contact(shop, ids[0]!)).toMatchObject({ province: null, sector: 'Bar' });
  });

  test('keeps the place stated in its own form', async () => {
    await join(codes[1]!, { email: address(), province: 'rm', region: ' ', sector: '' });
    expect(await contact(shop, ids[1]!)).toMatchObject({
      province: 'RM',
      region: null,
      sector: null,
      externalId: '18',
    });
  });
});

describe('places', () => {
  test('are lists for Italy', async () => {
    const regions = await world.ask('GET', '/api/regions?country=IT');
    expect(regions.body.items).toHaveLength(20);
    const provinces = await world.ask('GET', '/api/provinces');
    expect(provinces.body.items).toContainEqual({ code: 'MO', name: 'Modena', region: 'Emilia-Romagna' });
    const elsewhere = await world.ask('GET', '/api/provinces?country=AT');
    expectStatus(elsewhere, 400);
    expect(elsewhere.body.detail).toContain('free text');
  });

  test('count as one in every spelling, including older entries', async () => {
    const shop = await world.shop('bakery');
    const [old, short] = [await world.join(shop, 'anna'), await world.join(shop, 'carla', { province: 'mo' })];
    await world.rows(`UPDATE contact SET province = 'Modena' WHERE id = $1`, [old.contactId]);
    const { body: facets } = await shop.owner.ask('GET', '/api/contacts/facets');
    expect(facets.province).toEqual([{ value: 'MO', contacts: 2 }]);
    const message = {
      kind: 'service',
      reason: 'other',
      body: 'Chiuso',
      audience: { provinces: ['Provincia di Modena'] },
    };
    const { body } = await shop.owner.ask('POST', '/api/broadcasts/preview', message);
    expect(body.recipients).toBe(2);
    expect((await contact(shop, short.contactId)).province).toBe('MO');
  });
});

test('a phone number belongs to the business’s notes, and is stored in international form', async () => {
  const shop = await world.shop('bakery');
  const anna = await world.join(shop, 'anna');
  const path = `/api/contacts/${anna.contactId}`;
  const written = async (phone: unknown) => {
    expectStatus(await shop.owner.ask('PATCH', path, { phone }), 200);
    return (await contact(shop, anna.contactId)).phone as unknown;
  };
  expect(await written('333/1234567')).toBe('+39 333 123 4567');
  expect(await written('333 1234567 (sera)')).toBe('333 1234567 (sera)');
  expect(await written('1'.repeat(limits.phoneLength))).toBe('1'.repeat(limits.phoneLength));
  for (const phone of ['x', '1'.repeat(limits.phoneLength + 1), 333]) {
    const refused = await shop.owner.ask('PATCH', path, { phone });
    expectStatus(refused, 400);
    expect(refused.body.errors[0]).toMatchObject({ field: 'phone', message: expect.stringContaining('40 characters') });
  }
  expect(await written('')).toBeNull();
  expect((await anna.device.ask('GET', '/api/me')).body.interlocutor).not.toHaveProperty('phone');
});

describe('the report', () => {
  test('says the result of each line, and why', async () => {
    const shop = await world.shop('bakery');
    const taken = await world.join(shop, 'anna');
    expectStatus(await shop.owner.ask('PATCH', `/api/contacts/${taken.contactId}`, { externalId: 'X1' }), 200);
    const family = address();
    const file = [
      header,
      `D1;Maria;Rossi;${family};;;;;`,
      `;Anna;Bianchi;${family};;;;;`,
      `;maria;ROSSI;${family.toUpperCase()};;;;;`,
      `D1;Luca;Bruni;${address()};;;;;`,
      ';Luca;Bruni;;;;;;rosso',
      ';Luca;Bruni;;;;;;blu',
      `X1;Eva;Neri;${address()};;;;;`,
      'X1;Eva;Neri;;;;;;',
      `;Ida;Gallo;${address()};;;12345;${'n'.repeat(2_001)};`,
    ].join('\n');
    const preview = await dryRun(shop, file);
    const { lines, view } = await imported(shop, file);
    const said = lines.map(({ line, outcome, via, sameAs, field, reason }) =>
      [line, outcome, via, sameAs, field, reason].filter((each) => each !== undefined),
    );
    expect(said).toEqual([
      [2, 'invited', 'mail'],
      [3, 'invited', 'letter', 2, 'email', 'same_address'],
      [4, 'duplicate_in_file', 2],
      [5, 'invited', 'mail', 2, 'externalId', 'external_id_repeated'],
      [6, 'invited', 'letter'],
      [7, 'invited', 'letter'],
      [8, 'invited', 'mail', 'externalId', 'external_id_taken'],
      [9, 'duplicate_in_file', 8],
      [10, 'invited', 'mail', 'note', 'too_long'],
    ]);
    expect(preview.counts).toEqual(view.counts);
    expect(preview.letters).toBe(3);
    const again = await imported(
      shop,
      file
        .split('\n')
        .sort((a, b) => (a === header ? -1 : b === header ? 1 : a < b ? 1 : -1))
        .join('\n'),
    );
    expect(again.view.counts).toMatchObject({ invited: 0, already_invited: 7, duplicate_in_file: 2 });
  });

  test('lists corrections: invitations of people who have not joined follow the file', async () => {
    const shop = await world.shop('bakery');
    const email = address();
    const first = await imported(shop, `${header}\n;Mario;Rosi;${email};;;;;`);
    const { invitationId } = first.lines[0];
    const second = await imported(shop, `${header}\n21;Mario;Rossi;${email};BO;;;;VIP`);
    expect(second.lines).toMatchObject([{ outcome: 'corrected', invitationId }]);
    expect((await invitation(shop, invitationId)).suggestion).toMatchObject({
      ...{ firstName: 'Mario', surname: 'Rossi', province: 'BO', externalId: '21', labels: [expect.any(String)] },
    });
    const third = await imported(shop, `Nome;Cognome;Email\nMario;Rossi;${email}`);
    expect(third.lines).toMatchObject([{ outcome: 'already_invited', invitationId }]);
    await join((await invitation(shop, invitationId)).code, { email });
    const fourth = await imported(shop, `Nome;Cognome;Email\nMarietto;Rossi;${email}`);
    expect(fourth.lines).toMatchObject([{ outcome: 'already_there' }]);
  });
});

describe('a file whose people would become letters', () => {
  const refused = async (shop: Shop, file: string, fields: Record<string, string> = {}) => {
    const answer = await upload(shop, file, fields);
    expectStatus(answer, 409);
    expect(answer.body.code).toBe('import_needs_confirmation');
    expect((await shop.owner.ask('GET', '/api/imports')).body.items).toEqual([]);
    return answer.body.detail as string;
  };

  test('is imported after a confirmation: no address in the file', async () => {
    const shop = await world.shop('bakery');
    const file = 'Nome;Cognome\nUgo;Verdi\nAda;Rossi\n';
    expect(await dryRun(shop, file)).toMatchObject({
      ...{ letters: 2, needsConfirmation: true, warnings: [{ code: 'nobody_by_mail', count: 2 }] },
    });
    expect(await refused(shop, file)).toContain('Nobody in this file would get a mail: 2 people');
    const { view } = await imported(shop, file, { confirm: 'letters' });
    expect(view.counts.invited).toBe(2);
  });

  test('is imported after a confirmation: a column that is left out contains addresses', async () => {
    const shop = await world.shop('bakery');
    const file = `Nome;Posta;Mia\nUgo;${address()};\nAda;${address()};\nEva;;${address()}\n`;
    const mapping = JSON.stringify({ Nome: 'firstName', Mia: 'email' });
    expect(await dryRun(shop, file, { mapping })).toMatchObject({
      needsConfirmation: true,
      warnings: [
        { code: 'most_by_letter', count: 2 },
        { code: 'addresses_left_out', count: 2 },
      ],
    });
    expect(await refused(shop, file, { mapping })).toContain('2 lines hold an address');
    const both = JSON.stringify({ Nome: 'firstName', Posta: 'email', Mia: 'email' });
    expect((await imported(shop, file, { mapping: both })).lines.map(({ via }) => via)).toEqual([
      'mail',
      'mail',
      'mail',
    ]);
  });
});

describe('an import that is cancelled', () => {
  const cancel = (shop: Shop, id: string, body: unknown = {}) =>
    shop.owner.ask('POST', `/api/imports/${id}/cancellation`, body);
  const active = async (shop: Shop) =>
    (await shop.owner.ask('GET', '/api/invitations?kind=personal&state=active&limit=200')).body.items;

  test('revokes its waiting invitations in one step, and deletes their people', async () => {
    const shop = await world.shop('bakery');
    await shop.owner.connect();
    const kept = await shop.owner.ask('POST', '/api/invitations', { kind: 'personal', email: address() });
    const file = [
      header,
      ...Array.from({ length: 60 }, (_, index) => `K${index};Ada;A${index};${address()};;;;;`),
      ';Ugo;Neri;;;;;;',
    ];
    const { id, lines } = await imported(shop, file.join('\n'));
    const [{ code }] = await active(shop);
    const answer = await cancel(shop, id);
    expectStatus(answer, 200);
    expect(answer.body).toMatchObject({ id, state: 'cancelled', revoked: { mails: 60, letters: 0 } });
    expect(await active(shop)).toHaveLength(2);
    expect((await cancel(shop, id, { letters: true })).body.revoked).toEqual({ mails: 0, letters: 1 });
    expect((await cancel(shop, id, { letters: true })).body.revoked).toEqual({ mails: 0, letters: 0 });
    expect((await active(shop)).map((each: { id: string }) => each.id)).toEqual([kept.body.id]);
    expectStatus(await byCode(code), 410);
    expect(
      await world.rows(
        'SELECT FROM invitation WHERE import_id = $1 AND (email IS NOT NULL OR suggestion IS NOT NULL)',
        [id],
      ),
    ).toEqual([]);
    const keys = lines.map(({ invitationId }) => invitationId);
    await until(
      async () => (await world.rows('SELECT FROM wrapped_key WHERE id = ANY ($1)', [keys], 'keyring')).length === 0,
      'the keys are destroyed',
    );
    await world.service.app.get(InvitationMails).postWaiting();
    expect(await world.rows('SELECT FROM mail WHERE key_id = ANY ($1)', [keys])).toEqual([]);
    const told = await shop.owner.hears('import.progressed', ({ state }) => state === 'cancelled');
    expect(told).toMatchObject({ id, state: 'cancelled' });
    expect((await shop.owner.ask('GET', `/api/imports/${id}`)).body.state).toBe('cancelled');
    expect((await imported(shop, file.join('\n'))).view.counts.invited).toBe(61);
  });

  test('while it is running invites no further people', async () => {
    const shop = await world.shop('bakery');
    const file = `Email\n${Array.from({ length: 1_500 }, address).join('\n')}\n`;
    const begun = await upload(shop, file);
    expectStatus(begun, 202);
    const answer = await cancel(shop, begun.body.id);
    expectStatus(answer, 200);
    expect(answer.body.done).toBeLessThan(1_500);
    expect(answer.body.revoked.mails).toBe(answer.body.done);
    const { Imports } = await import('../src/imports/imports.service.js');
    await world.service.app.get(Imports).proceed();
    expect(await active(shop)).toEqual([]);
    expect(await world.rows('SELECT FROM import_chunk WHERE import_id = $1', [begun.body.id])).toEqual([]);
  });

  test('cannot be accessed by another business', async () => {
    const [shop, other] = [await world.shop('bakery'), await world.shop('florist')];
    const { id } = await imported(shop, `Email\n${address()}\n`);
    expectStatus(await cancel(other, id), 404);
    expect((await shop.owner.ask('GET', `/api/imports/${id}`)).body.state).toBe('finished');
  });
});

describe('files', () => {
  const list = (name: string) => readFileSync(new URL(`address-lists/${name}`, import.meta.url));

  test('of Excel are read, and those of old versions refused with advice', async () => {
    const shop = await world.shop('bakery');
    expect(await dryRun(shop, list('excel-it.xlsx'))).toMatchObject({
      ...{ format: 'xlsx', headerRow: 3, total: 2, counts: { invited: 2 } },
      warnings: [
        { code: 'rows_above_header', count: 1 },
        { code: 'other_sheets', count: 1 },
      ],
    });
    const { lines } = await imported(shop, list('excel-it.xlsx'));
    expect((await invitation(shop, lines[0].invitationId)).suggestion).toMatchObject({ externalId: '00184' });
    const refused = await upload(shop, Buffer.from('\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1', 'latin1'));
    expectStatus(refused, 422);
    expect(refused.body).toMatchObject({ code: 'import_unreadable', detail: expect.stringContaining('Save As') });
  });

  test('can name a sheet, and list the existing ones', async () => {
    const shop = await world.shop('bakery');
    const preview = await dryRun(shop, list('excel-it.xlsx'));
    const [first, second] = preview.sheets;
    expect(preview.sheet).toBe(first);
    const other = await upload(shop, list('excel-it.xlsx'), { dryRun: 'true', sheet: second });
    expect([400, 422]).toContain(other.status);
    const refused = await upload(shop, list('excel-it.xlsx'), { dryRun: 'true', sheet: 'Soci 2020' });
    expect(refused).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'sheet', code: 'sheet', values: { sheets: [first, second] } }] },
    });
    expect(await upload(shop, 'Email\na@mail.example', { dryRun: 'true', sheet: 'x' })).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'sheet', code: 'exclusive' }] },
    });
    for (const [length, code] of [
      [limits.sheetNameLength, 'sheet'],
      [limits.sheetNameLength + 1, 'too_long'],
    ] as const) {
      const { body } = await upload(shop, list('excel-it.xlsx'), { dryRun: 'true', sheet: 'x'.repeat(length) });
      expect(body.errors).toMatchObject([{ field: 'sheet', code }]);
    }
  });

  test('in other alphabets are read correctly, or refused until their encoding is stated', async () => {
    const shop = await world.shop('bakery');
    const written = (encoding: string, ...names: string[]) =>
      iconv.encode(['Nome;Email', ...names.map((name) => `${name};${address()}`)].join('\n'), encoding);
    const { view, lines } = await imported(shop, written('windows-1251', 'Иван', 'Мария'));
    expect(view.encoding).toBe('windows-1251');
    expect((await invitation(shop, lines[0].invitationId)).suggestion).toEqual({ firstName: 'Иван' });

    const korean = written('euc-kr', '김철수', '이영희');
    expect(await dryRun(shop, korean)).toMatchObject({
      ...{ encoding: 'windows-1252', needsConfirmation: true },
      warnings: [{ code: 'garbled', count: 2 }],
    });
    for (const confirm of [{}, { confirm: 'letters' }]) {
      const refused = await upload(shop, korean, confirm as Record<string, string>);
      expect(refused).toMatchObject({ status: 409, body: { code: 'import_needs_confirmation' } });
      expect(refused.body.detail).toContain('"encoding"');
    }
    expectStatus(await upload(shop, korean, { dryRun: 'true', encoding: 'klingon' }), 400);
    const said = await dryRun(shop, korean, { encoding: 'euc-kr' });
    expect(said).toMatchObject({ encoding: 'euc-kr', needsConfirmation: false, warnings: [] });
    expect(said.sample[0].firstName).toBe('김철수');
    expect((await imported(shop, korean, { encoding: 'euc-kr' })).view.counts.invited).toBe(2);
  });

  test('report lines whose person a spreadsheet has lost, and files without any person', async () => {
    const shop = await world.shop('bakery');
    const exchange = '/O=EXCHANGELABS/OU=EXCHANGE ADMINISTRATIVE GROUP/CN=RECIPIENTS/CN=UGO';
    const lines = [`Ada;${address()}`, 'Eva;#N/D', `Ugo;${exchange}`, 'Totale;'];
    const file = ['Nome;Email', ...lines].join('\n');
    const { view, lines: reported } = await imported(shop, file);
    expect(view.counts).toMatchObject({ invited: 1, invalid: 3 });
    expect(reported.map(({ reason }) => reason)).toEqual([
      undefined,
      'formula_error',
      'no_internet_address',
      'total_line',
    ]);
    expect(await dryRun(shop, 'Nome;Cognome;Email\n')).toMatchObject({
      total: 0,
      warnings: [{ code: 'nobody', count: 0 }],
    });
    const refused = await upload(shop, 'Nome;Cognome;Email\n');
    expect(refused).toMatchObject({ status: 422, body: { code: 'import_empty' } });
    expect(refused.body.detail).toContain('no people in this file');
  });

  test('can state the line of their header', async () => {
    const shop = await world.shop('bakery');
    const file = `Nome;Cognome;Email\na;b;c\nAda;Rossi;${address()}\n`;
    const fields = { headerRow: '2', mapping: JSON.stringify({ c: 'email', a: 'firstName' }) };
    expect(await dryRun(shop, file, fields)).toMatchObject({ total: 1, headerRow: 2, counts: { invited: 1 } });
    for (const headerRow of ['9', '-1', 'x']) {
      const refused = await upload(shop, file, { dryRun: 'true', headerRow });
      expectStatus(refused, 400);
      expect(refused.body.errors[0].field).toBe('headerRow');
    }
  });

  test('are read one at a time for each business', async () => {
    const shop = await world.shop('bakery');
    const boundary = 'x-boundary';
    const sent = request(`${world.url}/api/imports`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${shop.owner.token}`,
        'content-type': `multipart/form-data; boundary=${boundary}`,
      },
    });
    const answered = new Promise<number>((resolve, reject) => {
      sent.on('response', (response) => resolve(response.resume().statusCode!)).on('error', reject);
    });
    const disposition = 'content-disposition: form-data';
    sent.write(`--${boundary}\r\n${disposition}; name="dryRun"\r\n\r\ntrue\r\n`);
    const other = () => upload(shop, `Email\n${address()}\n`, { dryRun: 'true' });
    const turns = world.service.app.get(ImportTurns);
    await until(() => {
      try {
        turns.enter(shop.id)();
        return false;
      } catch {
        return true;
      }
    }, 'the first file is on its way');
    const refused = await other();
    expectStatus(refused, 429);
    expect(refused.body).toMatchObject({
      code: 'rate_limited',
      detail: expect.stringContaining('Another of your files'),
    });
    expectStatus(await upload(await world.shop('florist'), `Email\n${address()}\n`, { dryRun: 'true' }), 200);
    sent.end(
      `--${boundary}\r\n${disposition}; name="file"; filename="a.csv"\r\n\r\nEmail\na@mail.example\r\n--${boundary}--\r\n`,
    );
    expect(await answered).toBe(200);
    expectStatus(await other(), 200);
  });

  test('count against a limit, dry runs too', async () => {
    const shop = await world.shop('bakery');
    const counted = world.service.app.get(RateLimits);
    for (let sent = 2; sent < limits.importsPerHour; sent++) await counted.count(limitNamed('import'), shop.id);
    expectStatus(await upload(shop, `Email\n${address()}\n`, { dryRun: 'true' }), 200);
    expectStatus(await upload(shop, '', { dryRun: 'true' }), 422);
    const refused = await upload(shop, `Email\n${address()}\n`, { dryRun: 'true' });
    expectStatus(refused, 429);
    expect(refused.body.retryAfter).toBeGreaterThan(3_000);
  });

  test('with very many columns do not hold up the service', async () => {
    const shop = await world.shop('bakery');
    const file = `email${','.repeat(99_000)}\n${'a@mail.example\n'.repeat(2_000)}`;
    expect((await dryRun(shop, file)).counts).toMatchObject({ invited: 1, duplicate_in_file: 1_999 });
    const named = `email${',x'.repeat(limits.importColumns)}\n`;
    const refused = await upload(shop, named, { dryRun: 'true' });
    expectStatus(refused, 422);
    expect(refused.body.detail).toContain('more than 200 columns');
  });
});

test('the export can be imported again, with labels, notes and phones', async () => {
  const [shop, elsewhere] = [await world.shop('bakery'), await world.shop('florist')];
  const anna = await world.join(shop, 'anna', { surname: "x;=cmd|'/C calc'!A0;z", email: address() });
  const label = await shop.owner.ask('POST', '/api/labels', { name: 'Soci, attivi' });
  const second = await shop.owner.ask('POST', '/api/labels', { name: '=VIP' });
  const added = {
    ...{ phone: '+39 051 123 4567', note: 'prima\n- seconda', externalId: '+7' },
    labels: [label.body.id, second.body.id],
  };
  expectStatus(await shop.owner.ask('PATCH', `/api/contacts/${anna.contactId}`, added), 200);
  const { body: csv } = await shop.owner.ask('GET', '/api/contacts/export?locale=it');
  const cells = String(csv).split(/[;,\t\r\n]/);
  for (const cell of cells) expect(cell.replace(/^[ "]+/, '')).not.toMatch(/^[=+\-@]/);
  const { lines } = await imported(elsewhere, String(csv));
  const { suggestion } = await invitation(elsewhere, lines[0].invitationId);
  expect(suggestion).toMatchObject({
    ...{ firstName: 'Anna', surname: "x;=cmd|'/C calc'!A0;z", phone: '+39 051 123 4567', note: 'prima\n- seconda' },
    ...{ externalId: '+7', labels: [expect.any(String), expect.any(String)] },
  });
  const { body: labels } = await elsewhere.owner.ask('GET', '/api/labels');
  expect(labels.items.map(({ name }: { name: string }) => name).sort()).toEqual(['=VIP', 'Soci, attivi']);
});
