import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { Actions } from '../actions/actions.service.js';
import { Contacts } from '../address-book/contacts.service.js';
import { AccountLog } from '../auth/account-log.service.js';
import { Credentials } from '../auth/credentials.service.js';
import { isMember, type Principal } from '../auth/principal.js';
import { Sessions } from '../auth/sessions.service.js';
import { limits } from '../contract/limits.js';
import { openPage } from '../platform/cursors.js';
import { NotFound, ValidationFailed } from '../platform/problems/domain-error.js';
import { defineLimit, RateLimits } from '../platform/rate-limits.js';
import { isUniqueViolation } from '../platform/sqlstate.js';
import { KeyGoneError } from '../platform/vault/keyring.js';
import { ExportFiles } from './export-files.service.js';
import { Exporting } from './exporting.service.js';
import { type ExportDownload, type ExportList, type ExportView, ListExports, type NewExport } from './exports.dto.js';
import { ExportNotReady, ExportUnderWay, PasswordRequired } from './exports.errors.js';
import {
  type ExportRow,
  getQuery,
  insertQuery,
  letDownloadQuery,
  listQuery,
  lockQuery,
  mayDownloadQuery,
} from './exports.queries.js';

const asked = defineLimit('export', { points: limits.exportsPerDay, seconds: 24 * 60 * 60, keyedById: true });

const minute = 60 * 1000;

/** A file that may be downloaded. */
export interface OpenedExport {
  size: number;
  /** Strong validator of its bytes, without quotation marks. */
  tag: string;
  locale: ExportRow['locale'];
  stream: (start: number, end: number) => Promise<AsyncGenerator<Buffer, void, undefined>>;
}

/** Copies of everything that an account may have of itself. They belong to the account; for staff there are none. */
@Injectable()
export class Exports {
  constructor(
    private readonly accountLog: AccountLog,
    private readonly actions: Actions,
    private readonly contacts: Contacts,
    private readonly credentials: Credentials,
    private readonly database: DataSource,
    private readonly exporting: Exporting,
    private readonly files: ExportFiles,
    private readonly rateLimits: RateLimits,
    private readonly sessions: Sessions,
  ) {}

  /**
   * Asks for an export; one of an account is under way at a time.
   * @throws NotFound for staff and for a contact of others, ExportUnderWay, ValidationFailed, DomainError `rate_limited`
   */
  async ask(principal: Principal, { contactId, locale = principal.locale }: NewExport): Promise<ExportView> {
    requireOwner(principal);
    if (contactId !== undefined) {
      if (isMember(principal)) throw onlyForInterlocutors();
      await this.contacts.ofInterlocutor(principal.interlocutorId, contactId);
    }
    await this.rateLimits.count(asked, principal.accountId);
    const { accountId, kind } = principal;
    const [holderId, subscriberId] = isMember(principal)
      ? [principal.memberId, principal.subscriberId]
      : [principal.interlocutorId, null];
    const id = uuid();
    try {
      const row = await this.database.transaction(async (manager) => {
        const values = [id, accountId, kind, holderId, subscriberId, contactId ?? null, locale];
        const [inserted] = await manager.query<[ExportRow]>(insertQuery, values);
        await this.log(manager, principal, 'export.asked', id);
        await this.exporting.plan(manager);
        return inserted;
      });
      return viewOf(row);
    } catch (error) {
      await this.rateLimits.giveBack(asked, accountId);
      throw isUniqueViolation(error) ? new ExportUnderWay() : error;
    }
  }

  private log(
    manager: EntityManager,
    principal: Principal,
    kind: 'export.asked' | 'export.downloaded' | 'export.removed',
    id: string,
  ): Promise<void> {
    if (isMember(principal)) return this.actions.record(manager, principal, kind, id);
    return this.accountLog.record(manager, principal.accountId, kind, id);
  }

  /** The exports of the account that have not expired, newest first. */
  async list(principal: Principal, wanted: ListExports): Promise<ExportList> {
    requireOwner(principal);
    const { ask, position, next } = openPage(ListExports, wanted, ['id']);
    const values = [principal.accountId, position?.[0] ?? null, ask.limit + 1];
    const rows = await this.database.query<ExportRow[]>(listQuery, values);
    const page = rows.slice(0, ask.limit);
    const last = page.at(-1);
    return { items: page.map(viewOf), nextCursor: last && rows.length > ask.limit ? next([last.id]) : null };
  }

  /** @throws NotFound */
  async get(principal: Principal, id: string): Promise<ExportView> {
    return viewOf(await this.access(principal, id));
  }

  /**
   * Lets the session download an export, once its device has proved the password or has signed in just now.
   * @throws NotFound, ExportNotReady, PasswordRequired, PasswordWrong, DomainError `rate_limited`
   */
  async letDownload(principal: Principal, id: string, password: string | undefined): Promise<ExportDownload> {
    const { state, expires_at: expiresAt } = await this.access(principal, id);
    if (state !== 'ready') throw new ExportNotReady();
    if (password !== undefined) await this.credentials.requirePassword(principal.accountId, password);
    else if (!(await this.signedInJustNow(principal))) throw new PasswordRequired();
    const hours = limits.exportDownloadHours;
    const until = new Date(Math.min(Date.now() + hours * 60 * minute, expiresAt!.getTime()));
    await this.database.transaction(async (manager) => {
      await manager.query(letDownloadQuery, [id, principal.sessionId, until]);
      await this.log(manager, principal, 'export.downloaded', id);
    });
    return { path: `/api/exports/${id}/file`, until: until.toISOString() };
  }

  /**
   * Opens the file of an export for a session that may download it.
   * @throws NotFound, ExportNotReady, PasswordRequired
   */
  async openFile(principal: Principal, id: string): Promise<OpenedExport> {
    const row = await this.access(principal, id);
    if (row.state !== 'ready') throw new ExportNotReady();
    const allowed = await this.database.query<unknown[]>(mayDownloadQuery, [id, principal.sessionId]);
    if (allowed.length === 0) throw new PasswordRequired();
    const stream = (start: number, end: number) =>
      this.files.open(row, start, end).catch((error: unknown) => {
        throw error instanceof KeyGoneError ? new NotFound() : error;
      });
    return { size: row.size!, tag: row.object!, locale: row.locale, stream };
  }

  /**
   * Cancels an export that is under way, or removes one that is ready: its key is destroyed before this resolves.
   * @throws NotFound
   */
  async remove(principal: Principal, id: string): Promise<void> {
    requireOwner(principal);
    const row = await this.database.transaction(async (manager) => {
      const [locked] = await manager.query<ExportRow[]>(lockQuery, [id, principal.accountId]);
      if (!locked) throw new NotFound();
      await this.log(manager, principal, 'export.removed', id);
      return locked;
    });
    await this.exporting.remove([row]);
  }

  private async signedInJustNow({ sessionId }: Principal): Promise<boolean> {
    const session = await this.sessions.find(sessionId);
    return session !== undefined && Date.now() - session.createdAt.getTime() < limits.exportProofMinutes * minute;
  }

  /** @throws NotFound */
  private async access(principal: Principal, id: string): Promise<ExportRow> {
    requireOwner(principal);
    const [row] = await this.database.query<ExportRow[]>(getQuery, [id, principal.accountId]);
    if (!row) throw new NotFound();
    return row;
  }
}

/** @throws NotFound for staff */
function requireOwner(principal: Principal): void {
  if (isMember(principal) && principal.role !== 'owner') throw new NotFound();
}

const onlyForInterlocutors = () =>
  new ValidationFailed([
    {
      field: 'contactId',
      code: 'not_for_members',
      message: 'A business exports everything. Leave contactId out, or export one conversation.',
    },
  ]);

function viewOf(row: ExportRow): ExportView {
  return {
    id: row.id,
    contactId: row.contact_id,
    locale: row.locale,
    state: row.state,
    problem: row.problem,
    done: row.done,
    total: row.total,
    size: row.size,
    askedAt: row.asked_at.toISOString(),
    readyAt: row.ready_at?.toISOString() ?? null,
    expiresAt: row.expires_at?.toISOString() ?? null,
  };
}
