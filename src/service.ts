import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';
import helmet from 'helmet';
import { DataSource } from 'typeorm';
import { AppModule } from './app.module.js';
import { noteRequests } from './auth/request-work.js';
import { SocketDoorkeeper } from './auth/socket-doorkeeper.js';
import { readWebApp } from './auth/tokens.js';
import { limits } from './contract/limits.js';
import { type Config, isLoopback } from './platform/config.js';
import { keyringDatabase, mainDatabaseOptions, openConnections } from './platform/database.js';
import { type Databases, openDatabases } from './platform/databases.js';
import { HotStatements } from './platform/hot-statements.js';
import { compressAnswers } from './platform/http/compression.js';
import { boundConnections } from './platform/http/connections.js';
import { tagAnswers } from './platform/http/etags.js';
import { Origins } from './platform/http/origins.js';
import { answerUnrouted, keepPathsOnly, requirePath } from './platform/http/paths.js';
import { boundPipelines } from './platform/http/pipelines.js';
import { Requests } from './platform/http/requests.js';
import { Jobs } from './platform/jobs/jobs.js';
import { Log } from './platform/log.js';
import { Outbox } from './platform/mail/outbox.js';
import { NodeLock } from './platform/node-lock.js';
import { Realtime } from './platform/realtime/realtime.js';
import { SocketAdapter } from './platform/realtime/socket-adapter.js';
import { StartError } from './platform/start-error.js';
import { requirePlainShape } from './platform/validation/shape.js';
import { scheduleEpochRenewal } from './platform/vault/epoch-renewal.js';
import { type OpenedVault, openVault } from './platform/vault/open-vault.js';

export interface RunningService {
  app: NestExpressApplication;
  config: Config;
  /** Where this machine reaches it. */
  url: string;
  /** Where the embedded database lives; undefined when the database is not ours. */
  databaseFolder: string | undefined;
  keyring: OpenedVault['keyring'];
  /** Finishes what is under way, then stops everything, the embedded PostgreSQL last. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Adds to the application before it listens. */
  prepare?: (app: NestExpressApplication) => Promise<void>;
  /** Hears where the master key is when this start made it, even if the start fails later: the next one will not make it. */
  onMasterKeyMade?: (path: string) => void;
}

/** What is under way at a stop has this long to end. Docker and others kill after ten seconds. */
const drainMilliseconds = 7_000;
const farewellMilliseconds = 1_000;

/**
 * Starts the whole service.
 * @throws StartError with one line that says what to do; what had been started is stopped again
 */
export async function startService(
  wanted: Config,
  { prepare, onMasterKeyMade }: StartOptions = {},
): Promise<RunningService> {
  const config = wanted.port === 0 ? await withFreePort(wanted) : wanted;
  const log = new Log(config);
  await checkDataDir(config.dataDir);
  const databases = await openDatabases(config);
  const undo: (() => Promise<unknown>)[] = [];
  let lock: NodeLock | undefined;
  const stop = async () => {
    for (const step of undo.reverse()) await step().catch((error: unknown) => log.failure(error));
    // Another service may be running on an adopted PostgreSQL: only who holds the lock may stop it.
    if (lock) await databases.stop();
  };
  try {
    const taken = (lock = await NodeLock.take(databases.keyring, databases.revive, log));
    undo.push(() => taken.release());
    taken.onTakenOver = () => {
      // Whoever holds the lock now works with this database.
      lock = undefined;
      process.exitCode = 1;
      void stop();
    };
    const keyringSource = await keyringDatabase(databases.keyring).initialize();
    undo.push(() => keyringSource.destroy());
    await keyringSource.runMigrations();
    const { vault, keyring, masterKey } = await openVault(config, keyringSource, await holdsAccounts(databases));
    if (masterKey.madeAt) onMasterKeyMade?.(masterKey.madeAt);
    undo.push(scheduleEpochRenewal(keyring, log));
    const foundation = { config, log, masterKey: masterKey.key, vault };
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
    undo.push(() => closeApplication(app));
    dress(app, config);
    noteRequests(app);
    await prepare?.(app);
    await app.init();
    app.use(answerUnrouted);
    await Promise.all([keyringSource, app.get(DataSource), app.get(HotStatements).pool].map(openConnections));
    await app.get(Jobs).begin();
    await app.get(Outbox).resume();
    app.get(Realtime).open(app.getHttpServer(), app.get(SocketDoorkeeper));
    app.getHttpServer().prependListener('request', keepPathsOnly);
    boundConnections(app.getHttpServer(), config.trustProxy);
    await listen(app, config);
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
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function dress(app: NestExpressApplication, config: Config): void {
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
  app.useBodyParser('json', { limit: limits.jsonBytes });
  app.use((request: Request, _response: Response, next: NextFunction) => {
    requirePlainShape(request.body);
    next();
  });
  app.setGlobalPrefix('api');
  app.useWebSocketAdapter(new SocketAdapter(app));
}

/** Lets what is under way end and everybody go, then cuts who is still there. */
async function closeApplication(app: NestExpressApplication): Promise<void> {
  const requests = app.get(Requests);
  const realtime = app.get(Realtime);
  const everybodyGone = new Promise<void>((resolve) => app.getHttpServer().close(() => resolve()));
  await Promise.all([requests.drain(drainMilliseconds), realtime.drain(drainMilliseconds)]);
  await realtime.close();
  app.getHttpServer().closeIdleConnections();
  await Promise.race([
    everybodyGone,
    new Promise<void>((resolve) => setTimeout(resolve, farewellMilliseconds).unref()),
  ]);
  await app.close();
}

async function listen(app: NestExpressApplication, { port, host }: Config): Promise<void> {
  try {
    // Without Nest, which would report a failure in its own words too.
    await once(app.getHttpServer().listen(port, host), 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      throw new StartError(`Port ${port} is taken: stop what listens there, or choose another with PORT.`);
    if (code === 'EACCES') throw new StartError(`Port ${port} needs more rights: choose one above 1023 with PORT.`);
    if (code === 'EADDRNOTAVAIL') throw new StartError(`HOST ${host} is no address of this machine: correct it.`);
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

/** Whether the main database holds accounts, whose sealed values need the keyring they were made with. */
async function holdsAccounts({ main }: Databases): Promise<boolean> {
  const source = await new DataSource(mainDatabaseOptions(main)).initialize();
  try {
    const [row] = await source.query<[{ there: boolean }]>(`SELECT to_regclass('account') IS NOT NULL AS there`);
    if (!row.there) return false;
    const [{ any }] = await source.query<[{ any: boolean }]>('SELECT EXISTS (SELECT FROM account) AS any');
    return any;
  } finally {
    await source.destroy();
  }
}

async function withFreePort(config: Config): Promise<Config> {
  const port = await new Promise<number>((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, config.host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
  const publicUrl = new URL(config.publicUrl);
  if (publicUrl.port === '0') publicUrl.port = String(port);
  return { ...config, port, publicUrl };
}
