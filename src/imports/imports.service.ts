import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, LessThan, MoreThan, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { Actions } from '../actions/actions.service.js';
import type { MemberPrincipal } from '../auth/principal.js';
import { Consents } from '../consents/consents.service.js';
import { limits } from '../contract/limits.js';
import type { InvitedPerson } from '../invitations/invited-people.service.js';
import { Invitations } from '../invitations/invitations.service.js';
import { openPage } from '../platform/cursors.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { DomainError, NotFound, ValidationFailed } from '../platform/problems/domain-error.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { Vault } from '../platform/vault/vault.js';
import type { Locale } from '../subscribers/subscribers.dto.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import {
  guessFields,
  type ImportField,
  importFields,
  type ImportRecord,
  type ImportTable,
  readTable,
  toRecord,
  UnreadableTable,
} from './import-file.js';
import { Import, ImportChunk, ImportLine } from './import.entity.js';
import {
  type ImportLineView,
  type ImportList,
  type ImportPreview,
  type ImportReport,
  type ImportView,
  ListImports,
  type NewImport,
  type OutcomeCounts,
  ReadReport,
} from './imports.dto.js';

/** An uploaded file. */
export interface ImportFile {
  name: string;
  bytes: Buffer;
}

/** Begins at once; every minute for what a crash has left. */
const proceedWithImports = defineJob('import.proceed', { cron: '* * * * *', expireInSeconds: 300 });

const recordsPerChunk = 250;
/** A job ends after this, so that a stop need not wait, and adds the next. */
const workingMilliseconds = 4_000;
const problemsShown = 100;
const sampleSize = 5;
const nameLength = 200;

type ImportId = Pick<Import, 'subscriberId' | 'id'>;
/** A record without what the database holds of the import. */
type ReportedLine = Omit<ImportLine, 'subscriberId' | 'importId' | 'number'>;

@Injectable()
export class Imports {
  constructor(
    @InjectRepository(Import) private readonly imports: Repository<Import>,
    private readonly actions: Actions,
    private readonly consents: Consents,
    private readonly invitations: Invitations,
    private readonly jobs: Jobs,
    private readonly realtime: Realtime,
    private readonly subscribers: Subscribers,
    private readonly vault: Vault,
  ) {
    jobs.handle(proceedWithImports, () => this.proceed());
  }

  /**
   * Takes a file in: its lines wait sealed, and jobs invite whom they name.
   * @throws ConsentRequired, ValidationFailed, DomainError `import_unreadable`, `too_large`
   */
  async begin(
    member: MemberPrincipal,
    { name, bytes }: ImportFile,
    { mapping, locale }: NewImport,
  ): Promise<ImportView> {
    const { subscriberId, memberId } = member;
    const subscriber = await this.subscribers.get(subscriberId);
    this.consents.requireOfSubscriber(subscriber);
    const id = uuid();
    const key = { scope: 'subscriber', id: subscriberId } as const;
    await explained(async () => {
      const table = await readTable(bytes);
      const fields = fieldsOf(table, mapping);
      await this.imports.manager.transaction(async (manager) => {
        await manager.insert(Import, {
          subscriberId,
          id,
          name: await this.vault.seal(key, [...name].slice(0, nameLength).join(''), nameContext(subscriberId, id)),
          locale: locale ?? subscriber.locale,
          createdBy: memberId,
          createdAt: new Date(),
          total: 0,
          done: 0,
          finishedAt: null,
        });
        let total = 0;
        for await (const chunk of chunksOf(table, fields)) {
          const number = total + 1;
          const lines = await this.vault.seal(key, JSON.stringify(chunk), chunkContext({ subscriberId, id }, number));
          await manager.insert(ImportChunk, { subscriberId, importId: id, number, lines });
          total += chunk.length;
        }
        await manager.update(Import, { subscriberId, id }, { total, ...(total === 0 && { finishedAt: new Date() }) });
        await this.actions.record(manager, member, 'import.begun', id);
        await this.jobs.add(manager, proceedWithImports, {});
      });
    });
    return this.get(member, id);
  }

  /**
   * What would come of a file.
   * @throws as {@link begin}
   */
  async preview(
    { subscriberId }: MemberPrincipal,
    { bytes }: ImportFile,
    { mapping }: NewImport,
  ): Promise<ImportPreview> {
    return explained(async () => {
      const table = await readTable(bytes);
      const fields = fieldsOf(table, mapping);
      const { encoding, separator, columns } = table;
      const preview: ImportPreview = {
        encoding,
        separator,
        columns: columns.map((name, index) => ({ name, field: fields[index]! })),
        total: 0,
        counts: { ...noCounts },
        letters: 0,
        sample: [],
        problems: [],
      };
      const seen = new Set<string>();
      for await (const chunk of chunksOf(table, fields)) {
        const people = chunk.flatMap(({ person }) => person ?? []);
        const assessed = await this.invitations.assess(this.imports.manager, subscriberId, people, seen);
        const outcomes = assessed.values();
        for (const record of chunk) {
          const { person } = record;
          const line = lineOf(record, person ? outcomes.next().value! : undefined);
          preview.total++;
          preview.counts[line.outcome]++;
          if (line.outcome === 'invited' && person!.email === undefined) preview.letters++;
          if (person && preview.sample.length < sampleSize) {
            preview.sample.push({ ...person.suggestion, ...(person.email !== undefined && { email: person.email }) });
          }
          if (line.outcome !== 'invited' && preview.problems.length < problemsShown) {
            preview.problems.push(lineView({ ...line, number: preview.total }));
          }
        }
      }
      return preview;
    });
  }

  /** The imports of the member's subscriber, newest first. */
  async list({ subscriberId }: MemberPrincipal, wanted: ListImports): Promise<ImportList> {
    const { ask, position, next } = await openPage(ListImports, wanted, ['id']);
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
   * What came of each record that has been dealt with, in the order of the file.
   * @throws NotFound
   */
  async report(member: MemberPrincipal, id: string, wanted: ReadReport): Promise<ImportReport> {
    const { subscriberId } = await this.access(member, id);
    const { ask, position, next } = await openPage(ReadReport, wanted, ['integer']);
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

  /** Takes every unfinished import a chunk further in turn. One that fails stops no other. */
  async proceed(): Promise<void> {
    const deadline = Date.now() + workingMilliseconds;
    let unfinished = await this.imports.query<ImportId[]>(
      `SELECT subscriber_id AS "subscriberId", id FROM import WHERE finished_at IS NULL ORDER BY created_at`,
    );
    let failure: unknown;
    while (unfinished.length > 0 && Date.now() < deadline) {
      const further: ImportId[] = [];
      for (const each of unfinished) {
        try {
          if (await this.proceedWith(each)) further.push(each);
        } catch (error) {
          failure ??= error;
        }
      }
      unfinished = further;
    }
    if (unfinished.length > 0) {
      await this.imports.manager.transaction((manager) => this.jobs.add(manager, proceedWithImports, {}));
    }
    if (failure !== undefined) throw failure as Error;
  }

  /**
   * Deals with one chunk: invitations, report and checkpoint come about together or not at all.
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
    this.realtime.tell(`subscriber:${subscriberId}`, 'import.progressed', progress);
    return progress.state === 'running';
  }

  /** @returns what came of each record, in their order */
  private async invite(
    manager: EntityManager,
    { subscriberId, id, createdBy, locale }: Import,
    records: readonly ImportRecord[],
  ): Promise<ReportedLine[]> {
    const people: InvitedPerson[] = records.flatMap(({ person }) => (person ? { id: uuid(), ...person } : []));
    const terms = { subscriberId, memberId: createdBy, locale, importId: id };
    const assessed = (await this.invitations.invite(manager, terms, people)).values();
    return records.map((record) => lineOf(record, record.person ? assessed.next().value! : undefined));
  }

  private async openChunk({ subscriberId, importId: id, number, lines }: ImportChunk): Promise<ImportRecord[]> {
    const key = { scope: 'subscriber', id: subscriberId } as const;
    return JSON.parse(await this.vault.open(key, lines, chunkContext({ subscriberId, id }, number))) as ImportRecord[];
  }

  private async view({ subscriberId, id, name, ...rest }: Import): Promise<ImportView> {
    const rows = await this.imports.query<{ outcome: keyof OutcomeCounts; lines: number }[]>(
      `SELECT outcome, count(*)::integer AS lines FROM import_line
       WHERE subscriber_id = $1 AND import_id = $2 GROUP BY outcome`,
      [subscriberId, id],
    );
    const { locale, total, done, createdAt, finishedAt } = rest;
    const key = { scope: 'subscriber', id: subscriberId } as const;
    return {
      id,
      name: await this.vault.open(key, name, nameContext(subscriberId, id)),
      locale: locale as Locale,
      state: finishedAt ? 'finished' : 'running',
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
  already_there: 0,
  already_invited: 0,
  asked_not_to_be_written_to: 0,
  invalid: 0,
};

export const importTooLarge = `An import has at most ${limits.importBytes / 1024 ** 2} MB and ${limits.importLines.toLocaleString('en')} lines. Divide the file.`;

/** The fields of a table's columns: as the mapping says, or guessed. */
function fieldsOf({ columns }: ImportTable, mapping: NewImport['mapping']): (ImportField | null)[] {
  const fields = mapping ? mappedFields(columns, mapping) : guessFields(columns);
  const useful: ImportField[] = ['email', 'firstName', 'surname', 'companyName'];
  if (useful.some((field) => fields.includes(field))) return fields;
  throw badMapping('No column holds addresses or names. Say with "mapping" which column is what.');
}

function mappedFields(columns: readonly string[], mapping: Record<string, unknown>): (ImportField | null)[] {
  const fields: (ImportField | null)[] = columns.map(() => null);
  for (const [column, field] of Object.entries(mapping)) {
    const index = columns.indexOf(column.trim());
    if (index < 0) throw badMapping('The mapping names a column that the file does not have.');
    if (field === null || field === '') continue;
    if (!importFields.includes(field as ImportField)) {
      throw badMapping(`A column stands for one of ${importFields.join(', ')}, or for null.`);
    }
    if (fields.includes(field as ImportField)) throw badMapping(`Two columns stand for ${field as ImportField}.`);
    fields[index] = field as ImportField;
  }
  return fields;
}

function badMapping(message: string): ValidationFailed {
  return new ValidationFailed([{ field: 'mapping', code: 'mapping', message }]);
}

async function* chunksOf(
  { records }: ImportTable,
  fields: readonly (ImportField | null)[],
): AsyncGenerator<ImportRecord[], void, undefined> {
  let chunk: ImportRecord[] = [];
  let count = 0;
  for await (const record of records) {
    if (++count > limits.importLines) throw new DomainError('too_large', { detail: importTooLarge });
    chunk.push(toRecord(record, fields));
    if (chunk.length < recordsPerChunk) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

function lineOf(
  { line, invalid }: ImportRecord,
  assessed: { outcome: ImportLine['outcome']; invitationId?: string } | undefined,
): ReportedLine {
  return {
    fileLine: line,
    outcome: assessed?.outcome ?? 'invalid',
    field: invalid?.field ?? null,
    reason: invalid?.reason ?? null,
    invitationId: assessed?.invitationId ?? null,
  };
}

function lineView({ number, fileLine, outcome, field, reason, invitationId }: ReportedLine & { number: number }) {
  return {
    number,
    line: fileLine,
    outcome,
    ...(field && { field: field as ImportField }),
    ...(reason && { reason: reason as ImportLineView['reason'] }),
    ...(invitationId && { invitationId }),
  };
}

async function explained<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UnreadableTable) throw new DomainError('import_unreadable', { detail: error.message });
    throw error;
  }
}

const nameContext = (subscriberId: string, id: string) => ['import', subscriberId, id, 'name'];
const chunkContext = ({ subscriberId, id }: ImportId, number: number) => [
  'import',
  subscriberId,
  id,
  `lines ${number}`,
];
