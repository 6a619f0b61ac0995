import { createHash, randomBytes } from 'node:crypto';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, LessThan, LessThanOrEqual, MoreThan, type EntityManager, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { BoundedCache } from '../platform/bounded-cache.js';
import type { Locale } from '../contract/common.js';
import { limits } from '../contract/limits.js';
import { type Config, CONFIG } from '../platform/config.js';
import { openPage } from '../platform/cursors.js';
import { dayMilliseconds } from '../platform/durations.js';
import { type HotStatement, HotStatements } from '../platform/hot-statements.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { Log } from '../platform/log.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { defineLimit, RateLimits } from '../platform/rate-limits.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { rooms } from '../platform/realtime/rooms.js';
import { Turns } from '../platform/turns.js';
import type { KeyRef } from '../platform/vault/keyring.js';
import { Vault } from '../platform/vault/vault.js';
import type { Account } from './account.entity.js';
import { AccountHolders } from './account-holders.service.js';
import { AccountLog } from './account-log.service.js';
import { Accounts } from './accounts.service.js';
import { SignInFailed, Unauthenticated } from './auth.errors.js';
import { CarryCode } from './carry-code.entity.js';
import { LinkInvalid } from './credentials.errors.js';
import { verifyPassword } from './passwords.js';
import { KnownDevices } from './known-devices.service.js';
import { accountKey, type Principal } from './principal.js';
import { Session } from './session.entity.js';
import { type CarryCodeView, type DeviceList, type DevicePush, ListSessions } from './sessions.dto.js';
import { loginName } from './usernames.js';

export interface OpenedSession {
  id: string;
  accountId: string;
  token: string;
  expiresAt: Date;
  shared: boolean;
}

/** A session that authenticates, and until when. */
export interface Authenticated {
  principal: Principal;
  expiresAt: Date;
  /** Set if this use has prolonged the session. */
  prolonged: boolean;
  shared: boolean;
}

/** Sign-in attempt. */
export interface SignInAttempt {
  login: string;
  password: string;
  device: string | undefined;
  /** Set on a device that others use too. */
  shared?: boolean | undefined;
  /** Kind of account that the calling web app is for; any if undefined. */
  kind: Account['kind'] | undefined;
  network: string;
  /** The mark that the device bears, if it bears one. */
  mark?: string | undefined;
}

export interface NewDevice {
  /** The account's key. */
  key: KeyRef;
  device: string | undefined;
  shared?: boolean;
}

interface SessionRow {
  session_id: string;
  account_id: string;
  used_at: Date;
  expires_at: Date;
  shared: boolean;
  kind: Account['kind'];
  locale: Locale;
  subscriber_id: string | null;
  holder_id: string | null;
  role: 'owner' | 'staff' | null;
}

/** Somebody signed in to an account on a device that is new to it. */
export const signedIn = defineJob<{ sessionId: string }>('session.signed_in');

/** @param holders SQL that selects the holder of the row `account` */
const sessionStatement = (holders: string): HotStatement => ({
  name: 'session_of_token',
  text: `SELECT session.id AS session_id, account.id AS account_id, session.used_at, session.expires_at, session.shared, account.kind,
           account.locale, account.subscriber_id, holder.id AS holder_id, holder.role
         FROM session
         JOIN account ON account.id = session.account_id
         LEFT JOIN LATERAL (${holders}) holder ON true
         WHERE session.token_hash = $1`,
});

const quarterHour = 15 * 60;
const signInsByNameFromNetwork = defineLimit('signInByNameAndAddress', {
  points: ({ signInsPerQuarterHour }) => signInsPerQuarterHour,
  seconds: quarterHour,
});
const signInsByName = defineLimit('signInByName', {
  points: ({ signInsPerQuarterHour }) => signInsPerQuarterHour * 5,
  seconds: quarterHour,
});
const signInsFromNetwork = defineLimit('signInByAddress', {
  points: ({ signInsPerQuarterHour }) => signInsPerQuarterHour * 10,
  seconds: quarterHour,
});
const carriedFromNetwork = defineLimit('carriedByAddress', {
  points: ({ signInsPerQuarterHour }) => signInsPerQuarterHour * 10,
  seconds: quarterHour,
});
/** Rate limit of unknown tokens from a network. */
const unknownTokens = defineLimit('unknownToken', { points: limits.unknownTokensPerMinute, seconds: 60 });

const tokensRemembered = 50_000;
const sweepMilliseconds = 10 * 60 * 1000;
const longestUseGap = 60 * 60 * 1000;
const sharedLifetime = limits.sharedSessionHours * 60 * 60 * 1000;

/** Finds which of these sessions get notifications. */
export type PushOf = (sessionIds: readonly string[]) => Promise<ReadonlyMap<string, DevicePush>>;

@Injectable()
export class Sessions implements OnModuleInit, OnModuleDestroy {
  private readonly lifetime: number;
  /** Recently used tokens with their accounts. Each use looks them up again, but without waiting for a turn. */
  private readonly known = new BoundedCache<string, string>(tokensRemembered);
  /** Tokens that no session has. None comes to have one, because tokens are random. */
  private readonly unknown = new BoundedCache<string, true>(tokensRemembered / 5, { ttl: 60_000 });
  private readonly lookUps = new Turns({
    concurrency: limits.tokensAtOnce,
    concurrencyPerAsker: limits.tokensAtOnce,
    waiting: limits.tokensWaiting,
    waitingPerAsker: limits.tokensWaitingPerNetwork,
    of: 'sign-ins',
  });
  private sweeper: NodeJS.Timeout | undefined;
  private statement: HotStatement;
  private pushOf: PushOf = () => Promise.resolve(new Map());

  constructor(
    @InjectRepository(Session) private readonly sessions: Repository<Session>,
    @Inject(CONFIG) config: Config,
    private readonly accountLog: AccountLog,
    private readonly accounts: Accounts,
    private readonly devices: KnownDevices,
    private readonly holders: AccountHolders,
    private readonly jobs: Jobs,
    private readonly rateLimits: RateLimits,
    private readonly realtime: Realtime,
    private readonly statements: HotStatements,
    private readonly vault: Vault,
    private readonly log: Log,
  ) {
    this.lifetime = config.sessionDays * dayMilliseconds;
  }

  onModuleInit(): void {
    this.statement = sessionStatement(this.holders.select());
    this.sweeper = setInterval(() => void this.sweep().catch((error) => this.log.failure(error)), sweepMilliseconds);
    this.sweeper.unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.sweeper);
  }

  /** Says who knows the notifications of devices; to be called before the application has started. */
  knowPushBy(pushOf: PushOf): void {
    this.pushOf = pushOf;
  }

  /**
   * Signs in by username, or by an address that the account has verified.
   * @throws SignInFailed for a wrong password and for an unknown name alike, after the same work
   */
  async signIn({
    login,
    password,
    device,
    shared = false,
    kind,
    network,
    mark,
  }: SignInAttempt): Promise<OpenedSession & { principal: Principal }> {
    const name = loginName(login);
    await this.rateLimits.count(signInsFromNetwork, network);
    await this.rateLimits.count(signInsByNameFromNetwork, name, network);
    await this.rateLimits.count(signInsByName, name);
    const account = await this.matching({ name, password, kind, network });
    if (!account) {
      // After the answer, which must not take longer for a name that exists.
      setImmediate(() => void this.log.attempt(() => this.noteRefused({ name, kind, network })));
      throw new SignInFailed();
    }
    await this.rateLimits.forget(signInsByNameFromNetwork, name, network);
    await this.rateLimits.giveBack(signInsFromNetwork, network);
    await this.rateLimits.giveBack(signInsByName, name);
    const key = await this.holders.keyOf(account);
    const { session: opened, replaced } = await this.sessions.manager.transaction(async (manager) => {
      await requireUnchanged(manager, account);
      const session = await this.create(manager, account.id, { key, device, shared });
      if (account.emailHash) await this.tellIfNew(manager, session, mark);
      return { session, replaced: await this.endExcess(manager, account.id, session.id) };
    });
    await this.silence(account.id, replaced, undefined);
    await this.noteUse(account.id);
    await this.noteOpened(account, { key, network, subjectId: opened.id });
    const { principal } = await this.authenticate(opened.token, network);
    return { ...opened, principal };
  }

  /**
   * Makes a code that opens another session of the account. Beyond the codes that a session may have the oldest go.
   * @throws Unauthenticated for a session that has ended meanwhile
   */
  async carryCode({ accountId, sessionId }: Principal): Promise<CarryCodeView> {
    const code = randomBytes(32).toString('base64url');
    const createdAt = new Date();
    const expiresAt = new Date(createdAt.getTime() + limits.carryMinutes * 60_000);
    await this.sessions.manager.transaction(async (manager) => {
      if (!(await lockedSession(manager, sessionId))) throw new Unauthenticated();
      await manager.insert(CarryCode, { codeHash: hashOf(code), accountId, sessionId, expiresAt, createdAt });
      await manager.query(
        `DELETE FROM carry_code WHERE session_id = $1 AND code_hash NOT IN (
           SELECT code_hash FROM carry_code WHERE session_id = $1 AND expires_at > now()
           ORDER BY created_at DESC, code_hash = $3 DESC LIMIT $2)`,
        [sessionId, limits.carryCodesPerSession, hashOf(code)],
      );
    });
    return { code, expiresAt: expiresAt.toISOString() };
  }

  /**
   * Opens a session by a code that {@link carryCode} has made; on a shared device it is as short as the one that made it.
   * @throws LinkInvalid for a code that was used, is late or unknown, or is for the other kind of account
   */
  async carry({
    code,
    device,
    kind,
    network,
    mark,
  }: Pick<SignInAttempt, 'device' | 'kind' | 'network' | 'mark'> & { code: string }): Promise<
    OpenedSession & { principal: Principal }
  > {
    await this.rateLimits.count(carriedFromNetwork, network);
    const codeHash = hashOf(code);
    const found = await this.sessions.manager.findOneBy(CarryCode, { codeHash, expiresAt: MoreThan(new Date()) });
    const account = found && (await this.accounts.find(found.accountId));
    if (!account || (kind !== undefined && account.kind !== kind)) throw new LinkInvalid();
    const key = await this.holders.keyOf(account);
    const { session: opened, replaced } = await this.sessions.manager.transaction(async (manager) => {
      // In the order in which sessions are ended: a password that is being changed lets none be opened meanwhile.
      await manager.query('SELECT FROM account WHERE id = $1 FOR SHARE', [account.id]);
      const origin = await lockedSession(manager, found.sessionId);
      const used = await manager.delete(CarryCode, { codeHash, expiresAt: MoreThan(new Date()) });
      if (!origin || !used.affected) throw new LinkInvalid();
      const session = await this.create(manager, account.id, { key, device, shared: origin.shared });
      if (account.emailHash) await this.tellIfNew(manager, session, mark);
      return { session, replaced: await this.endExcess(manager, account.id, session.id) };
    });
    await this.rateLimits.giveBack(carriedFromNetwork, network);
    await this.silence(account.id, replaced, undefined);
    await this.noteUse(account.id);
    await this.noteOpened(account, { key, network, subjectId: opened.id });
    const { principal } = await this.authenticate(opened.token, network);
    return { ...opened, principal };
  }

  /** Has a sign-in told of by mail, unless the account has been signed in on its device before. */
  private async tellIfNew(
    manager: EntityManager,
    { id, accountId }: OpenedSession,
    mark: string | undefined,
  ): Promise<void> {
    if (mark !== undefined && (await this.devices.knows(manager, accountId, mark))) return;
    await this.jobs.add(manager, signedIn, { sessionId: id });
  }

  /** Notes, to the day, that an account is used; outside of the sign-in's transaction, in which two of them could wait for each other. */
  private async noteUse(accountId: string): Promise<void> {
    await this.sessions.query(
      `UPDATE account SET last_used_at = now()
       WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 day')`,
      [accountId],
    );
  }

  /** Opens a session for an account; the token is told once and kept only as a hash, the device's name sealed. */
  async create(
    manager: EntityManager,
    accountId: string,
    { key, device, shared = false }: NewDevice,
  ): Promise<OpenedSession> {
    const token = randomBytes(32).toString('base64url');
    const tokenHash = hashOf(token);
    this.known.set(tokenHash.toString('base64'), accountId);
    const id = uuid();
    const now = new Date();
    const expiresAt = new Date(now.getTime() + this.lifetimeOf(shared));
    await manager.insert(Session, {
      id,
      accountId,
      tokenHash,
      device: device === undefined ? null : await this.vault.seal(key, device, deviceContext(id)),
      createdAt: now,
      usedAt: now,
      expiresAt,
      shared,
    });
    return { id, accountId, token, expiresAt, shared };
  }

  /**
   * Authenticates the token of a session. A token that was not used recently waits for its turn behind others of its kind,
   * because looking up unknown tokens must not slow down known ones.
   * @throws Unauthenticated; DomainError `rate_limited`, `overloaded` for a token that was not used recently
   */
  async authenticate(token: string, network: string): Promise<Authenticated> {
    const tokenHash = hashOf(token);
    const name = tokenHash.toString('base64');
    if (this.unknown.has(name)) throw new Unauthenticated();
    const row = this.known.has(name)
      ? await this.rowOf(tokenHash, name)
      : await this.lookUps.run(network, async () => {
          await this.rateLimits.count(unknownTokens, network);
          const found = await this.rowOf(tokenHash, name);
          if (found) await this.rateLimits.giveBack(unknownTokens, network);
          return found;
        });
    const principal = row && row.expires_at > new Date() ? principalOf(row) : undefined;
    if (!row || !principal) throw new Unauthenticated();
    const expiresAt = await this.use(row);
    return { principal, expiresAt, prolonged: expiresAt > row.expires_at, shared: row.shared };
  }

  /** Tells if any device is signed in to an account. */
  anyOf(accountId: string): Promise<boolean> {
    return this.sessions.existsBy({ accountId, expiresAt: MoreThan(new Date()) });
  }

  /** The account of a recently used token, for taking turns only: its session may have ended since. */
  accountOf(token: string): string | undefined {
    return this.known.get(hashOf(token).toString('base64'));
  }

  /** Until when the session stands, prolonged by a socket's use of it; undefined when it has ended. */
  async expiryOf(id: string, usedAt: Date | undefined): Promise<Date | undefined> {
    const known = await this.sessions.findOneBy({ id });
    if (!known) return undefined;
    const now = new Date();
    const prolonged = usedAt && new Date(usedAt.getTime() + this.lifetimeOf(known.shared));
    if (!prolonged || prolonged <= now || prolonged <= known.expiresAt) {
      return known.expiresAt > now ? known.expiresAt : undefined;
    }
    const { affected } = await this.sessions.update(
      { id, expiresAt: LessThan(prolonged) },
      { usedAt, expiresAt: prolonged },
    );
    // Otherwise it has ended meanwhile, or another use has prolonged it further.
    return affected ? prolonged : this.expiryOf(id, undefined);
  }

  /** Finds the account and device of a session; undefined if the session has ended. */
  async find(id: string): Promise<{ accountId: string; device: string | null; createdAt: Date } | undefined> {
    const session = await this.sessions.findOneBy({ id });
    const account = session && (await this.accounts.find(session.accountId));
    if (!account) return undefined;
    const { accountId, device, createdAt } = session;
    const key = await this.holders.keyOf(account);
    return { accountId, device: device && (await this.vault.open(key, device, deviceContext(id))), createdAt };
  }

  /** The devices that are signed in to the principal's account, newest first: a page of them. */
  async list(principal: Principal, wanted: ListSessions): Promise<DeviceList> {
    const { ask, position, next } = openPage(ListSessions, wanted, ['id']);
    const { limit } = ask;
    const sessions = await this.sessions.find({
      where: {
        accountId: principal.accountId,
        expiresAt: MoreThan(new Date()),
        ...(position && { id: LessThan(String(position[0])) }),
      },
      // Their ids are in the order of time.
      order: { id: 'DESC' },
      take: limit + 1,
    });
    const page = sessions.slice(0, limit);
    const key = accountKey(principal);
    const push = await this.pushOf(page.map(({ id }) => id));
    const items = await Promise.all(
      page.map(async ({ id, device, createdAt, usedAt, shared }) => ({
        id,
        device: device && (await this.vault.open(key, device, deviceContext(id))),
        createdAt: createdAt.toISOString(),
        lastUsedAt: usedAt.toISOString(),
        shared,
        current: id === principal.sessionId,
        push: push.get(id) ?? null,
      })),
    );
    return { items, nextCursor: sessions.length > limit ? next([page.at(-1)!.id]) : null };
  }

  /**
   * Ends a session of the principal's own account. When this resolves its device gets nothing more, and nothing more is
   * stored of what it has sent.
   * @throws NotFound
   */
  async end(principal: Principal, id: string): Promise<void> {
    const { affected } = await this.sessions.delete({ id, accountId: principal.accountId });
    if (!affected) throw new NotFound();
    await this.realtime.cut(id, { tell: id !== principal.sessionId, by: principal });
    this.realtime.tell(rooms.ofAccount(principal.accountId), 'session.ended', { id });
  }

  /** Ends the sessions of all other devices of the principal's account, in the same way. */
  async endOthers(principal: Principal): Promise<void> {
    const { accountId, sessionId } = principal;
    const ended = await this.sessions.manager.transaction((manager) =>
      this.revokeAll(manager, accountId, { except: sessionId }),
    );
    await this.silence(accountId, ended, principal);
  }

  /** Ends the session of a token that its device replaces with another; one that has ended already is ignored. */
  async endReplaced(token: string): Promise<void> {
    const [rows] = await this.sessions.query<[{ id: string; account_id: string }[], number]>(
      'DELETE FROM session WHERE token_hash = $1 RETURNING id, account_id',
      [hashOf(token)],
    );
    for (const { id, account_id: accountId } of rows) await this.silence(accountId, [id], undefined);
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

  /** The sessions of accounts that are about to go, by account; locks the accounts, so that none is opened meanwhile. */
  async ofAccounts(
    manager: EntityManager,
    accountIds: readonly string[],
  ): Promise<{ accountId: string; ids: string[] }[]> {
    if (accountIds.length === 0) return [];
    await manager.query('SELECT FROM account WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE', [accountIds]);
    return manager.query<{ accountId: string; ids: string[] }[]>(
      `SELECT account_id AS "accountId", array_agg(id) AS ids FROM session WHERE account_id = ANY ($1::uuid[]) GROUP BY 1`,
      [accountIds],
    );
  }

  /**
   * Cuts the sockets and answers of sessions that were revoked, waits for what they have under way, and tells the devices
   * that stay.
   * @param by the principal whose request ends them; undefined where a request has none
   */
  async silence(accountId: string, ids: string[], by: Principal | undefined): Promise<void> {
    await Promise.all(ids.map((id) => this.realtime.cut(id, { tell: true, by })));
    for (const id of ids) this.realtime.tell(rooms.ofAccount(accountId), 'session.ended', { id });
  }

  private async rowOf(tokenHash: Buffer, name: string): Promise<SessionRow | undefined> {
    const [row] = await this.statements.query<SessionRow>(this.statement, [tokenHash]);
    if (row) this.known.set(name, row.account_id);
    else {
      this.known.delete(name);
      this.unknown.set(name, true);
    }
    return row;
  }

  /**
   * Deletes what an account has beyond the sessions it may have, without connected devices first, the one that was not used
   * for longest before the others.
   * @returns their ids, to be silenced after the commit
   */
  private async endExcess(manager: EntityManager, accountId: string, newest: string): Promise<string[]> {
    const sessions = await manager.find(Session, {
      select: { id: true, usedAt: true },
      where: { accountId },
      order: { usedAt: 'ASC' },
    });
    const others = sessions.map(({ id }) => id).filter((id) => id !== newest);
    const excess = others.length + 1 - limits.sessionsPerAccount;
    if (excess <= 0) return [];
    const idle = others.filter((id) => !this.realtime.isConnected(id));
    const ended = [...idle, ...others.filter((id) => this.realtime.isConnected(id))].slice(0, excess);
    await manager.delete(Session, { id: In(ended) });
    return ended;
  }

  private async matching({
    name,
    password,
    kind,
    network,
  }: Pick<SignInAttempt, 'password' | 'kind' | 'network'> & { name: string }): Promise<Account | undefined> {
    const candidates: (Account | undefined)[] = await this.accounts.candidates(name);
    // An address may stand for several accounts: the work must not tell how many.
    const comparisons = name.includes('@') ? limits.accountsPerAddress : 1;
    while (candidates.length < comparisons) candidates.push(undefined);
    const hashes = candidates.map((account) => account?.passwordHash);
    const matches = await verifyPassword(password, hashes, network);
    return candidates.find((account, index) => matches[index] && (kind === undefined || account!.kind === kind));
  }

  /** After the commit, because the log locks the member, whom a removal locks before the account. */
  private async noteOpened(
    { id, kind, subscriberId }: Account,
    { key, ...event }: { key: KeyRef; network: string; subjectId: string },
  ): Promise<void> {
    const account = { id, kind, subscriberId, key };
    await this.log.attempt(() =>
      this.sessions.manager.transaction((manager) =>
        this.accountLog.recordCredentials(manager, account, { kind: 'session.opened', ...event }),
      ),
    );
  }

  private async noteRefused({
    name,
    kind,
    network,
  }: Pick<SignInAttempt, 'kind' | 'network'> & { name: string }): Promise<void> {
    for (const account of await this.accounts.candidates(name)) {
      if (kind !== undefined && account.kind !== kind) continue;
      const key = await this.holders.keyOf(account);
      const logged = { id: account.id, kind: account.kind, subscriberId: account.subscriberId, key };
      await this.sessions.manager.transaction((manager) =>
        this.accountLog.recordCredentials(manager, logged, { kind: 'session.refused', network }),
      );
    }
  }

  /** Milliseconds without use after which a session ends. */
  private lifetimeOf(shared: boolean): number {
    return shared ? Math.min(this.lifetime, sharedLifetime) : this.lifetime;
  }

  /** Prolongs a session when it is used; written at most once an hour, and more often for a short-lived one. */
  private async use({ session_id: id, used_at: usedAt, expires_at: expiresAt, shared }: SessionRow): Promise<Date> {
    const now = Date.now();
    const lifetime = this.lifetimeOf(shared);
    if (now - usedAt.getTime() < Math.min(longestUseGap, lifetime / (shared ? 100 : 10))) return expiresAt;
    const prolonged = new Date(now + lifetime);
    await this.sessions.update({ id }, { usedAt: new Date(now), expiresAt: prolonged });
    return prolonged;
  }

  private async sweep(): Promise<void> {
    await this.sessions.delete({ expiresAt: LessThanOrEqual(new Date()) });
    await this.sessions.manager.delete(CarryCode, { expiresAt: LessThanOrEqual(new Date()) });
    await this.devices.sweep();
  }
}

/** Locks a session that stands until the transaction ends; undefined where it has ended. */
async function lockedSession(manager: EntityManager, id: string): Promise<{ shared: boolean } | undefined> {
  const [session] = await manager.query<{ shared: boolean }[]>(
    'SELECT shared FROM session WHERE id = $1 AND expires_at > now() FOR UPDATE',
    [id],
  );
  return session;
}

/** A password that is being changed opens no further session: locks the account until the session is there. */
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
  if (!row.holder_id) return undefined;
  if (row.kind === 'interlocutor') return { ...signedIn, kind: 'interlocutor', interlocutorId: row.holder_id };
  if (!row.subscriber_id || !row.role) return undefined;
  return { ...signedIn, kind: 'member', subscriberId: row.subscriber_id, memberId: row.holder_id, role: row.role };
}

const hashOf = (token: string) => createHash('sha256').update(token).digest();
const deviceContext = (sessionId: string) => ['session', sessionId, 'device'];
