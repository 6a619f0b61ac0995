import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import helmet from 'helmet';
import { DataSource } from 'typeorm';
import { AppModule } from './app.module.js';
import { ArchivePool } from './archive/archive-pool.service.js';
import { noteRequests } from './auth/request-work.js';
import { SocketDoorkeeper } from './auth/socket-doorkeeper.js';
import { readWebApp } from './auth/web-apps.js';
import { Erasures } from './erasures/erasures.service.js';
import { ChangeFeed } from './change-feed/change-feed.service.js';
import { Exporting } from './exports/exporting.service.js';
import { limits } from './contract/limits.js';
import { type Config, everyInterface } from './platform/config.js';
import { isLoopback } from './platform/settings/readers.js';
import { cutConnections, cutWhenSilent } from './platform/database-connections.js';
import { DatabaseWatch } from './platform/database-watch.js';
import { keyringDatabase, mainDatabaseOptions, openConnections } from './platform/database.js';
import { type Databases, openDatabases } from './platform/open-databases.js';
import { DeadlinePassed, within } from './platform/deadline.js';
import { freePort } from './platform/free-port.js';
import { HotStatements } from './platform/hot-statements.js';
import { compressAnswers } from './platform/http/compression.js';
import { boundConnections } from './platform/http/connections.js';
import { tagAnswers } from './platform/http/etags.js';
import { readJsonBodies } from './platform/http/json-bodies.js';
import { Origins } from './platform/http/origins.js';
import { answerUnrouted, keepPathsOnly, requirePath } from './platform/http/paths.js';
import { boundPipelines } from './platform/http/pipelines.js';
import { Requests } from './platform/http/requests.js';
import { answerUnreadable } from './platform/http/unreadable-requests.js';
import { Jobs } from './platform/jobs/jobs.js';
import { Log } from './platform/log.js';
import { Outbox } from './platform/mail/outbox.js';
import { NodeLock } from './platform/node-lock.js';
import { Realtime } from './platform/realtime/realtime.js';
import { SocketAdapter } from './platform/realtime/socket-adapter.js';
import { PushRounds } from './push/push-rounds.service.js';
import { StartError } from './platform/start-error.js';
import { EpochRenewal } from './platform/vault/epoch-renewal.js';
import { type OpenedVault, openVault } from './platform/vault/open-vault.js';
import { PushKey } from './platform/vault/push-key.js';
import { SigningKey } from './platform/vault/signing-key.js';

export interface RunningService {
  app: NestExpressApplication;
  config: Config;
  /** Address on this machine. */
  url: string;
  /** Folder of the embedded database; undefined for a database of your own. */
  databaseFolder: string | undefined;
  keyring: OpenedVault['keyring'];
  /**
   * Finishes what is under way, then stops everything, the embedded PostgreSQL last. Within ten seconds, whatever hangs:
   * what does not end by then is given up, and the log names it.
   */
  stop(): Promise<void>;
  /** Resolves when it has stopped, also by itself because another service has taken over. */
  stopped: Promise<void>;
}

export interface StartOptions {
  /** Adds to the application before it listens. */
  prepare?: ((app: NestExpressApplication) => Promise<void>)[];
  /** Hears where the master key is when this start made it, even if the start fails later: the next one will not make it. */
  onMasterKeyMade?: (path: string) => void;
}

/**
 * Docker and others kill after ten seconds, so a stop must be complete by then. Work in progress has until the first of these
 * times, counted from the beginning of the stop, and each later step until the next.
 */
const stopBy = {
  drained: 4_500,
  disconnected: 5_000,
  jobsEnded: 6_200,
  applicationClosed: 6_500,
  keyringClosed: 6_800,
  lockReleased: 7_200,
  postgresStopped: 9_200,
};
/** Connections on which nothing is under way have this long to close by themselves. */
const farewellMilliseconds = 1_000;

/**
 * Starts the whole service.
 * @throws StartError with one line that says what to do; what had been started is stopped again
 */
export async function startService(
  wanted: Config,
  { prepare = [], onMasterKeyMade }: StartOptions = {},
): Promise<RunningService> {
  const config = wanted.port === 0 ? await withFreePort(wanted) : wanted;
  const log = new Log(config);
  await checkDataDir(config.dataDir);
  const databases = await openDatabases(config);
  const watch = new DatabaseWatch(databases, config.dataDir);
  log.onTrouble = (trouble) => watch.note(trouble);
  const undo: ((stop: Stop) => Promise<unknown>)[] = [];
  let lock: NodeLock | undefined;
  const undone = async () => {
    const stop = new Stop(log);
    for (const step of undo.reverse()) await step(stop).catch((error: unknown) => log.failure(error));
    watch.close();
    // Another service may be running on an adopted PostgreSQL: only who holds the lock may stop it.
    if (lock) await databases.stop(stop.left('postgresStopped')).catch((error: unknown) => log.failure(error));
  };
  const stopped = Promise.withResolvers<void>();
  let stopping: Promise<void> | undefined;
  const stop = () => (stopping ??= undone().finally(stopped.resolve));
  try {
    const taken = (lock = await NodeLock.acquire(databases.keyring, databases.revive, log));
    undo.push((stop) => stop.by('lockReleased', taken.release(), 'the lock on the keyring'));
    taken.onTakenOver = () => {
      // The service that holds the lock now uses this database.
      lock = undefined;
      process.exitCode = 1;
      void stop();
    };
    const keyringSource = await keyringDatabase(databases.keyring).initialize();
    undo.push(async (stop) => {
      await stop.by('keyringClosed', keyringSource.destroy(), 'the connections to the keyring');
      cutConnections(keyringSource);
    });
    await keyringSource.runMigrations();
    const { vault, keyring, masterKey } = await openVault(config, keyringSource, await contentsOf(databases));
    if (masterKey.madeAt) onMasterKeyMade?.(masterKey.madeAt);
    const pushKey = await PushKey.load(config, masterKey.key);
    const signingKey = await SigningKey.load(config, masterKey.key);
    const epochRenewal = new EpochRenewal(keyring, log);
    undo.push((stop) =>
      stop.by('keyringClosed', epochRenewal.stop(), 'a renewal of the epoch key, which the next start ends'),
    );
    const foundation = {
      ...{ config, databases: watch, epochRenewal, log, masterKey: masterKey.key, pushKey, signingKey, vault },
    };
    const secure = config.tls && { ...config.tls, handshakeTimeout: limits.admissionSeconds * 1000 };
    const app = await NestFactory.create<NestExpressApplication>(
      AppModule.with(foundation, mainDatabaseOptions(databases.main)),
      {
        logger: log,
        abortOnError: false,
        bodyParser: false,
        forceCloseConnections: true,
        ...(secure && { httpsOptions: secure }),
      },
    );
    undo.push((stop) => closeApplication(app, stop));
    configureHttp(app, config);
    noteRequests(app);
    for (const step of prepare) await step(app);
    await app.init();
    app.use(answerUnrouted);
    const pools = poolsOf(app);
    await Promise.all([keyringSource, ...pools].map(openConnections));
    // From here on no statement may take longer than PostgreSQL lets it; migrations may.
    for (const pool of pools) cutWhenSilent(pool, () => watch.answers('main'));
    cutWhenSilent(keyringSource, () => watch.answers('keyring'));
    await app.get(Jobs).prepareQueues();
    app.get(Realtime).open(app.getHttpServer(), app.get(SocketDoorkeeper));
    app.getHttpServer().prependListener('request', keepPathsOnly);
    boundConnections(app.getHttpServer(), config.trustProxy);
    answerUnreadable(app.getHttpServer());
    await listen(app, config);
    // Only a start that succeeds works: mails and broadcasts wait for the one that can be reached.
    await app.get(Jobs).startWorkers();
    app.get(ChangeFeed).start();
    app.get(PushRounds).start();
    await app.get(Outbox).resume();
    await app.get(Erasures).resume();
    await app.get(Exporting).start();
    const scheme = config.tls ? 'https' : 'http';
    const host = isLoopback(config.host) ? config.host : 'localhost';
    const url = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${config.port}`;
    return {
      app,
      config,
      url,
      keyring,
      databaseFolder: databases.folder,
      stop,
      stopped: stopped.promise,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function configureHttp(app: NestExpressApplication, config: Config): void {
  const https = config.publicUrl.protocol === 'https:';
  app.disable('x-powered-by');
  app.disable('etag');
  if (config.trustProxy) {
    const hops = Number(config.trustProxy);
    app.set('trust proxy', Number.isInteger(hops) ? hops : config.trustProxy);
  }
  app.use(boundPipelines);
  app.use(app.get(Requests).observe);
  app.use(requirePath);
  app.use(
    helmet({
      strictTransportSecurity: https && { maxAge: 365 * 24 * 60 * 60, includeSubDomains: false },
      contentSecurityPolicy: {
        directives: { upgradeInsecureRequests: https ? [] : null, 'img-src': ["'self'", 'data:', 'blob:'] },
      },
      referrerPolicy: { policy: 'no-referrer' },
    }),
  );
  app.use(app.get(Origins).check);
  app.use(compressAnswers());
  app.use(readWebApp);
  app.use('/api', (_request: unknown, response: { setHeader(name: string, value: string): void }, next: () => void) => {
    response.setHeader('Cache-Control', 'no-store');
    next();
  });
  app.use('/api', tagAnswers);
  app.use(readJsonBodies());
  app.setGlobalPrefix('api');
  app.useWebSocketAdapter(new SocketAdapter(app));
}

/** Watches over the times of one stop, and gives up what does not end by its own. */
class Stop {
  private readonly begun = performance.now();

  constructor(private readonly log: Log) {}

  /** Milliseconds that are left until then. */
  left(when: keyof typeof stopBy): number {
    return Math.max(0, this.begun + stopBy[when] - performance.now());
  }

  /** Waits for something until then. What is not done is named in the log. */
  async by(when: keyof typeof stopBy, work: Promise<unknown>, what: string): Promise<void> {
    try {
      await within(this.left(when), work, what);
    } catch (error) {
      if (!(error instanceof DeadlinePassed)) throw error;
      this.log.warn(`Stopping goes on without waiting any longer for ${what}.`);
    }
  }
}

/** Lets requests under way end and clients disconnect, then cuts the remaining connections. */
async function closeApplication(app: NestExpressApplication, stop: Stop): Promise<void> {
  const requests = app.get(Requests);
  const realtime = app.get(Realtime);
  const everybodyGone = new Promise<void>((resolve) => app.getHttpServer().close(() => resolve()));
  await Promise.all([
    stop.by('drained', requests.drain(), 'requests under way'),
    stop.by('drained', realtime.drain(), 'events of sockets under way'),
  ]);
  await realtime.close();
  app.getHttpServer().closeIdleConnections();
  const farewell = Math.min(farewellMilliseconds, stop.left('disconnected'));
  await Promise.race([everybodyGone, new Promise<void>((resolve) => setTimeout(resolve, farewell).unref())]);
  const jobsEnded = app.get(Jobs).end(stop.left('jobsEnded'));
  await Promise.all([
    stop.by('applicationClosed', jobsEnded, 'jobs under way, which are tried again after the next start'),
    stop.by('jobsEnded', app.get(ChangeFeed).end(), 'consumers of changes, which go on after the next start'),
    stop.by('jobsEnded', app.get(PushRounds).end(), 'pushes under way, which are tried again after the next start'),
  ]);
  const pools = poolsOf(app);
  await stop.by('applicationClosed', app.close(), 'the connections to the database');
  pools.forEach(cutConnections);
}

/** Everything that keeps connections to the main database. */
function poolsOf(app: NestExpressApplication) {
  return [app.get(DataSource), app.get(HotStatements).pool, app.get(ArchivePool).pool];
}

async function listen(app: NestExpressApplication, { port, host }: Pick<Config, 'port' | 'host'>): Promise<void> {
  const server = app.getHttpServer();
  try {
    // Without Nest, which would report a failure in its own words too.
    await once(server.listen(port, host), 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A machine without IPv6.
    if (host === everyInterface && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL')) {
      return listen(app, { port, host: '0.0.0.0' });
    }
    if (code === 'EADDRINUSE')
      throw new StartError(`Port ${port} is taken: stop what listens there, or choose another with PORT.`);
    if (code === 'EACCES') throw new StartError(`Port ${port} needs more rights: choose one above 1023 with PORT.`);
    if (code === 'EADDRNOTAVAIL') throw new StartError(`HOST ${host} is not an address of this machine: correct it.`);
    throw error;
  }
}

async function checkDataDir(dataDir: string): Promise<void> {
  const probe = join(dataDir, `.write-${process.pid}`);
  try {
    // As root the embedded PostgreSQL runs as another user, who has to pass through; keys/ inside is private.
    await mkdir(dataDir, { recursive: true, mode: 0o711 });
    await writeFile(probe, '');
    await rm(probe);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartError(
      `The data directory ${dataDir} cannot be written (${code}): make it writable, or choose another with DATA_DIR.`,
    );
  }
}

/** Accounts have sealed values, which need the keyring they were made with. */
async function contentsOf({ main }: Databases): Promise<'nothing' | 'tables' | 'accounts'> {
  const source = await new DataSource(mainDatabaseOptions(main)).initialize();
  try {
    const [row] = await source.query<[{ there: boolean; restoring: boolean }]>(
      `SELECT to_regclass('account') IS NOT NULL AS there, to_regclass('restore_under_way') IS NOT NULL AS restoring`,
    );
    if (row.restoring) {
      throw new StartError('A restore into this data was interrupted: run npm run restore again, and start it then.');
    }
    if (!row.there) return 'nothing';
    const [{ any }] = await source.query<[{ any: boolean }]>('SELECT EXISTS (SELECT FROM account) AS any');
    return any ? 'accounts' : 'tables';
  } finally {
    await source.destroy();
  }
}

async function withFreePort(config: Config): Promise<Config> {
  const port = await freePort(config.host);
  const publicUrl = new URL(config.publicUrl);
  if (publicUrl.port === '0') publicUrl.port = String(port);
  return { ...config, port, publicUrl };
}
