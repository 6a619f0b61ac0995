import { createHash, randomBytes } from 'node:crypto';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { LessThan, LessThanOrEqual, MoreThan, type EntityManager, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { limits } from '../contract/limits.js';
import { type Config, CONFIG } from '../platform/config.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { Log } from '../platform/log.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { RateLimits } from '../platform/rate-limits.js';
import { Realtime } from '../platform/realtime/realtime.js';
import type { KeyRef } from '../platform/vault/keyring.js';
import { canonicalLogin } from '../platform/validation/email-addresses.js';
import { Vault } from '../platform/vault/vault.js';
import type { Account } from './account.entity.js';
import { Accounts } from './accounts.service.js';
import { SignInFailed, Unauthenticated } from './auth.errors.js';
import { verifyPassword } from './passwords.js';
import { accountKey, type Principal } from './principal.js';
import { Session } from './session.entity.js';

export interface OpenedSession {
  id: string;
  token: string;
  expiresAt: Date;
}

/** A session that authenticates, and until when. */
export interface Authenticated {
  principal: Principal;
  expiresAt: Date;
  /** Whether this use has prolonged it. */
  prolonged: boolean;
}

export interface Credentials {
  login: string;
  password: string;
  device: string | undefined;
  /** Which kind of account the web app that asks is for; any without it. */
  kind: Account['kind'] | undefined;
  network: string;
}

export interface NewDevice {
  /** The account's key. */
  key: KeyRef;
  device: string | undefined;
}

interface SessionRow {
  session_id: string;
  account_id: string;
  used_at: Date;
  expires_at: Date;
  kind: Account['kind'];
  locale: string;
  subscriber_id: string | null;
  member_id: string | null;
  role: 'owner' | 'staff' | null;
  interlocutor_id: string | null;
}

/** Somebody signed in to an account with its password. */
export const signedIn = defineJob<{ sessionId: string }>('session.signed_in');

const day = 24 * 60 * 60 * 1000;
const sweepMilliseconds = 10 * 60 * 1000;
const longestUseGap = 60 * 60 * 1000;

@Injectable()
export class Sessions implements OnModuleInit, OnModuleDestroy {
  private readonly lifetime: number;
  private sweeper: NodeJS.Timeout | undefined;

  constructor(
    @InjectRepository(Session) private readonly sessions: Repository<Session>,
    @Inject(CONFIG) config: Config,
    private readonly accounts: Accounts,
    private readonly jobs: Jobs,
    private readonly limits: RateLimits,
    private readonly realtime: Realtime,
    private readonly vault: Vault,
    private readonly log: Log,
  ) {
    this.lifetime = config.sessionDays * day;
  }

  onModuleInit(): void {
    this.sweeper = setInterval(() => void this.sweep().catch((error) => this.log.failure(error)), sweepMilliseconds);
    this.sweeper.unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.sweeper);
  }

  /**
   * Signs in by username, or by an address that the account has verified.
   * @throws SignInFailed for a wrong password and for an unknown name alike, after the same work
   */
  async signIn({
    login,
    password,
    device,
    kind,
    network,
  }: Credentials): Promise<OpenedSession & { principal: Principal }> {
    const name = canonicalLogin(login);
    await this.limits.count('signInByAddress', network);
    await this.limits.count('signInByNameAndAddress', name, network);
    await this.limits.count('signInByName', name);
    const account = await this.matching(name, password, kind);
    if (!account) throw new SignInFailed();
    await this.limits.forget('signInByNameAndAddress', name, network);
    await this.limits.giveBack('signInByAddress', network);
    await this.limits.giveBack('signInByName', name);
    const key = await this.accounts.keyOf(account);
    const opened = await this.sessions.manager.transaction(async (manager) => {
      await requireUnchanged(manager, account);
      const session = await this.open(manager, account.id, { key, device });
      if (account.emailHash) await this.jobs.add(manager, signedIn, { sessionId: session.id });
      return session;
    });
    const { principal } = await this.authenticate(opened.token);
    return { ...opened, principal };
  }

  /** Opens a session for an account; the token is told once and kept only as a hash, the device's name sealed. */
  async open(manager: EntityManager, accountId: string, { key, device }: NewDevice): Promise<OpenedSession> {
    const token = randomBytes(32).toString('base64url');
    const id = uuid();
    const now = new Date();
    const expiresAt = new Date(now.getTime() + this.lifetime);
    await manager.insert(Session, {
      id,
      accountId,
      tokenHash: hashOf(token),
      device: device === undefined ? null : await this.vault.seal(key, device, deviceContext(id)),
      createdAt: now,
      usedAt: now,
      expiresAt,
    });
    return { id, token, expiresAt };
  }

  /** @throws Unauthenticated */
  async authenticate(token: string): Promise<Authenticated> {
    const [row] = await this.sessions.query<SessionRow[]>(
      `SELECT session.id AS session_id, account.id AS account_id, session.used_at, session.expires_at, account.kind,
              account.locale, account.subscriber_id, member.id AS member_id, member.role, interlocutor.id AS interlocutor_id
       FROM session
       JOIN account ON account.id = session.account_id
       LEFT JOIN member ON member.subscriber_id = account.subscriber_id AND member.account_id = account.id
       LEFT JOIN interlocutor ON interlocutor.account_id = account.id
       WHERE session.token_hash = $1 AND session.expires_at > $2`,
      [hashOf(token), new Date()],
    );
    const principal = row && principalOf(row);
    if (!principal) throw new Unauthenticated();
    const expiresAt = await this.use(row);
    return { principal, expiresAt, prolonged: expiresAt > row.expires_at };
  }

  /** Until when the session stands, prolonged by a socket's use of it; undefined when it has ended. */
  async expiryOf(id: string, usedAt: Date | undefined): Promise<Date | undefined> {
    const expiresAt = usedAt && new Date(usedAt.getTime() + this.lifetime);
    if (expiresAt && expiresAt > new Date()) {
      await this.sessions.update({ id, expiresAt: LessThan(expiresAt) }, { usedAt, expiresAt });
    }
    const session = await this.sessions.findOneBy({ id, expiresAt: MoreThan(new Date()) });
    return session?.expiresAt;
  }

  /** Whose session it is, and on which device; undefined when it has ended. */
  async find(id: string): Promise<{ accountId: string; device: string | null; createdAt: Date } | undefined> {
    const session = await this.sessions.findOneBy({ id });
    const account = session && (await this.accounts.find(session.accountId));
    if (!account) return undefined;
    const { accountId, device, createdAt } = session;
    const key = await this.accounts.keyOf(account);
    return { accountId, device: device && (await this.vault.open(key, device, deviceContext(id))), createdAt };
  }

  /** The devices that are signed in to the principal's account, newest first. */
  async list(principal: Principal): Promise<{ id: string; device: string | null; createdAt: Date; usedAt: Date }[]> {
    const sessions = await this.sessions.find({
      where: { accountId: principal.accountId, expiresAt: MoreThan(new Date()) },
      order: { createdAt: 'DESC' },
    });
    const key = accountKey(principal);
    return Promise.all(
      sessions.map(async ({ id, device, createdAt, usedAt }) => ({
        id,
        device: device && (await this.vault.open(key, device, deviceContext(id))),
        createdAt,
        usedAt,
      })),
    );
  }

  /**
   * Ends a session of the principal's own account. When this resolves its device gets nothing more.
   * @throws NotFound
   */
  async end(principal: Principal, id: string): Promise<void> {
    const { affected } = await this.sessions.delete({ id, accountId: principal.accountId });
    if (!affected) throw new NotFound();
    await this.realtime.cut(id, { tell: id !== principal.sessionId });
    this.realtime.tell(`account:${principal.accountId}`, 'session.ended', { id });
  }

  /** Ends every session of an account, but one if so wished. When this resolves their devices get nothing more. */
  async endAll(accountId: string, { except }: { except?: string } = {}): Promise<void> {
    const { manager } = this.sessions;
    const ids = await manager.transaction((transaction) => this.revokeAll(transaction, accountId, { except }));
    await this.silence(accountId, ids);
  }

  /**
   * Deletes the sessions of an account in a transaction; after its commit {@link silence} cuts their sockets. Locks the
   * account, so that none is opened meanwhile.
   */
  async revokeAll(
    manager: EntityManager,
    accountId: string,
    { except }: { except?: string | undefined } = {},
  ): Promise<string[]> {
    await manager.query('SELECT FROM account WHERE id = $1 FOR UPDATE', [accountId]);
    const [rows] = await manager.query<[{ id: string }[], number]>(
      'DELETE FROM session WHERE account_id = $1 AND id IS DISTINCT FROM $2::uuid RETURNING id',
      [accountId, except ?? null],
    );
    return rows.map(({ id }) => id);
  }

  /** Cuts the sockets of sessions that were revoked, and tells those that stay. */
  async silence(accountId: string, ids: string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.realtime.cut(id, { tell: true })));
    for (const id of ids) this.realtime.tell(`account:${accountId}`, 'session.ended', { id });
  }

  private async matching(
    name: string,
    password: string,
    kind: Account['kind'] | undefined,
  ): Promise<Account | undefined> {
    const candidates: (Account | undefined)[] = await this.accounts.candidates(name);
    // An address may stand for several accounts: the work must not tell how many.
    const comparisons = name.includes('@') ? limits.accountsPerAddress : 1;
    while (candidates.length < comparisons) candidates.push(undefined);
    const matches = await Promise.all(
      candidates.map(async (account) => (await verifyPassword(password, account?.passwordHash)) && account),
    );
    return matches.find((account) => account && (kind === undefined || account.kind === kind)) || undefined;
  }

  /** Prolongs a session when it is used; written at most once an hour. */
  private async use({ session_id: id, used_at: usedAt, expires_at: expiresAt }: SessionRow): Promise<Date> {
    const now = Date.now();
    if (now - usedAt.getTime() < Math.min(longestUseGap, this.lifetime / 10)) return expiresAt;
    const prolonged = new Date(now + this.lifetime);
    await this.sessions.update({ id }, { usedAt: new Date(now), expiresAt: prolonged });
    return prolonged;
  }

  private async sweep(): Promise<void> {
    await this.sessions.delete({ expiresAt: LessThanOrEqual(new Date()) });
  }
}

/** A password that is being changed opens no session any more: locks the account until the session is there. */
async function requireUnchanged(manager: EntityManager, { id, passwordHash }: Account): Promise<void> {
  const rows = await manager.query<unknown[]>('SELECT 1 FROM account WHERE id = $1 AND password_hash = $2 FOR SHARE', [
    id,
    passwordHash,
  ]);
  if (rows.length === 0) throw new SignInFailed();
}

function principalOf(row: SessionRow): Principal | undefined {
  const { session_id: sessionId, account_id: accountId, locale } = row;
  const signedIn = { sessionId, accountId, locale };
  if (row.kind === 'interlocutor') {
    return row.interlocutor_id ? { ...signedIn, kind: 'interlocutor', interlocutorId: row.interlocutor_id } : undefined;
  }
  if (!row.subscriber_id || !row.member_id || !row.role) return undefined;
  return { ...signedIn, kind: 'member', subscriberId: row.subscriber_id, memberId: row.member_id, role: row.role };
}

const hashOf = (token: string) => createHash('sha256').update(token).digest();
const deviceContext = (sessionId: string) => ['session', sessionId, 'device'];
