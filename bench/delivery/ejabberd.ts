import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../../src/platform/free-port.js';
import type { Stage } from './stage.js';

export const howToInstall = 'apt-get install ejabberd erlang-p1-pgsql';

const domain = 'bench.example';
const password = 'tegame-7-lucertola';

/** An ejabberd of our own, with its archive in the stage's PostgreSQL. */
export interface Ejabberd {
  pid: number;
  port: number;
  domain: string;
  password: string;
  version: string;
  stop(): Promise<void>;
}

interface Installed {
  version: string;
  /** The folder of its Erlang applications. */
  libraries: string;
  /** The tables it ships. */
  schema: string;
}

/** undefined when it is not installed. */
export async function findEjabberd(): Promise<Installed | undefined> {
  try {
    const { stdout: files } = await promisify(execFile)('dpkg', ['-L', 'ejabberd', 'erlang-p1-pgsql']);
    const paths = files.split('\n');
    const beam = paths.find((path) => path.endsWith('/ebin/ejabberd.app'));
    const schema = paths.find((path) => path.endsWith('/sql/pg.sql'));
    const { stdout: version } = await promisify(execFile)('dpkg-query', ['-W', '-f', '$' + '{Version}', 'ejabberd']);
    return beam && schema ? { version, libraries: dirname(dirname(dirname(beam))), schema } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Starts it with `users` accounts, named u0, u1, …. They are in the same database, with plain passwords: what signing in
 * costs is not measured.
 */
export async function startEjabberd(stage: Stage, installed: Installed, users: number): Promise<Ejabberd> {
  const dir = join(stage.dir, 'ejabberd');
  await rm(dir, { recursive: true, force: true });
  await mkdir(join(dir, 'spool'), { recursive: true });
  await stage.dropDatabase('ejabberd');
  await stage.createDatabase('ejabberd');
  await stage.query('ejabberd', await readFile(installed.schema, 'utf8'));
  await stage.query(
    'ejabberd',
    `INSERT INTO users (username, password) SELECT 'u' || number, '${password}' FROM generate_series(0, $1::integer - 1) AS number`,
    [users],
  );
  const port = await freePort();
  await writeFile(join(dir, 'ejabberd.yml'), filledIn(stage, port), { mode: 0o600 });
  const output = await open(join(dir, 'output.log'), 'w');
  const child = spawn('erl', ['-noinput', ...flags, '-mnesia', 'dir', `"${join(dir, 'spool')}"`, '-s', 'ejabberd'], {
    cwd: dir,
    stdio: ['ignore', output.fd, output.fd],
    env: {
      PATH: process.env['PATH'],
      HOME: dir,
      ERL_LIBS: installed.libraries,
      ERL_MAX_PORTS: '32000',
      ERL_CRASH_DUMP_SECONDS: '0',
      EJABBERD_CONFIG_PATH: join(dir, 'ejabberd.yml'),
      EJABBERD_LOG_PATH: join(dir, 'ejabberd.log'),
    },
  });
  await output.close();
  await answers(child, port).catch(async (error: unknown) => {
    console.error(await readFile(join(dir, 'output.log'), 'utf8'));
    throw error;
  });
  return { pid: child.pid!, port, domain, password, version: installed.version, stop: () => stopped(child) };
}

/**
 * Nothing but connections and the archive: every module left out makes it faster. No TLS, no stream management, no
 * rosters, and no offline storage, since nobody is away.
 */
export const configuration = `
hosts: [${domain}]
loglevel: error
listen:
  - module: ejabberd_c2s
    ip: "127.0.0.1"
    port: PORT
    access: all
    shaper: none
    starttls: false
    zlib: false
auth_method: [sql]
auth_password_format: plain
sql_type: pgsql
sql_server: SERVER
sql_port: SERVER_PORT
sql_database: ejabberd
sql_username: USER
sql_password: SECRET
sql_pool_size: 10
acme: {auto: false}
modules:
  mod_mam:
    db_type: sql
    default: always
`;

/** As Debian starts it; and its schedulers do not wait busily, which on two processors takes time from the others. */
const flags = '+K true +P 250000 +sbwt none +sbwtdcpu none +sbwtdio none'.split(' ');

function filledIn(stage: Stage, port: number): string {
  const { user, port: serverPort, password: secret } = stage.postgres.connection;
  const values = { PORT: port, SERVER: stage.address, SERVER_PORT: serverPort, USER: user, SECRET: secret };
  return configuration.replace(/: ([A-Z_]+)$/gm, (line, name: keyof typeof values) =>
    name in values ? `: ${JSON.stringify(values[name])}` : line,
  );
}

async function answers(child: ChildProcess, port: number): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (child.exitCode !== null) break;
    const socket = connect(port, '127.0.0.1');
    const opened = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (opened) return;
    await sleep(100);
  }
  child.kill('SIGKILL');
  throw new Error('ejabberd does not start');
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const stubborn = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await gone;
  clearTimeout(stubborn);
}
