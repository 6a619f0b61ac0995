import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, LessThan, MoreThan, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { Actions } from '../actions/actions.service.js';
import type { MemberPrincipal } from '../auth/principal.js';
import { Consents } from '../consents/consents.service.js';
import type { Locale } from '../contract/common.js';
import { type Encoding, type ImportField, importFields, type ImportReason } from '../contract/imports.js';
import { limits } from '../contract/limits.js';
import type { InvitedPerson } from '../invitations/invited-people.service.js';
import { type Assessment, Invitations } from '../invitations/invitations.service.js';
import { Labels } from '../labels/labels.service.js';
import { openPage } from '../platform/cursors.js';
import type { Forgotten, Gone } from '../platform/forgetting/holdings.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { inTurns } from '../platform/jobs/in-turns.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { Log } from '../platform/log.js';
import { DomainError, NotFound, ValidationFailed } from '../platform/problems/domain-error.js';
import { type Fault, fieldError } from '../platform/problems/field-error.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { rooms } from '../platform/realtime/rooms.js';
import { plainTextProblem } from '../platform/validation/text.js';
import { AddressHashes } from '../platform/vault/address-hashes.js';
import { Vault } from '../platform/vault/vault.js';
import type { Subscriber } from '../subscribers/subscriber.entity.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { guessFields, singleFields } from './columns.js';
import { UnreadableTable } from './csv.js';
import { Import, ImportChunk, ImportLine } from './import.entity.js';
import {
  type CancelImport,
  type CancelledImport,
  type ImportLineView,
  type ImportList,
  type ImportPreview,
  type ImportReport,
  type ImportView,
  type ImportWarning,
  ListImports,
  type NewImport,
  type OutcomeCounts,
  ReadReport,
} from './imports.dto.js';
import { compared, type ImportRecord, labelsIn, RecordReader, type Remark } from './people.js';
import { pausing } from '../platform/pausing.js';
import { NoSuchRow, NoSuchSheet, readTable, type Table } from './tables.js';
import { ImportTurns } from './turns.js';

/** An uploaded file. */
export interface ImportFile {
  name: string;
  bytes: Buffer;
}

/** Runs at once, and every minute to continue after a crash. */
const proceedWithImports = defineJob('import.proceed', { cron: '* * * * *', expireInSeconds: 300 });
/** Goes after the keys of people whose invitations were revoked with their import. */
const destroyRevoked = defineJob<{ subscriberId: string; importId: string }>('import.destroy_revoked', {
  retryBackoff: true,
});

const recordsPerChunk = 250;
const sheetsNamed = 20;
const sampleSize = 5;
const columnSamples = 3;
const sampleLength = 80;
const contentLength = 200;
const nameLength = 200;

type ImportId = Pick<Import, 'subscriberId' | 'id'>;
/** A record, apart from the import's own data in the database. */
type ReportedLine = Omit<ImportLine, 'subscriberId' | 'importId' | 'number'>;

@Injectable()
export class Imports {
  constructor(
    @InjectRepository(Import) private readonly imports: Repository<Import>,
    private readonly actions: Actions,
    private readonly addresses: AddressHashes,
    private readonly consents: Consents,
    private readonly invitations: Invitations,
    private readonly jobs: Jobs,
    private readonly labels: Labels,
    private readonly log: Log,
    private readonly realtime: Realtime,
    private readonly subscribers: Subscribers,
    private readonly turns: ImportTurns,
    private readonly vault: Vault,
  ) {
    jobs.handle(proceedWithImports, () => this.proceed());
    jobs.handle(destroyRevoked, ({ subscriberId, importId }) =>
      this.invitations.destroyRevokedKeys(subscriberId, importId),
    );
  }

  /**
   * Takes a file in: its lines wait sealed, and jobs invite whom they name.
   * @throws ConsentRequired, ValidationFailed, TooManyLabels, DomainError `import_unreadable`, `too_large`,
   * `import_empty`, `import_needs_confirmation`
   */
  async begin(member: MemberPrincipal, { name, bytes }: ImportFile, wanted: NewImport): Promise<ImportView> {
    const { subscriberId, memberId } = member;
    const subscriber = await this.subscribers.get(subscriberId);
    await this.consents.requireOfMember(member, subscriber);
    const list = await this.read(subscriber, bytes, wanted);
    if (list.records.length === 0) throw new DomainError('import_empty', { detail: nobodyInIt });
    if (list.table.gibberish) throw new DomainError('import_needs_confirmation', { detail: gibberish(list.table) });
    if (list.needsConfirmation && wanted.confirm !== 'letters') {
      throw new DomainError('import_needs_confirmation', { detail: needsConfirmation(list) });
    }
    const records = await this.labelled(member, list.records);
    const id = uuid();
    const key = { scope: 'subscriber', id: subscriberId } as const;
    const total = records.length;
    await this.imports.manager.transaction(async (manager) => {
      await manager.insert(Import, {
        subscriberId,
        id,
        name: await this.vault.seal(key, [...name].slice(0, nameLength).join(''), nameContext(subscriberId, id)),
        encoding: list.table.encoding ?? null,
        locale: wanted.locale ?? subscriber.locale,
        createdBy: memberId,
        createdAt: new Date(),
        total,
        done: 0,
        finishedAt: total === 0 ? new Date() : null,
        cancelledAt: null,
      });
      for (let start = 0; start < total; start += recordsPerChunk) {
        const number = start + 1;
        const chunk = JSON.stringify(records.slice(start, start + recordsPerChunk));
        const lines = await this.vault.seal(key, chunk, chunkContext({ subscriberId, id }, number));
        await manager.insert(ImportChunk, { subscriberId, importId: id, number, lines });
      }
      await this.actions.record(manager, member, 'import.begun', id);
      await this.jobs.add(manager, proceedWithImports, {});
    });
    return this.get(member, id);
  }

  /**
   * Predicts the results of a file.
   * @throws as {@link begin}, but asks for no confirmation
   */
  async preview({ subscriberId }: MemberPrincipal, { bytes }: ImportFile, wanted: NewImport): Promise<ImportPreview> {
    const subscriber = await this.subscribers.get(subscriberId);
    const {
      table,
      fields,
      records,
      warnings,
      needsConfirmation: unconfirmed,
    } = await this.read(subscriber, bytes, wanted);
    const { format, encoding, separator, sheet, sheets, columns, headerRow, gibberish } = table;
    const preview: ImportPreview = {
      format,
      ...(encoding && { encoding }),
      ...(separator && { separator }),
      ...(sheet !== undefined && { sheet }),
      ...(sheets && { sheets }),
      headerRow,
      columns: columns.map((name, index) => ({ name, field: fields[index]!, samples: samplesOf(table, index) })),
      total: 0,
      counts: { ...noCounts },
      letters: 0,
      warnings,
      needsConfirmation: unconfirmed || gibberish,
      sample: [],
      problems: [],
    };
    for (let start = 0; start < records.length; start += recordsPerChunk) {
      const chunk = records.slice(start, start + recordsPerChunk);
      const outcomes = (
        await this.invitations.assess(
          this.imports.manager,
          subscriberId,
          chunk.flatMap((record) => wantedPerson(record) ?? []),
        )
      ).values();
      for (const [index, record] of chunk.entries()) {
        const { person, labels } = record;
        const line = lineOf(record, wantedPerson(record) ? outcomes.next().value! : undefined);
        preview.total++;
        preview.counts[line.outcome]++;
        if (line.via === 'letter') preview.letters++;
        if (person && preview.sample.length < sampleSize) {
          const { email, suggestion } = person;
          const further = { ...(email !== undefined && { email }), ...(labels.length > 0 && { labels }) };
          preview.sample.push({ ...suggestion, ...further });
        }
        const problem = line.outcome !== 'invited' || line.reason !== null;
        if (problem && preview.problems.length < limits.importProblems) {
          const content = contentOf(table.rows[start + index]!.values);
          preview.problems.push({ ...lineView({ ...line, number: preview.total }), content });
        }
      }
    }
    return preview;
  }

  /** Reads a file as a list of people, with the warnings to show before the import. */
  private read(
    { id: subscriberId, country }: Subscriber,
    bytes: Buffer,
    { mapping, headerRow, encoding, sheet, labels }: NewImport,
  ): Promise<ReadList> {
    return this.turns.read(subscriberId, async () => {
      const table = await readable(() => readTable(bytes, { headerRow, encoding, sheet }));
      const fields = fieldsOf(table, mapping);
      const common = statedLabels(labels);
      const reader = new RecordReader(table.columns, fields, country);
      const unused = fields.flatMap((field, index) => (field === null ? index : []));
      const read: ReturnType<RecordReader['read']>[] = [];
      const pause = pausing();
      let otherAddresses = 0;
      for (const row of table.rows) {
        const record = reader.read(row);
        if (record.person && common.length > 0) record.labels = [...new Set([...record.labels, ...common])];
        if (record.person?.email === undefined && reader.holdsOtherAddress(row, unused)) otherAddresses++;
        read.push(record);
        await pause();
      }
      const records = compared(read);
      const people = records.filter(({ person, duplicate }) => person && !duplicate);
      const mails = people.filter(({ person }) => person?.email !== undefined && person.shared !== 'further').length;
      const letters = people.length - mails;
      return {
        table,
        fields,
        records,
        warnings: warningsOf(table, { mails, letters, otherAddresses, lines: records.length }),
        needsConfirmation: (letters > 0 && mails === 0) || otherAddresses > records.length / 2,
        letters,
        otherAddresses,
      };
    });
  }

  /** Gives the people of a file the ids of their labels, which are made where they are missing. */
  private async labelled(member: MemberPrincipal, records: ReadList['records']): Promise<ImportRecord[]> {
    const names = [...new Set(records.flatMap(({ labels }) => labels))];
    const idOf = names.length === 0 ? () => undefined : await this.labels.named(member, names);
    return records.map(({ labels, ...record }) => {
      const { person } = record;
      const ids = [...new Set(labels.flatMap((name) => idOf(name) ?? []))].slice(0, limits.labelsPerContact);
      if (!person || ids.length === 0) return record;
      return { ...record, person: { ...person, suggestion: { ...person.suggestion, labels: ids } } };
    });
  }

  /** The imports of the member's subscriber, newest first. */
  async list({ subscriberId }: MemberPrincipal, wanted: ListImports): Promise<ImportList> {
    const { ask, position, next } = openPage(ListImports, wanted, ['id']);
    const { limit } = ask;
    const before = position ? { id: LessThan(String(position[0])) } : {};
    const found = await this.imports.find({
      where: { subscriberId, ...before },
      order: { id: 'DESC' },
      take: limit + 1,
    });
    const items = await Promise.all(found.slice(0, limit).map((each) => this.view(each)));
    return { items, nextCursor: found.length > limit ? next([items.at(-1)!.id]) : null };
  }

  /** @throws NotFound */
  async get(member: MemberPrincipal, id: string): Promise<ImportView> {
    return this.view(await this.access(member, id));
  }

  /**
   * Lists the results of the records so far, in the order of the file.
   * @throws NotFound
   */
  async report(member: MemberPrincipal, id: string, wanted: ReadReport): Promise<ImportReport> {
    const { subscriberId } = await this.access(member, id);
    const { ask, position, next } = openPage(ReadReport, wanted, ['integer']);
    const { outcome, limit } = ask;
    const after = Number(position?.[0] ?? 0);
    const found = await this.imports.manager.find(ImportLine, {
      where: { subscriberId, importId: id, number: MoreThan(after), ...(outcome && { outcome }) },
      order: { number: 'ASC' },
      take: limit + 1,
    });
    const items = found.slice(0, limit).map(lineView);
    return { items, nextCursor: found.length > limit ? next([items.at(-1)!.number]) : null };
  }

  /** @throws NotFound */
  async access({ subscriberId }: MemberPrincipal, id: string): Promise<Import> {
    const found = await this.imports.findOneBy({ subscriberId, id });
    if (!found) throw new NotFound();
    return found;
  }

  /**
   * Stops an import and revokes those of its invitations that wait to be mailed; may be repeated.
   * @throws NotFound
   */
  async cancel(member: MemberPrincipal, id: string, { letters }: CancelImport): Promise<CancelledImport> {
    const { subscriberId } = member;
    const revoked = await this.imports.manager.transaction(async (manager) => {
      const which = { subscriberId, id };
      const held = await manager.findOne(Import, { where: which, lock: { mode: 'pessimistic_write' } });
      if (!held) throw new NotFound();
      const now = new Date();
      await manager.delete(ImportChunk, { subscriberId, importId: id });
      if (!held.cancelledAt) {
        await manager.update(Import, which, { cancelledAt: now, finishedAt: held.finishedAt ?? now });
        await this.actions.record(manager, member, 'import.cancelled', id);
      }
      const gone = await this.invitations.revokeImported(manager, { subscriberId, importId: id, letters });
      await this.jobs.add(manager, destroyRevoked, { subscriberId, importId: id });
      return gone;
    });
    const view = await this.get(member, id);
    const { state, done, total } = view;
    this.realtime.tell(rooms.ofSubscriber(subscriberId), 'import.progressed', { id, state, done, total });
    return { ...view, revoked };
  }

  /** Takes every unfinished import a chunk further in turn. One that fails stops no other. */
  async proceed(): Promise<void> {
    const begun = await this.imports.query<ImportId[]>(
      `SELECT subscriber_id AS "subscriberId", id FROM import WHERE finished_at IS NULL ORDER BY created_at`,
    );
    await inTurns(begun, (each) => this.proceedWith(each), {
      log: this.log,
      then: () => this.imports.manager.transaction((manager) => this.jobs.add(manager, proceedWithImports, {})),
    });
  }

  /**
   * Handles one chunk: invitations, report and checkpoint are written together or not at all.
   * @returns whether there is more to do
   */
  private async proceedWith({ subscriberId, id }: ImportId): Promise<boolean> {
    const progress = await this.imports.manager.transaction(async (manager) => {
      const [locked] = await manager.query<unknown[]>(
        'SELECT FROM import WHERE subscriber_id = $1 AND id = $2 AND finished_at IS NULL FOR UPDATE SKIP LOCKED',
        [subscriberId, id],
      );
      if (!locked) return undefined;
      const which = { subscriberId, id };
      const wanted = await manager.findOneByOrFail(Import, which);
      const chunk = await manager.findOne(ImportChunk, {
        where: { subscriberId, importId: id },
        order: { number: 'ASC' },
      });
      const records = chunk ? await this.openChunk(chunk) : [];
      if (chunk) {
        const lines = await this.invite(manager, wanted, records);
        const rows = lines.map((line, index) => ({
          subscriberId,
          importId: id,
          number: chunk.number + index,
          ...line,
        }));
        await manager.insert(ImportLine, rows);
        await manager.delete(ImportChunk, { subscriberId, importId: id, number: chunk.number });
      }
      const done = wanted.done + records.length;
      const finished = done >= wanted.total;
      await manager.update(Import, which, { done, ...(finished && { finishedAt: new Date() }) });
      if (finished) await this.invitations.postSoon(manager);
      return { id, state: finished ? 'finished' : 'running', done, total: wanted.total } as const;
    });
    if (!progress) return false;
    this.realtime.tell(rooms.ofSubscriber(subscriberId), 'import.progressed', progress);
    return progress.state === 'running';
  }

  /** @returns what came of each record, in their order */
  private async invite(
    manager: EntityManager,
    { subscriberId, id, createdBy, locale }: Import,
    records: readonly ImportRecord[],
  ): Promise<ReportedLine[]> {
    const people: InvitedPerson[] = records.flatMap((record) => {
      const person = wantedPerson(record);
      return person ? { id: uuid(), ...person } : [];
    });
    const terms = { subscriberId, memberId: createdBy, locale, importId: id };
    const assessed = (await this.invitations.invite(manager, terms, people)).values();
    return records.map((record) => lineOf(record, wantedPerson(record) ? assessed.next().value! : undefined));
  }

  /**
   * Empties lines that wait and have the address of an erased contact. Their imports are locked, so that a line is emptied or
   * has become an invitation, which goes afterwards.
   */
  async forgetWaiting(manager: EntityManager, { subscriberId, addressHashes = [] }: Gone): Promise<Forgotten> {
    const counts = { import_lines: 0 };
    const locked = await manager.query<unknown[]>(
      'SELECT FROM import WHERE subscriber_id = $1 AND finished_at IS NULL ORDER BY id FOR UPDATE',
      [subscriberId],
    );
    // A run that has passed over them meanwhile takes them for finished.
    if (locked.length > 0) await this.jobs.add(manager, proceedWithImports, {});
    const gone = new Set(addressHashes.map((hash) => hash.toString('hex')));
    for (const chunk of await manager.findBy(ImportChunk, { subscriberId: subscriberId! })) {
      const records = await this.openChunk(chunk);
      const left = records.map((record) =>
        this.hasAddressOf(chunk.subscriberId, record, gone) ? emptied(record) : record,
      );
      const emptiedNow = left.filter((record, index) => record !== records[index]).length;
      if (emptiedNow === 0) continue;
      counts.import_lines += emptiedNow;
      const { importId: id, number } = chunk;
      const key = { scope: 'subscriber', id: chunk.subscriberId } as const;
      const context = chunkContext({ subscriberId: chunk.subscriberId, id }, number);
      const lines = await this.vault.seal(key, JSON.stringify(left), context);
      await manager.update(ImportChunk, { subscriberId: chunk.subscriberId, importId: id, number }, { lines });
    }
    return { counts, more: false };
  }

  /** Deletes the results of lines that made the invitations of erased contacts, or invitations that wait at their addresses. */
  async forgetLines(manager: EntityManager, { subscriberId, ids, addressHashes = [] }: Gone): Promise<Forgotten> {
    const [, deleted] = await manager.query<[unknown[], number]>(
      `DELETE FROM import_line
       WHERE subscriber_id = $1 AND invitation_id IN (
         SELECT id FROM invitation
         WHERE subscriber_id = $1 AND (id = ANY ($2::uuid[]) OR (email_hash = ANY ($3::bytea[]) AND uses = 0)))`,
      [subscriberId, ids, addressHashes],
    );
    return { counts: { import_lines: deleted }, more: false };
  }

  private hasAddressOf(subscriberId: string, { person }: ImportRecord, gone: ReadonlySet<string>): boolean {
    const email = person?.email;
    return email !== undefined && gone.has(this.addresses.of('invited address', email, subscriberId).toString('hex'));
  }

  private async openChunk({ subscriberId, importId: id, number, lines }: ImportChunk): Promise<ImportRecord[]> {
    const key = { scope: 'subscriber', id: subscriberId } as const;
    return JSON.parse(await this.vault.open(key, lines, chunkContext({ subscriberId, id }, number))) as ImportRecord[];
  }

  private async view({ subscriberId, id, name, encoding, ...rest }: Import): Promise<ImportView> {
    const rows = await this.imports.query<{ outcome: keyof OutcomeCounts; lines: number }[]>(
      `SELECT outcome, count(*)::integer AS lines FROM import_line
       WHERE subscriber_id = $1 AND import_id = $2 GROUP BY outcome`,
      [subscriberId, id],
    );
    const { locale, total, done, createdAt, finishedAt, cancelledAt } = rest;
    const key = { scope: 'subscriber', id: subscriberId } as const;
    return {
      id,
      name: await this.vault.open(key, name, nameContext(subscriberId, id)),
      ...(encoding && { encoding: encoding as Encoding }),
      locale: locale as Locale,
      state: cancelledAt ? 'cancelled' : finishedAt ? 'finished' : 'running',
      total,
      done,
      counts: { ...noCounts, ...Object.fromEntries(rows.map(({ outcome, lines }) => [outcome, lines])) },
      createdAt: createdAt.toISOString(),
      ...(finishedAt && { finishedAt: finishedAt.toISOString() }),
    };
  }
}

const noCounts: OutcomeCounts = {
  invited: 0,
  corrected: 0,
  already_there: 0,
  already_invited: 0,
  duplicate_in_file: 0,
  asked_not_to_be_written_to: 0,
  invalid: 0,
};

/** Everything known of a file once it is read. */
interface ReadList {
  table: Table;
  fields: (ImportField | null)[];
  records: ReturnType<typeof compared>;
  warnings: ImportWarning[];
  needsConfirmation: boolean;
  letters: number;
  /** Lines without an address in which a column that is left out holds one. */
  otherAddresses: number;
}

/** The first values of a column that differ. */
function samplesOf({ rows }: Table, column: number): string[] {
  const samples = new Set<string>();
  for (const { values } of rows) {
    const value = shortened(values[column] ?? '', sampleLength);
    if (value !== '') samples.add(value);
    if (samples.size === columnSamples) break;
  }
  return [...samples];
}

/** The cells of a line that hold something. */
const contentOf = (values: readonly string[]) =>
  shortened(
    values
      .map((value) => shortened(value, contentLength))
      .filter(Boolean)
      .join(' · '),
    contentLength,
  );

/** A text in one line, cut where it is too long to be looked at. */
function shortened(text: string, length: number): string {
  const letters = [
    ...text
      .slice(0, 4 * length)
      .replace(/\s+/gu, ' ')
      .trim(),
  ];
  return letters.length > length ? `${letters.slice(0, length - 1).join('')}…` : letters.join('');
}

/** A line whose person was erased: its place in the file alone. */
const emptied = ({ line }: ImportRecord): ImportRecord => ({ line });

/** The person that a record has invited: none if an earlier line names the same person. */
const wantedPerson = ({ person, duplicate }: ImportRecord) => (duplicate ? undefined : person);

function needsConfirmation({ letters, otherAddresses }: ReadList): string {
  const what =
    otherAddresses > 0
      ? `${inEnglish(otherAddresses)} lines hold an address in a column that is left out`
      : 'Nobody in this file would get a mail';
  return `${what}: ${inEnglish(letters)} people would get letters, which you would print. Send "mapping" to say which columns hold addresses, or send confirm=letters to print them.`;
}

const nobodyInIt =
  'There are no people in this file: it has no line below the column names. Check that it was saved completely, or send "headerRow" with the number of the line that names the columns.';

const gibberish = ({ encoding }: Table) =>
  `Read as ${encoding}, the names in this file are gibberish. Save it as UTF-8, or send "encoding" to say how to read it; a dry run shows the result.`;

function warningsOf(
  { above, damaged, garbled, doubtful, sheet, sheets = [], uncomputed }: Table,
  { mails, letters, otherAddresses, lines }: { mails: number; letters: number; otherAddresses: number; lines: number },
): ImportWarning[] {
  const otherSheets = Math.max(0, sheets.length - 1);
  const warnings: (ImportWarning | false)[] = [
    mails === 0 &&
      letters > 0 && {
        code: 'nobody_by_mail',
        message: 'No person in this file has an email address, so all of them would get a printed letter.',
        count: letters,
      },
    mails > 0 &&
      letters > mails && {
        code: 'most_by_letter',
        message: 'Most people in this file have no email address and would get a printed letter.',
        count: letters,
      },
    otherAddresses > 0 && {
      code: 'addresses_left_out',
      message:
        'Some lines have an email address only in a column that is ignored. Send "mapping" to use that column as email.',
      count: otherAddresses,
    },
    above > 0 && {
      code: 'rows_above_header',
      message:
        'The lines above the column names are ignored. Send "headerRow" if another line contains the column names.',
      count: above,
    },
    damaged > 0 && {
      code: 'damaged_characters',
      message: 'Some characters are damaged. Check the names in the sample, and save the file as UTF-8.',
      count: damaged,
    },
    garbled > 0 && {
      code: 'garbled',
      message: 'Some words look damaged. Check the names in the sample, and send "encoding" if they are wrong.',
      count: garbled,
    },
    doubtful && {
      code: 'encoding_doubtful',
      message:
        'The file could have several encodings. Check the names in the sample, and send "encoding" if they are wrong.',
      count: 1,
    },
    lines === 0 && { code: 'nobody', message: nobodyInIt, count: 0 },
    otherSheets > 0 && {
      code: 'other_sheets',
      message: `Only one sheet is read${sheet ? `, "${sheet}"` : ''}. Send "sheet" if another one contains the list.`,
      count: otherSheets,
    },
    uncomputed > 0 && {
      code: 'formulas_without_value',
      message:
        'Some formulas have no stored value and are ignored. Open the file in Excel, save it, and send it again.',
      count: uncomputed,
    },
  ];
  return warnings.filter((warning) => warning !== false);
}

const inEnglish = (count: number) => count.toLocaleString('en');

/** @throws ValidationFailed */
function statedLabels(text: string | undefined): string[] {
  const labels = labelsIn(text ?? '');
  const wrong = labels.find((label) => plainTextProblem(label, { max: limits.labelNameLength }));
  if (wrong === undefined && labels.length <= limits.labelsPerContact) return labels;
  const message = `Send at most ${limits.labelsPerContact} labels of 1 to ${limits.labelNameLength} characters, separated by commas.`;
  throw new ValidationFailed([
    {
      field: 'labels',
      code: 'labels',
      values: { labels: limits.labelsPerContact, limit: limits.labelNameLength },
      message,
    },
  ]);
}

/** The fields of a table's columns: as the mapping says, or guessed. */
function fieldsOf({ columns, rows }: Table, mapping: NewImport['mapping']): (ImportField | null)[] {
  const fields = mapping ? mappedFields(columns, mapping) : guessFields(columns, rows);
  const useful: ImportField[] = ['email', 'firstName', 'surname', 'fullName', 'companyName'];
  if (useful.some((field) => fields.includes(field))) return fields;
  throw badMapping(
    'No column contains email addresses or names. Send "mapping" to say what each column contains, or "headerRow" to say which line has the column names.',
    { columns: [...columns] },
  );
}

function mappedFields(columns: readonly string[], mapping: Record<string, unknown>): (ImportField | null)[] {
  const fields: (ImportField | null)[] = columns.map(() => null);
  for (const [column, field] of Object.entries(mapping)) {
    const indexes = columns.flatMap((name, index) => (name === column.trim() ? index : []));
    if (indexes.length === 0) throw badMapping('The mapping names a column that the file does not have.');
    if (field === null || field === '') continue;
    if (!importFields.includes(field as ImportField)) {
      throw badMapping(`The field of a column must be one of ${importFields.join(', ')}, or null.`);
    }
    const single = singleFields.includes(field as ImportField);
    if (single && fields.includes(field as ImportField)) {
      throw badMapping(`Two columns are mapped to ${field as ImportField}. Map one of them to null.`);
    }
    for (const index of single ? indexes.slice(0, 1) : indexes) fields[index] = field as ImportField;
  }
  return fields;
}

function badMapping(message: string, values: { columns?: string[] } = {}): ValidationFailed {
  return new ValidationFailed([{ field: 'mapping', code: 'mapping', values, message }]);
}

function lineOf(
  { line, invalid, left, sameAs, duplicate }: ImportRecord,
  assessed: Assessment | undefined,
): ReportedLine {
  const taken: Remark | undefined = assessed?.externalIdTaken
    ? { field: 'externalId', reason: 'external_id_taken' }
    : undefined;
  const remark = invalid ?? (['invited', 'corrected'].includes(assessed?.outcome ?? '') ? (left ?? taken) : undefined);
  return {
    fileLine: line,
    outcome: assessed?.outcome ?? (duplicate ? 'duplicate_in_file' : 'invalid'),
    via: assessed?.via ?? null,
    sameAs: sameAs ?? null,
    field: remark?.field ?? null,
    reason: remark?.reason ?? null,
    invitationId: assessed?.invitationId ?? null,
  };
}

function lineView(line: ReportedLine & { number: number }): ImportLineView {
  const { number, fileLine, outcome, via, sameAs, field, reason, invitationId } = line;
  return {
    number,
    line: fileLine,
    outcome,
    ...(via && { via }),
    ...(sameAs !== null && { sameAs }),
    ...(field && { field: field as ImportField }),
    ...(reason && { reason: reason as ImportReason }),
    ...(invitationId && { invitationId }),
  };
}

async function readable(work: () => Promise<Table>): Promise<Table> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UnreadableTable) {
      const { message: detail, reason, line } = error;
      throw new DomainError('import_unreadable', { detail, reason, ...(line !== undefined && { line }) });
    }
    if (error instanceof NoSuchSheet) throw new ValidationFailed([fieldError('sheet', noSuchSheet(error))]);
    if (error instanceof NoSuchRow) {
      const message =
        'This line of the file is empty or not there. Send the number of the line that names the columns.';
      throw new ValidationFailed([{ field: 'headerRow', code: 'header_row', message }]);
    }
    throw error;
  }
}

function noSuchSheet({ sheets }: NoSuchSheet): Fault {
  if (sheets.length === 0)
    return { code: 'exclusive', message: 'Only workbooks have sheets. Leave {field} out for this file.' };
  return { code: 'sheet', values: { sheets: sheets.slice(0, sheetsNamed) } };
}

const nameContext = (subscriberId: string, id: string) => ['import', subscriberId, id, 'name'];
const chunkContext = ({ subscriberId, id }: ImportId, number: number) => [
  'import',
  subscriberId,
  id,
  `lines ${number}`,
];
