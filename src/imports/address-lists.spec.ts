import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { nameBeside } from './addresses.js';
import { guessFields } from './columns.js';
import { compared, RecordReader } from './people.js';
import { readTable } from './tables.js';

/** Lists as mail programs, shops and spreadsheets export them, each with invented people. */

const bytesOf = (name: string) => readFileSync(new URL(`../../test/address-lists/${name}`, import.meta.url));

async function understood(bytes: Buffer, headerRow?: number) {
  const table = await readTable(bytes, { headerRow });
  const fields = guessFields(table.columns, table.rows);
  const reader = new RecordReader(table.columns, fields, 'IT');
  const records = compared(table.rows.map((row) => reader.read(row)));
  const people = records.map(({ person, labels, invalid, left }) => ({
    ...person?.suggestion,
    ...(person?.email !== undefined && { email: person.email }),
    ...(labels.length > 0 && { labels }),
    ...(invalid && { invalid }),
    ...(left && { left }),
  }));
  const named = Object.fromEntries(
    table.columns.flatMap((name, index) => (fields[index] ? [[name, fields[index]]] : [])),
  );
  return { table, named, people };
}

describe('an exported list is recognised: from', () => {
  test('Google Contacts', async () => {
    const { named, people } = await understood(bytesOf('google-new.csv'));
    expect(named).toMatchObject({
      'First Name': 'firstName',
      'Last Name': 'surname',
      'File As': 'fullName',
      'Organization Name': 'companyName',
      'E-mail 1 - Value': 'email',
      'E-mail 2 - Value': 'email',
      'Phone 1 - Value': 'phone',
      'Address 1 - Region': 'province',
      Labels: 'labels',
      Notes: 'note',
    });
    expect(people).toEqual([
      {
        firstName: 'Anna',
        surname: 'Rossi',
        email: 'anna.rossi@mail.example',
        phone: '+39 333 123 4567',
        province: 'MO',
        note: 'Preferisce la mattina',
        labels: ['Clienti'],
      },
      { companyName: 'Osteria del Ponte', email: 'info@osteria.example' },
      { firstName: 'Giorgio', surname: 'Conti', email: 'giorgio@mail.example' },
      { firstName: 'Idraulico', phone: '+39 340 765 4321' },
      { email: 'li.wei@mail.example' },
    ]);
  });

  test('Google Contacts before 2024', async () => {
    const { table, named, people } = await understood(bytesOf('google-old.csv'));
    expect(table).toMatchObject({ encoding: 'utf-16le', separator: ',' });
    expect(named).toMatchObject({ Name: 'fullName', 'Given Name': 'firstName', 'Group Membership': 'labels' });
    expect(people).toEqual([
      {
        firstName: 'Giorgio',
        surname: 'Conti',
        email: 'giorgio@mail.example',
        phone: '+39 333 123 4567',
        labels: ['Soci'],
      },
      { firstName: 'Mamma', email: 'mamma@mail.example' },
      { companyName: 'Caffè Nicolò', email: 'caffe@mail.example' },
    ]);
  });

  test('Outlook in English', async () => {
    const { people } = await understood(bytesOf('outlook-en.csv'));
    expect(people).toEqual([
      {
        firstName: 'Anna',
        surname: 'Rossi',
        email: 'anna.rossi@mail.example',
        phone: '+39 333 123 4567',
        province: 'MO',
        note: 'Riga uno\nRiga due',
        labels: ['Clienti', 'VIP'],
      },
      {
        firstName: 'Bruno',
        surname: 'Bianchi',
        companyName: 'Bianchi e figli',
        email: 'bruno@mail.example',
        province: 'BO',
      },
    ]);
  });

  test('Outlook in Italian', async () => {
    const { table, people } = await understood(bytesOf('outlook-it.csv'));
    expect(table.encoding).toBe('windows-1252');
    expect(people).toEqual([
      {
        firstName: 'Niccolò',
        surname: "D'Angelo",
        companyName: 'Caffè Nicolò',
        email: 'niccolo@mail.example',
        phone: '+39 340 765 4321',
        province: 'BO',
        labels: ['Fornitori'],
      },
    ]);
  });

  test.each([
    [
      'German',
      'outlook-de.csv',
      {
        ...{ firstName: 'Jörg', surname: 'Müller', companyName: 'Müller GmbH', email: 'joerg@mail.example' },
        ...{ phone: '+49 1512 3456789', labels: ['Kunden'] },
      },
    ],
    [
      'French',
      'outlook-fr.csv',
      {
        ...{ firstName: 'Élodie', surname: 'Lefèvre', email: 'elodie@mail.example', phone: '+33 6 12 34 56 78' },
        note: 'Parle italien',
      },
    ],
    [
      'Spanish',
      'outlook-es.csv',
      { firstName: 'José', surname: 'Núñez', email: 'jose@mail.example', phone: '+34 612 34 56 78' },
    ],
  ])('Outlook in %s', async (_, name, expected) => {
    expect((await understood(bytesOf(name))).people).toEqual([expected]);
  });

  test('Thunderbird', async () => {
    expect((await understood(bytesOf('thunderbird.csv'))).people).toEqual([
      {
        ...{ firstName: 'Carla', surname: 'Verdi', email: 'carla@mail.example', phone: '+39 333 123 4567' },
        ...{ province: 'RA', note: 'Torta il sabato' },
      },
      { firstName: 'Dora', surname: 'Neri', email: 'dora@mail.example' },
    ]);
  });

  test('WooCommerce', async () => {
    expect((await understood(bytesOf('woocommerce.csv'))).people).toEqual([
      {
        ...{ firstName: 'Anna', surname: 'Rossi', email: 'anna.rossi@mail.example', phone: '+39 333 123 4567' },
        ...{ province: 'MO', externalId: '184' },
      },
      { firstName: 'Bruno', surname: 'Bianchi', email: 'bruno@mail.example', province: 'RM', externalId: '0' },
    ]);
  });

  test('Mailchimp, whose regions are numbers', async () => {
    expect((await understood(bytesOf('mailchimp.csv'))).people).toEqual([
      { firstName: 'Anna', surname: 'Rossi', email: 'anna.rossi@mail.example', labels: ['Soci', 'VIP'] },
      { email: 'bruno@mail.example' },
    ]);
  });

  test('PrestaShop', async () => {
    expect((await understood(bytesOf('prestashop.csv'))).people).toEqual([
      {
        ...{ firstName: 'Bruno', surname: 'Bianchi', email: 'bruno@mail.example', externalId: '12' },
        labels: ['Cliente'],
      },
    ]);
  });

  test('Shopify', async () => {
    expect((await understood(bytesOf('shopify.csv'))).people).toEqual([
      {
        ...{ firstName: 'Anna', surname: 'Rossi', email: 'anna.rossi@mail.example', phone: '+39 333 123 4567' },
        ...{ province: 'MO', externalId: '7001', note: 'Allergica alle noci', labels: ['newsletter', 'VIP'] },
      },
    ]);
  });

  test('Excel in Italian, with whole names and certified addresses', async () => {
    expect((await understood(bytesOf('excel-it.csv'))).people).toEqual([
      {
        ...{ firstName: 'Maria', surname: 'De Luca', email: 'maria@mail.example', phone: '+39 333 123 4567' },
        ...{ province: 'MO', externalId: '0007' },
      },
      {
        ...{ companyName: 'Bar Sport S.n.c.', email: 'bar@pec.example', province: 'BO', externalId: '0008' },
        note: '=chiuso il lunedì',
      },
    ]);
  });

  test('Excel with its own first line, a title and careless quotation marks', async () => {
    const { table, people } = await understood(bytesOf('excel-it-sep.csv'));
    expect(table).toMatchObject({ separator: ',', headerRow: 4, above: 1 });
    expect(people).toEqual([
      { firstName: 'Anna', surname: 'Rossi', email: 'anna.rossi@mail.example', phone: '+39 051 123 4567' },
      { companyName: '"Bar Sport" di Rossi & C.', email: 'bar@mail.example' },
    ]);
  });

  test('Numbers, with the table’s name on top', async () => {
    const { table, people } = await understood(bytesOf('numbers.csv'));
    expect(table).toMatchObject({ encoding: 'utf-8', headerRow: 2, above: 1 });
    expect(people).toEqual([
      { firstName: 'Niccolò', surname: "D'Angelo", email: 'niccolo@mail.example' },
      { companyName: 'Più Tè S.r.l.', email: 'te@mail.example' },
    ]);
  });

  test('an old Excel for Mac', async () => {
    const { table, people } = await understood(bytesOf('excel-mac.csv'));
    expect(table.encoding).toBe('macintosh');
    expect(people).toEqual([
      { firstName: 'Niccolò', surname: 'Città', email: 'niccolo@mail.example' },
      { firstName: 'José', surname: 'Perché', email: 'jose@mail.example' },
    ]);
  });

  test('a list whose email addresses are recognised by content, beside postal ones', async () => {
    const { named, people } = await understood(bytesOf('address-column.csv'));
    expect(named).toEqual({ Name: 'fullName', Mailbox: 'email' });
    expect(people).toEqual([
      { firstName: 'Anna', surname: 'Rossi', email: 'anna.rossi@mail.example' },
      { firstName: 'Bruno', surname: 'Bianchi', email: 'bruno@mail.example' },
    ]);
  });

  test('an Excel workbook', async () => {
    const { table, people } = await understood(bytesOf('excel-it.xlsx'));
    expect(table).toMatchObject({
      format: 'xlsx',
      headerRow: 3,
      above: 1,
      sheets: [expect.any(String), expect.any(String)],
      uncomputed: 0,
    });
    expect(people).toEqual([
      {
        ...{ firstName: 'Niccolò', surname: "D'Angelo", email: 'niccolo@mail.example', externalId: '00184' },
        ...{ phone: '+39 051 123 4567', note: '2026-01-31' },
      },
      {
        ...{ firstName: 'Anna', surname: 'Rossi', email: 'anna@mail.example', externalId: '00007' },
        phone: '+39 333 123 4567',
        left: { field: 'note', reason: 'formula_error' },
      },
    ]);
  });

  test('a list without a header, if stated', async () => {
    const file = Buffer.from('Rossi;Anna;anna.rossi@mail.example\nBianchi;Bruno;bruno@mail.example\n');
    await expect(understood(file)).rejects.toThrow(/headerRow/);
    const { table, named } = await understood(file, 0);
    expect(table.columns).toEqual(['A', 'B', 'C']);
    expect(table.rows).toHaveLength(2);
    expect(named).toEqual({ C: 'email' });
  });
});

test('columns of WooCommerce orders are recognised, billing ones first', async () => {
  const header =
    'Order Number,Phonetic First Name,First Name (Shipping),Last Name (Shipping),State Code (Shipping),Phone (Shipping),First Name (Billing),Last Name (Billing),State Code (Billing),Phone (Billing),Email (Billing)';
  const { named, people } = await understood(
    Buffer.from(
      `${header}\n1,12345,Ugo,Bassi,BO,051 7654321,Anna,Rossi,MO,051 1234567,anna@mail.example\n2,12345,Ugo,Bassi,BO,051 7654321,,,,,ugo@mail.example`,
    ),
  );
  expect(named).not.toHaveProperty('Phonetic First Name');
  expect(people).toEqual([
    { firstName: 'Anna', surname: 'Rossi', province: 'MO', phone: '+39 051 123 4567', email: 'anna@mail.example' },
    { firstName: 'Ugo', surname: 'Bassi', province: 'BO', phone: '+39 051 765 4321', email: 'ugo@mail.example' },
  ]);
});

test('numbers that a spreadsheet stored as text lose its marks, and rounded ones are left out', async () => {
  const { people } = await understood(
    Buffer.from(
      `Codice;Nome;Telefono\n="00123";Anna;'+39 333 1234567\n'00124;Ugo;="051 1234567"\n"=""00125""";Eva;'051 1234567\n00126;Ida;=+393331234567\n'=5;Leo;3,33E+09`,
    ),
  );
  expect(people).toEqual([
    { externalId: '00123', firstName: 'Anna', phone: '+39 333 123 4567' },
    { externalId: '00124', firstName: 'Ugo', phone: '+39 051 123 4567' },
    { externalId: '00125', firstName: 'Eva', phone: '+39 051 123 4567' },
    { externalId: '00126', firstName: 'Ida', phone: '+39 333 123 4567' },
    { externalId: '=5', firstName: 'Leo', left: { field: 'phone', reason: 'not_a_phone' } },
  ]);
});

describe('a cell with a whole line', () => {
  const repeated = (text: string) => text.repeat(99_000 / text.length);

  test.each([
    `x<${repeated(' ')}y`,
    `x${repeated(' ')}y<`,
    `a@${repeated('.')}x`,
    `mailto:${repeated(' ')}@?\nx`,
    repeated('a@'),
    repeated('/@'),
    repeated('"'),
    repeated('surname'),
    repeated('& '),
    repeated(' \uFEFF'),
  ])('takes no longer than its characters: %#', async (cell) => {
    const fields = ['email', 'fullName', 'companyName', 'phone', 'externalId', 'province', 'note', 'labels'] as const;
    for (const field of fields) {
      const reader = new RecordReader([cell], [field], 'IT');
      const row = { line: 2, values: [cell] };
      expect(reader.read(row).line).toBe(2);
      expect(reader.holdsOtherAddress(row, [0])).toBe(false);
    }
    expect(guessFields([cell, 'Email'], [{ line: 2, values: [cell, cell] }])).toHaveLength(2);
    expect(nameBeside(cell)).toBeUndefined();
    const { columns } = await readTable(Buffer.from(`Nome;"${cell.replaceAll('"', '').slice(0, 32_000)}"\nAda;x`));
    expect(columns[0]).toBe('Nome');
  });

  test.each([
    ['Anna Rossi <anna@mail.example>', 'Anna Rossi'],
    ['"Rossi, Anna" <anna@mail.example>', 'Rossi, Anna'],
    ['"Rossi" "Anna" <anna@mail.example>', undefined],
    ['" " <anna@mail.example>', undefined],
    ['<anna@mail.example>', undefined],
    ['Anna <anna>', undefined],
    ['Anna <@anna>', undefined],
    ['Anna <anna@mail.example> x', undefined],
    ['a@b <anna@mail.example>', undefined],
  ])('%j names %j', (cell, name) => {
    expect(nameBeside(cell)).toBe(name);
  });
});

describe('the people of a list', () => {
  const header = 'Codice;Nome;Cognome;Email;Telefono;Colore';
  const read = async (...lines: string[]) => {
    const table = await readTable(Buffer.from([header, ...lines].join('\n')));
    const fields = guessFields(table.columns, table.rows);
    const reader = new RecordReader(table.columns, fields, 'IT');
    return compared(table.rows.map((row) => reader.read(row)));
  };

  test('are recognised: one name at one address is one person', async () => {
    const [, second, third] = await read(
      '1;Maria;Rossi;casa@mail.example;;',
      ';ROSSI;maria;CASA@mail.example;;',
      ';;;casa@mail.example;;',
    );
    expect(second).toMatchObject({ duplicate: true, sameAs: 2 });
    expect(third).toMatchObject({ duplicate: true, sameAs: 2 });
  });

  test('are distinct: a family at one address', async () => {
    const [first, second] = await read(';Maria;Rossi;casa@mail.example;;', ';Anna;Bianchi;casa@mail.example;;');
    expect(first!.person!.shared).toBe('first');
    expect(second!).toMatchObject({ sameAs: 2, left: { field: 'email', reason: 'same_address' } });
    expect(second!.person!.shared).toBe('further');
    expect(second).not.toHaveProperty('duplicate');
  });

  test('are distinct: two with one customer code, which the first keeps', async () => {
    const [first, second, third] = await read(
      'D1;Maria;Rossi;maria@mail.example;;',
      'D1;Anna;Bianchi;;;',
      'D1;Maria;Rossi;;;',
    );
    expect(first!.person!.suggestion!.externalId).toBe('D1');
    expect(second!.person!.suggestion).not.toHaveProperty('externalId');
    expect(second).toMatchObject({ sameAs: 2, left: { field: 'externalId', reason: 'external_id_repeated' } });
    expect(third).toMatchObject({ duplicate: true, sameAs: 2 });
  });

  test('are distinct: namesakes without an address that differ in any column, in any order', async () => {
    const lines = [';Luca;Bruni;;;blu', ';Luca;Bruni;;;rosso', ';Luca;Bruni;;;blu'];
    const [one, two, repeated] = await read(...lines);
    expect(repeated).toMatchObject({ duplicate: true, sameAs: 2 });
    expect(new Set([one!.person!.apart, two!.person!.apart]).size).toBe(2);
    const turned = await read(...[...lines].reverse());
    expect(new Set(turned.slice(0, 2).map(({ person }) => person!.apart))).toEqual(
      new Set([one!.person!.apart, two!.person!.apart]),
    );
  });

  test('lose only what cannot be stored', async () => {
    const [noPhone, noCode] = await read(
      ';Anna;Rossi;a@mail.example;nessuno;',
      `${'9'.repeat(65)};Anna;Rossi;b@mail.example;051 1234567;`,
    );
    expect(noPhone).toMatchObject({
      person: { email: 'a@mail.example' },
      left: { field: 'phone', reason: 'not_a_phone' },
    });
    expect(noCode).toMatchObject({ invalid: { field: 'externalId', reason: 'too_long' } });
  });

  test.each([
    '#N/A',
    '#N/D',
    '#NOME?',
    '#RIF!',
    '#VALORE!',
    '#DIV/0!',
    '#REF!',
    '#NAME?',
    '#BEZUG!',
    'Err:502',
    '####',
  ])('are not those whose formula has failed: %s', async (error) => {
    const [mail, name, other, phone] = await read(
      `1;Ada;Rossi;${error};;`,
      `2;${error};Neri;u@mail.example;;`,
      `${error};Ugo;Neri;v@mail.example;;`,
      `4;Eva;Verdi;e@mail.example;${error};`,
    );
    expect(mail).toMatchObject({ invalid: { field: 'email', reason: 'formula_error' } });
    expect(name).toMatchObject({ invalid: { field: 'firstName', reason: 'formula_error' } });
    expect(other).toMatchObject({ invalid: { field: 'externalId', reason: 'formula_error' } });
    expect(phone).toMatchObject({
      person: { email: 'e@mail.example' },
      left: { field: 'phone', reason: 'formula_error' },
    });
  });

  test('have a column of addresses even if many of its formulas have failed', async () => {
    const lines = Array.from({ length: 9 }, (_, index) => `${index};Ada;Rossi;#N/D;;`);
    const records = await read(...lines, '9;Ugo;Neri;u@mail.example;;');
    expect(records.filter(({ invalid }) => invalid?.reason === 'formula_error')).toHaveLength(9);
    expect(records.at(-1)).toMatchObject({ person: { email: 'u@mail.example' } });
  });

  test.each(['Totale;;;;;', 'TOTALE CLIENTI: 2;;;;;', 'Total;12;;;;', ';Totale;;;2;', 'Totali;#N/D;;;1.234,50 €;'])(
    'do not have the sums below them among them: %s',
    async (total) => {
      const [first, sums, date] = await read('1;Ada;Rossi;a@mail.example;;', total, 'Totale generale;;;;2;');
      expect(first).toHaveProperty('person');
      for (const each of [sums, date]) {
        expect(each).toMatchObject({ invalid: { reason: expect.stringMatching(/total_line|formula_error/) } });
        expect(each).not.toHaveProperty('person');
      }
    },
  );

  test('can have such a name, above others or with a name or an address', async () => {
    const records = await read(
      'T1;Total;;;;',
      ';Total;;;;',
      '1;Ada;Rossi;a@mail.example;;',
      ';Total;Energie;;;',
      ';Total;;total@mail.example;;',
    );
    expect(records.every(({ person }) => person)).toBe(true);
  });

  test('of Outlook have the address behind their mailbox name, or are reported without one', async () => {
    const name = '/O=EXCHANGELABS/OU=EXCHANGE ADMINISTRATIVE GROUP (FYDIBOHF23SPDLT)/CN=RECIPIENTS/CN=1A2B-ANNA';
    const { named, people } = await understood(
      Buffer.from(
        [
          'First Name,Last Name,E-mail Address,E-mail Type,E-mail Display Name,E-mail 2 Address',
          `Anna,Rossi,${name},EX,Anna Rossi (anna@mail.example),`,
          `Ugo,Neri,${name.toLowerCase()},EX,Ugo Neri,`,
          `Eva,Verdi,${name},EX,Eva Verdi,eva@mail.example`,
          `Ida,Bianchi,${name},EX,Ida Bianchi,`,
          `Leo,Conti,ufficio,SMTP,Leo Conti (leo@mail.example),`,
        ].join('\n'),
      ),
    );
    expect(named['E-mail Address']).toBe('email');
    expect(people).toEqual([
      { firstName: 'Anna', surname: 'Rossi', email: 'anna@mail.example' },
      { invalid: { field: 'email', reason: 'no_internet_address' } },
      { firstName: 'Eva', surname: 'Verdi', email: 'eva@mail.example' },
      { invalid: { field: 'email', reason: 'no_internet_address' } },
      { invalid: { field: 'email', reason: 'not_an_address' } },
    ]);
  });

  test.each([
    ['a@mail.example; b@mail.example', 'a@mail.example'],
    ['<a@mail.example>', 'a@mail.example'],
    ['mailto:a@mail.example', 'a@mail.example'],
    ['Anna Rossi <a@mail.example>', 'a@mail.example'],
    ['"Rossi, Anna" <a@mail.example>', 'a@mail.example'],
    ['non@valida, a@mail.example', 'a@mail.example'],
    ['\u00A0a@mail.example.', 'a@mail.example'],
    ['a@mail.example/b@mail.example', 'a@mail.example'],
    ['a/b@mail.example', 'a/b@mail.example'],
  ])('have an address in %j', async (cell, email) => {
    const [record] = await read(`;;;"${cell.replaceAll('"', '""')}";;`);
    expect(record).toMatchObject({ person: { email } });
  });
});
