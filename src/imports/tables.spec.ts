import { crc32, deflateRawSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import iconv from 'iconv-lite';
import type { Encoding } from '../contract/imports.js';
import { limits } from '../contract/limits.js';
import { DomainError } from '../platform/problems/domain-error.js';
import { NoSuchSheet, readTable } from './tables.js';
import { shownNumber } from './xlsx-numbers.js';

const read = (text: string | Buffer, headerRow?: number) =>
  readTable(typeof text === 'string' ? Buffer.from(text) : text, { headerRow });
const rowsOf = async (text: string | Buffer) => (await read(text)).rows.map(({ values }) => values);
const cell = (text: string) => `<c t="inlineStr"><is><t>${text}</t></is></c>`;
const row = (...cells: string[]) => `<row>${cells.map(cell).join('')}</row>`;

describe('quotation marks', () => {
  test.each([
    ['"Bar Sport" di Rossi & C.;bar@mail.example', ['"Bar Sport" di Rossi & C.', 'bar@mail.example']],
    ['Bar "Sport";bar@mail.example', ['Bar "Sport"', 'bar@mail.example']],
    ['"Bar "Sport" srl";bar@mail.example', ['Bar "Sport" srl', 'bar@mail.example']],
    ['"Bar" e "Caffè";bar@mail.example', ['"Bar" e "Caffè"', 'bar@mail.example']],
    ['"Bar ""Sport""; srl" ;bar@mail.example', ['Bar "Sport"; srl', 'bar@mail.example']],
    ['"Rossi\r\nAnna";anna@mail.example', ['Rossi\r\nAnna', 'anna@mail.example']],
    ['"Ada;ada@mail.example', ['"Ada', 'ada@mail.example']],
    ['"";ada@mail.example', ['', 'ada@mail.example']],
  ])('in %j', async (line, cells) => {
    expect(await rowsOf(`Nome;Email\n${line}\nUgo;ugo@mail.example\n`)).toEqual([cells, ['Ugo', 'ugo@mail.example']]);
  });

  test('that are not closed lose no line', async () => {
    const lines = ['"Ada;ada@mail.example', '"Eva;eva@mail.example', '"Ugo";ugo@mail.example', 'Ida;"ida@mail.example'];
    const { rows } = await read(['Nome;Email', ...lines].join('\n'));
    expect(rows.map(({ line }) => line)).toEqual([2, 3, 4, 5]);
  });
});

describe('the encoding', () => {
  const text = 'Nome;Cognome;Email\nNiccolò;Perché;n@mail.example\nJosé;Città;j@mail.example\n';

  test.each([
    ['utf-8', Buffer.from(text)],
    ['utf-8', Buffer.from(`\uFEFF${text}`)],
    ['utf-16le', iconv.encode(text, 'utf-16le')],
    ['utf-16le', iconv.encode(text, 'utf-16le', { addBOM: true })],
    ['utf-16be', iconv.encode(text, 'utf-16be')],
    ['utf-16be', iconv.encode(text, 'utf-16be', { addBOM: true })],
    ['windows-1252', iconv.encode(text, 'windows-1252')],
    ['macintosh', iconv.encode(text, 'macintosh')],
  ])('%s is found', async (encoding, bytes) => {
    const table = await read(bytes);
    expect(table).toMatchObject({ encoding, damaged: 0, columns: ['Nome', 'Cognome', 'Email'] });
    expect(table.rows[0]!.values).toEqual(['Niccolò', 'Perché', 'n@mail.example']);
  });

  test.each<[Encoding, string[]]>([
    ['cp850', ['Niccolò Perché', 'José Città', 'Lefèvre', 'Nicolò']],
    ['cp850', ['MULLER Jürgen', 'Citt\u00E0 di Castello', 'Però']],
    ['macintosh', ['Jäger', 'Müller', 'Niccolò', 'Città']],
    ['windows-1252', ['Škerk', 'Žiga', 'Niccolò', "L'Été"]],
    ['windows-1252', ['Müller', 'Großmann', 'NICCOLÒ', '“Bar Sport”', 'n° 5', 'Nicol´', 'François']],
    ['windows-1252', ['Øystein Ås', 'Bjørn', 'Muñoz', 'João']],
    ['windows-1251', ['Иван Петров', 'Мария', 'ОЛЬГА СМИРНОВА', 'Шевченко']],
    ['windows-1251', ['Anna Rossi', 'Ірина']],
    ['koi8-r', ['Иван Петров', 'Мария', 'Ольга']],
    ['cp866', ['Иван Петров', 'Мария', 'Ольга']],
    ['windows-1253', ['Γιώργος Παπαδόπουλος', 'Ελένη Νικολάου']],
    ['shift_jis', ['山田 太郎', '鈴木花子', 'ヤマダ タロウ', 'さくら', '表参道ソニー']],
    ['windows-1250', ['Łukasz Żółć', 'Świętosława', 'Jiří Dvořák']],
    ['windows-1254', ['Yıldız Şahin', 'Ayşe', 'İbrahim', 'Oğuz']],
  ])('%s is told by the words that it makes of a list', async (encoding, names) => {
    const list = `Nome;Email\n${names.map((name, index) => `${name};n${index}@mail.example`).join('\n')}\n`;
    const table = await read(iconv.encode(list, encoding));
    expect(table.rows.map(({ values }) => values[0])).toEqual(names);
    expect(table).toMatchObject({ encoding, gibberish: false, damaged: 0 });
  });

  test.each<Encoding>(['euc-kr', 'gb18030', 'big5', 'windows-1255', 'windows-1256'])(
    '%s is not guessed: what is read is called gibberish until the encoding is said',
    async (encoding) => {
      const names = {
        'euc-kr': '김철수',
        gb18030: '王小明',
        big5: '王小明',
        'windows-1255': 'דוד',
        'windows-1256': 'محمد',
      };
      const name = names[encoding as keyof typeof names];
      const bytes = iconv.encode(`Nome;Email\n${name};n@mail.example\n${name};m@mail.example\n`, encoding);
      expect(await read(bytes)).toMatchObject({ gibberish: true, garbled: 2 });
      const table = await readTable(bytes, { encoding });
      expect(table).toMatchObject({ encoding, gibberish: false, garbled: 0 });
      expect(table.rows[0]!.values[0]).toBe(name);
    },
  );

  test('of UTF-8 that was decoded wrongly and saved again is reported as gibberish', async () => {
    const twice = iconv.decode(
      Buffer.from('Nome;Email\nNiccolò;n@mail.example\nPerché;p@mail.example\n'),
      'windows-1252',
    );
    expect(await read(twice)).toMatchObject({ encoding: 'utf-8', gibberish: true, garbled: 2 });
    const sound =
      'Nome;Email\nÂngela;a@mail.example\nFRANÇÃO;b@mail.example\nГалина;c@mail.example\n“Bar”;d@mail.example\n';
    expect(await read(sound)).toMatchObject({ gibberish: false, garbled: 0 });
  });

  test('is in doubt if another one yields equally good words', async () => {
    const table = await read(Buffer.from('Nome;Email\nJ\x8Ager;j@mail.example\n', 'latin1'));
    expect(table).toMatchObject({ doubtful: true, gibberish: false });
    expect(await read(iconv.encode(text, 'windows-1252'))).toMatchObject({ doubtful: false });
  });

  test('is used if stated, and invalid characters are counted', async () => {
    const bytes = Buffer.concat([
      Buffer.from('Nome;Email\nNiccol'),
      Buffer.from([0xf2]),
      Buffer.from(';n@mail.example\n'),
    ]);
    expect(await readTable(bytes, { encoding: 'utf-8' })).toMatchObject({ encoding: 'utf-8', damaged: 1 });
    const table = await readTable(bytes, { encoding: 'windows-1251' });
    expect(table).toMatchObject({ encoding: 'windows-1251', gibberish: false, garbled: 1 });
    expect(table.rows[0]!.values[0]).toBe('Niccolт');
  });

  test('is detected in time proportional to the file', async () => {
    for (const piece of ['\xE9', 'a\xE9', 'a', '\xE9;', '\x83\x5C'])
      await read(Buffer.from(`Email\n${`${piece.repeat(30_000 / piece.length)}\n`.repeat(100)}`, 'latin1'));
  });

  test('stays UTF-8 if one byte is broken', async () => {
    const broken = Buffer.concat([
      Buffer.from(`${text}Fran`),
      Buffer.from([0xe7]),
      Buffer.from('ois;Noël;f@mail.example\n'),
    ]);
    const table = await read(broken);
    expect(table).toMatchObject({ encoding: 'utf-8', damaged: 1 });
    expect(table.rows.map(({ values }) => values[0])).toEqual(['Niccolò', 'José', 'François']);
  });

  test('of upper case in Windows-1252 is not taken for Mac Roman', async () => {
    const table = await read(
      iconv.encode('NOME;EMAIL\nNICCOLÒ CITTÀ;n@mail.example\nL’ÈRA;l@mail.example', 'windows-1252'),
    );
    expect(table.encoding).toBe('windows-1252');
    expect(table.rows[0]!.values[0]).toBe('NICCOLÒ CITTÀ');
  });
});

describe('the header', () => {
  const file = 'sep=,\nElenco soci;2026\n\nTitolo,a,b\nNome,Cognome,Email\nAda,Rossi,ada@mail.example\n';

  test('is found below titles, and can be stated', async () => {
    expect(await read(file)).toMatchObject({ headerRow: 5, above: 2, columns: ['Nome', 'Cognome', 'Email'] });
    expect(await read(file, 4)).toMatchObject({ headerRow: 4, columns: ['Titolo', 'a', 'b'] });
    await expect(read(file, 3)).rejects.toThrow();
  });

  test('can have 200 columns, without empty ones at its end', async () => {
    const names = (count: number) => Array.from({ length: count }, (_, index) => `c${index}`).join(',');
    expect((await read(`${names(limits.importColumns)},,,\n1`)).columns).toHaveLength(200);
    await expect(read(`${names(limits.importColumns + 1)}\n1`)).rejects.toThrow(/more than 200 columns/);
    const cells = Array.from({ length: 201 }, (_, index) => cell(`c${index}`)).join('');
    await expect(read(workbookOf(`<row>${cells}</row>${row('1')}`))).rejects.toThrow(/more than 200 columns/);
  });
});

describe('a table', () => {
  test.each(['', 'sep=|\n'])('can have bars between its cells: %j', async (stated) => {
    expect(await read(`${stated}Nome|Email\nAda|ada@mail.example\n`)).toMatchObject({
      separator: '|',
      columns: ['Nome', 'Email'],
      rows: [{ values: ['Ada', 'ada@mail.example'] }],
    });
  });

  test('with very many empty columns costs no more than its bytes, and lets other work continue', async () => {
    const file = `email${','.repeat(99_000)}\n${'a@mail.example\n'.repeat(2_000)}`;
    expect(await read(file)).toMatchObject({ columns: ['email'], rows: { length: 2_000 } });
    let turns = 0;
    const turn = (): void => void (turns++, (next = setImmediate(turn)));
    let next = setImmediate(turn);
    await read(`email\n${`${','.repeat(400)}\n`.repeat(9_000)}`);
    clearImmediate(next);
    expect(turns).toBeGreaterThan(20);
  });

  test('can have 100,000 characters a line and 10,000 lines', async () => {
    const line = (length: number) => `Email;Note\n;${'x'.repeat(length - 1)}\n`;
    expect((await read(line(limits.importLineLength))).rows).toHaveLength(1);
    await expect(read(line(limits.importLineLength + 1))).rejects.toThrow(/Line 2 is too long.*100,000/);
    const lines = (count: number) => read(`Email\n${'a@mail.example\n'.repeat(count)}`);
    expect((await lines(limits.importLines)).rows).toHaveLength(limits.importLines);
    await expect(lines(limits.importLines + 1)).rejects.toThrow(DomainError);
  });

  test.each([
    ['an old Excel file', Buffer.from('\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1', 'latin1'), /\.xls.*Save As/],
    ['a PDF', Buffer.from('%PDF-1.7'), /PDF.*as CSV/],
    ['cards', Buffer.from('BEGIN:VCARD\nVERSION:3.0'), /vCard.*as CSV/],
    ['a web page', Buffer.from('<html><table>'), /formatted document/],
    ['an archive', Buffer.from('PK\x03\x04nothing', 'latin1'), /not an Excel workbook/],
    [
      'OpenDocument',
      Buffer.from('PK\x03\x04mimetypeapplication/vnd.oasis.opendocument.spreadsheet', 'latin1'),
      /\.ods.*CSV/,
    ],
    ['Numbers', Buffer.from('PK\x03\x04Index/Document.iwa', 'latin1'), /Numbers.*Export To/],
  ])('is not %s, and the error says what to do', async (_, bytes, words) => {
    await expect(read(bytes)).rejects.toThrow(words);
  });
});

describe('a workbook of several sheets', () => {
  const book = (sheets: Record<string, string>, { chart = false, hidden = '' } = {}) => {
    const names = Object.keys(sheets);
    const listed = names.map(
      (name, index) =>
        `<sheet name="${name}" sheetId="${index + 1}" r:id="rId${index + 1}"${name === hidden ? ' state="hidden"' : ''}/>`,
    );
    const related = names.map(
      (_, index) => `<Relationship Id="rId${index + 1}" Type="x/worksheet" Target="worksheets/s${index + 1}.xml"/>`,
    );
    if (chart) {
      listed.unshift('<sheet name="Grafico" sheetId="99" r:id="rId99"/>');
      related.push('<Relationship Id="rId99" Type="x/chartsheet" Target="chartsheets/sheet1.xml"/>');
    }
    return workbookOf('', {
      'xl/workbook.xml': `<workbook xmlns:r="r"><sheets>${listed.join('')}</sheets></workbook>`,
      'xl/_rels/workbook.xml.rels': `<Relationships>${related.join('')}</Relationships>`,
      ...(chart && { 'xl/chartsheets/sheet1.xml': '<chartsheet/>' }),
      ...Object.fromEntries(
        Object.values(sheets).map((rows, index) => [
          `xl/worksheets/s${index + 1}.xml`,
          `<worksheet><sheetData>${rows}</sheetData></worksheet>`,
        ]),
      ),
    });
  };
  const list = row('Nome', 'Email') + row('Ada', 'ada@mail.example');

  test.each<[string, Record<string, string>, string]>([
    ['a cover', { Copertina: row('Elenco soci 2026') + row('Contatti: info@mail.example'), Soci: list }, 'Soci'],
    ['an empty one', { Foglio1: '', Foglio2: list }, 'Foglio2'],
    ['a key', { Legenda: row('Note', 'Stato') + row('1', 'attivo'), Soci: list }, 'Soci'],
    ['another list after it', { Soci: list, Vecchi: list }, 'Soci'],
    [
      'addresses without names of columns',
      { Copertina: row('Soci'), Dati: row('Ada', 'a@x.it') + row('Ugo', 'u@x.it') },
      'Dati',
    ],
    ['no list at all', { Uno: row('a', 'b') + row('c', 'd'), Due: '' }, 'Uno'],
  ])('is read where the list is: %s', async (_, sheets, expected) => {
    const bytes = book(sheets);
    const table = await readTable(bytes, { headerRow: expected === 'Dati' ? 0 : undefined });
    expect(table).toMatchObject({ sheet: expected, sheets: Object.keys(sheets) });
  });

  test('offers its sheets by name, without charts and hidden ones', async () => {
    const bytes = book(
      { Soci: list, Clienti: row('Email') + row('c@mail.example'), Nascosto: list },
      { chart: true, hidden: 'Nascosto' },
    );
    expect(await read(bytes)).toMatchObject({ sheet: 'Soci', sheets: ['Soci', 'Clienti'], rows: { length: 1 } });
    const clients = await readTable(bytes, { sheet: 'Clienti' });
    expect(clients).toMatchObject({ sheet: 'Clienti', rows: [{ values: ['c@mail.example'] }] });
    for (const sheet of ['Grafico', 'Nascosto', 'soci ']) {
      await expect(readTable(bytes, { sheet })).rejects.toMatchObject({ sheets: ['Soci', 'Clienti'] });
    }
    await expect(readTable(Buffer.from('Email\na@x.it'), { sheet: 'Soci' })).rejects.toThrow(NoSuchSheet);
    await expect(readTable(book({ Uno: '', Due: list }), { sheet: 'Uno' })).rejects.toThrow(/sheet is empty.*"sheet"/);
    await expect(read(book({}, { chart: true }))).rejects.toThrow(/no sheet with visible cells/);
  });

  test('counts failed formulas only of the sheet that is read', async () => {
    const uncomputed = `<row>${cell('x')}<c><f>B1</f></c></row>`;
    expect(await read(book({ Uno: uncomputed, Soci: list }))).toMatchObject({ sheet: 'Soci', uncomputed: 0 });
  });
});

describe('a workbook', () => {
  test('reports failed formulas, and has readable dates', async () => {
    const cells =
      '<c t="e"><v>#N/A</v></c><c t="d"><v>2026-01-31T00:00:00</v></c><c t="d"><v>2026-01-31T09:30:00Z</v></c>';
    expect(await rowsOf(workbookOf(row('Email', 'A', 'B') + `<row>${cells}</row>`))).toEqual([
      ['#N/A', '2026-01-31', '2026-01-31 09:30'],
    ]);
  });

  test('that is damaged or hostile is refused', async () => {
    const sound = workbookOf(row('Email') + row('a@mail.example'));
    expect(await rowsOf(sound)).toEqual([['a@mail.example']]);
    await expect(read(sound.subarray(0, sound.length - 30))).rejects.toThrow(/damaged/);
    await expect(read(workbookOf('<row><c>'))).rejects.toThrow(/damaged/);
    await expect(read(workbookOf('', { 'xl/_rels/workbook.xml.rels': '<Relationships/>' }))).rejects.toThrow(/damaged/);
    const entities = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>';
    const bomb = `${entities}<worksheet><sheetData><row>${cell('&b;')}</row></sheetData></worksheet>`;
    await expect(read(workbookOf('', { 'xl/worksheets/sheet1.xml': bomb }))).rejects.toThrow(/damaged/);
    await expect(read(workbookOf(row('&b;')))).rejects.toThrow(/damaged/);
  });

  test('that unpacks to more than 50 MB is refused before it is unpacked', async () => {
    const bomb = workbookOf(`<row>${' '.repeat(limits.importUnpackedBytes)}</row>`);
    expect(bomb.length).toBeLessThan(limits.importBytes);
    await expect(read(bomb)).rejects.toThrow(/unpacks to more than 50 MB/);
  });

  test('can have 1,000,000 shared texts', async () => {
    const texts = (count: number) => `<sst>${'<si/>'.repeat(count)}</sst>`;
    const bomb = workbookOf(row('Email'), { 'xl/sharedStrings.xml': texts(1_000_001) });
    await expect(read(bomb)).rejects.toThrow(/more than 1,000,000 texts/);
  });

  test('can have texts with escaped characters', async () => {
    const shared = '<sst><si><t>Via Po_x000D_\n1</t></si><si><t>a_x005F_x000D_b</t></si></sst>';
    const cells = `${cell('x_x0041_y')}<c t="s"><v>0</v></c><c t="s"><v>1</v></c><c t="str"><v>_x00e0__xyz_</v></c>`;
    const book = workbookOf(`${row('A', 'B', 'C', 'D')}<row>${cells}</row>`, { 'xl/sharedStrings.xml': shared });
    expect(await rowsOf(book)).toEqual([['xAy', 'Via Po\r\n1', 'a_x000D_b', 'à_xyz_']]);
  });

  test.each(['worksheets/sheet1.xml', './worksheets/sheet1.xml', '../xl/worksheets/sheet1.xml'])(
    'names its sheet %s',
    async (target) => {
      const relations = `<Relationships><Relationship Id="rId1" Target="${target}"/></Relationships>`;
      const book = workbookOf(row('Email') + row('a@mail.example'), { 'xl/_rels/workbook.xml.rels': relations });
      expect(await rowsOf(book)).toEqual([['a@mail.example']]);
    },
  );

  test('with very long number formats and very many styles can be read', async () => {
    const code = '['.repeat(100_000);
    const styles = `<styleSheet><numFmts><numFmt numFmtId="200" formatCode="${code}"/></numFmts><cellXfs><xf numFmtId="200"/>${'<xf/>'.repeat(100_000)}</cellXfs></styleSheet>`;
    const book = workbookOf(`${row('Codice')}${'<row><c s="0"><v>1</v></c></row>'.repeat(2_000)}`, {
      'xl/styles.xml': styles,
    });
    expect((await rowsOf(book)).at(-1)).toEqual(['1']);
  });

  test('can have cells of 32,767 characters', async () => {
    const sheet = (length: number) => read(workbookOf(row('Email', 'Note') + row('', 'x'.repeat(length))));
    expect((await sheet(limits.importCellLength)).rows).toHaveLength(1);
    await expect(sheet(limits.importCellLength + 1)).rejects.toThrow(/Line 2 is too long/);
  });

  test('counts formulas without a stored value', async () => {
    const rows = row('Email', 'Nome') + `<row>${cell('a@mail.example')}<c><f>B1</f></c></row>`;
    expect(await read(workbookOf(rows))).toMatchObject({ uncomputed: 1 });
  });

  test.each([
    ['184', '00000', '00184'],
    ['511234567', '000" "0000000', '051 1234567'],
    ['123456', '00000', '123456'],
    ['0', '000', '000'],
    ['3.331234567E9', 'General', '3331234567'],
    ['3331234567', '0', '3331234567'],
    ['0.1', 'General', '0.1'],
    ['0.30000000000000004', 'General', '0.3'],
    ['46053', 'dd/mm/yyyy', '2026-01-31'],
    ['46053.5', 'yyyy\\-mm\\-dd', '2026-01-31'],
    ['46053.396', 'dd/mm/yyyy hh:mm', '2026-01-31 09:30'],
    ['46053', '[$-410]d mmmm yyyy;@', '2026-01-31'],
    ['46053', 'mmmm', '2026-01-31'],
    ['46053', 'm/d/yy h:mm AM/PM', '2026-01-31 00:00'],
    ['0.39583333', 'hh:mm:ss', '09:30'],
    ['0.39583333', 'h:mm AM/PM', '09:30'],
    ['1.25', '[h]:mm', '30:00'],
    ['1.5', '0.00', '1.5'],
    ['12', '0 "mesi"', '12'],
    ['-7', '0000', '-7'],
  ])('shows %s in the format %s as %s', (raw, code, shown) => {
    expect(shownNumber(raw, 0, { from1904: false, codes: [code] })).toBe(shown);
  });
});

/** A ZIP archive of some texts, compressed (APPNOTE.TXT of PKWARE), for workbooks that no program would write. */
function zipOf(parts: Record<string, string | Buffer>): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(parts)) {
    const bytes = Buffer.from(content as string);
    const packed = deflateRawSync(bytes);
    const path = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(path.length, 22);
    local.push(Buffer.from('PK\x03\x04', 'latin1'), common, path, packed);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    central.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, place, path);
    offset += 30 + path.length + packed.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(Object.keys(parts).length, 8);
  end.writeUInt16LE(Object.keys(parts).length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, directory, end]);
}

/** A workbook of one sheet, given as the XML of its rows. */
function workbookOf(rows: string, changes: Record<string, string | Buffer> = {}): Buffer {
  const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
  const relationships = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
  return zipOf({
    'xl/workbook.xml': `<workbook xmlns="${main}" xmlns:r="${relationships}"><sheets><sheet name="A" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': `<Relationships><Relationship Id="rId1" Type="${relationships}/worksheet" Target="/xl/worksheets/sheet1.xml"/></Relationships>`,
    'xl/worksheets/sheet1.xml': `<worksheet xmlns="${main}"><sheetData>${rows}</sheetData></worksheet>`,
    ...changes,
  });
}
