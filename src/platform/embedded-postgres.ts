import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import {
  access,
  chmod,
  constants,
  copyFile,
  link,
  lstat,
  mkdir,
  open,
  readFile,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
} from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

// This file has no relative imports and only erasable syntax, so that `node src/platform/embedded-postgres.ts` and the
// child processes of its test can load it without a build.

/** What kept PostgreSQL from starting: one line for the person at the terminal that says what happened and what to do. */
export class PostgresStartError extends Error {
  override readonly name: string = 'PostgresStartError';

  constructor(message: string, options?: ErrorOptions) {
    super(message.replace(/\s+/g, ' ').trim(), options);
  }
}

export interface PostgresConnection {
  /** The folder of the Unix socket, or 127.0.0.1 on Windows. */
  host: string;
  port: number;
  user: string;
  password: string;
}

export interface EmbeddedPostgres {
  connection: PostgresConnection;
  /** True when a PostgreSQL that was running already (a survivor, or another process's) was taken over. */
  adopted: boolean;
  pid: number;
  /** Where the database really lives: `<dataDir>/pg`, or below /var/lib/colloquio when root's dataDir is closed to others. */
  clusterDir: string;
  /** Ends it in good order (fast shutdown) and returns when it is gone; harmless when it is gone already. */
  stop(): Promise<void>;
}

const superuser = 'colloquio';
const socketPort = 5432;
const onWindows = process.platform === 'win32';
const asRoot = process.getuid?.() === 0;
const systemFolder = '/var/lib/colloquio';

const startMilliseconds = 60_000;
const recoveryMilliseconds = 600_000;
const silenceMilliseconds = 6_000;
const lockMilliseconds = recoveryMilliseconds + startMilliseconds;

/**
 * For a machine with 2 GB and two cores that it shares with the service. They stand in `colloquio.conf`, which is written
 * anew before each start and included at the end of `postgresql.conf`: so better defaults of a later release reach old
 * clusters, while lines after the include, and ALTER SYSTEM, stay the operator's.
 */
const defaultSettings: Record<string, string> = {
  // The service opens two small pools; a few more for a second node starting up, backups and an operator.
  max_connections: '50',
  // An eighth of the memory: the page cache and Node need the rest. It is mapped anonymously, not in /dev/shm.
  shared_buffers: '256MB',
  effective_cache_size: '1GB',
  work_mem: '8MB',
  maintenance_work_mem: '128MB',
  // With the default of 1 GB a burst of messages forces checkpoints, and each makes the following writes log full pages.
  max_wal_size: '2GB',
  wal_compression: 'pglz',
  // Any disk bought today is an SSD; the default of 4 makes the planner avoid indexes.
  random_page_cost: '1.1',
  // Compiling costs more than these short queries.
  jit: 'off',
  // An acknowledged message is on the disk. These two are the promise, do not trade them for speed.
  fsync: 'on',
  synchronous_commit: 'on',
  // Memory of parallel queries. `posix` lives in /dev/shm, which containers cut to 64 MB and systemd empties when the user
  // logs out (RemoveIPC); `mmap` writes it to the disk. PostgreSQL needs one System V segment in any case as its lock, so
  // where it runs, `sysv` works. macOS allows only 4 MB of it, so there the default stays.
  ...(process.platform === 'linux' ? { dynamic_shared_memory_type: 'sysv' } : {}),
  timezone: 'UTC',
  log_timezone: 'UTC',
  password_encryption: 'scram-sha-256',
  unix_socket_permissions: '0700',

  // One file per weekday, each emptied when its day comes again: seven small files, whatever happens.
  logging_collector: 'on',
  log_destination: 'stderr',
  log_directory: 'log',
  log_filename: 'postgresql-%a.log',
  log_file_mode: '0600',
  log_rotation_age: '1d',
  log_rotation_size: '0',
  log_truncate_on_rotation: 'on',

  // What people write must not reach the log. Statements, parameters and row details are switched off; but the error line
  // itself can quote a value ('invalid input syntax for type uuid: "…"'), so errors of statements, which the service
  // receives anyway, are not logged at all. (In the order of log_min_messages, LOG stands above ERROR.)
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_statement: 'none',
  log_duration: 'off',
  log_min_duration_statement: '-1',
  log_min_duration_sample: '-1',
  log_transaction_sample_rate: '0',
  log_parameter_max_length: '0',
  log_parameter_max_length_on_error: '0',
  log_connections: 'off',
  log_disconnections: 'off',
};

/**
 * Starts the PostgreSQL that comes with the service in `<dataDir>/pg`, or takes over the one that runs there. The first
 * start makes the cluster and its password (`<dataDir>/keys/postgres.password`, mode 0600). Several processes may call
 * this at once: all get the same server.
 *
 * `settings` go on top of the defaults above (a running server that is adopted keeps its own). It rejects with
 * {@link PostgresStartError}.
 */
export async function startEmbeddedPostgres(options: {
  dataDir: string;
  settings?: Record<string, string>;
}): Promise<EmbeddedPostgres> {
  const wantedDir = resolve(options.dataDir);
  try {
    const dataDir = await openDataDir(wantedDir);
    const found = await findBinaries();
    const lock = join(dataDir, 'pg.lock');
    return await whileLocked(lock, async () => {
      const settings = options.settings ?? {};
      const cluster = await openCluster(dataDir, found, settings);
      const server = await adoptServer(cluster);
      const pid = server?.pid ?? (await launchServer(cluster, settings));
      const running = server ?? { pid, connection: await connectionTo(cluster) };
      let stopped: Promise<void> | undefined;
      return {
        connection: running.connection,
        adopted: server !== undefined,
        pid,
        clusterDir: cluster.dir,
        stop: () => (stopped ??= stopServer(cluster, pid).then(() => removeSocketDir(cluster, lock))),
      };
    });
  } catch (error) {
    throw asStartError(error, wantedDir);
  }
}

/** Creates the database `name` unless it is there: UTF-8, from template0. Two callers at once both succeed. */
export async function ensureDatabase(connection: PostgresConnection, name: string): Promise<void> {
  const client = clientOf(connection);
  await client.connect();
  try {
    for (let attempt = 1; ; attempt++) {
      const existing = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
      if (existing.rowCount) return;
      try {
        await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)} TEMPLATE template0 ENCODING 'UTF8'`);
        return;
      } catch (error) {
        // Somebody else is creating it, or another one from the same template: look again.
        const busy = ['42P04', '23505', '55006'].includes(codeOf(error));
        if (!busy || attempt === 50) throw error;
        await sleep(100);
      }
    }
  } finally {
    await client.end();
  }
}

// --- folders, binaries, users -------------------------------------------------------------------------------------------

/** Whom PostgreSQL runs as when the service runs as root, which PostgreSQL refuses for itself. */
interface User {
  uid: number;
  gid: number;
}

interface Binaries {
  /** The folder that holds bin, lib and share. */
  root: string;
  packageVersion: string;
  /** Major version, such as "18". */
  major: string;
}

interface Cluster {
  dir: string;
  /** The folder that holds the cluster and its socket: dataDir, or one below /var/lib/colloquio. */
  home: string;
  user: User | undefined;
  binaries: Binaries;
  password: string;
  passwordFile: string;
}

async function openDataDir(dataDir: string): Promise<string> {
  const made = await mkdir(dataDir, { recursive: true });
  // As root, PostgreSQL's own user must be able to pass through it; what lies in it has permissions of its own.
  if (made) await chmod(dataDir, asRoot ? 0o711 : 0o700);
  await access(dataDir, constants.W_OK);
  return realpath(dataDir);
}

async function findBinaries(): Promise<Binaries> {
  const platform = onWindows ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const alternative = 'or set DATABASE_URL to a PostgreSQL of your own';
  let root: string;
  try {
    const executables = (await import(name)) as { postgres: string };
    root = dirname(dirname(executables.postgres));
  } catch (cause) {
    const advice = 'run npm install without --omit=optional on this machine';
    throw new PostgresStartError(`The package ${name} with PostgreSQL is not installed: ${advice}, ${alternative}.`, {
      cause,
    });
  }
  await restoreLibraryLinks(root);
  const shown = spawnSync(executable(root, 'postgres'), ['--version'], { encoding: 'utf8', env: environment() });
  const major = /\(PostgreSQL\) (\d+)/.exec(shown.stdout ?? '')?.[1];
  if (!major) {
    const reason = shown.error?.message ?? lastLine(shown.stderr ?? '');
    throw new PostgresStartError(
      `PostgreSQL from the package ${name} does not run on this system (${reason}): reinstall the package, ${alternative}.`,
    );
  }
  const manifest = JSON.parse(await readFile(join(dirname(root), 'package.json'), 'utf8')) as { version: string };
  return { root, packageVersion: manifest.version, major };
}

/** npm packages cannot hold symbolic links; a script of the package makes them, unless scripts are switched off. */
async function restoreLibraryLinks(root: string): Promise<void> {
  const list = await readFile(join(root, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const path = join(dirname(root), target);
    if (existsSync(path)) continue;
    // A failure shows when the binary is run.
    await symlink(relative(dirname(target), source), path).catch(() => undefined);
  }
}

async function openCluster(dataDir: string, found: Binaries, settings: Record<string, string>): Promise<Cluster> {
  const path = join(dataDir, 'pg');
  const passwordFile = join(dataDir, 'keys', 'postgres.password');
  const exists = await holdsSomething(path);
  if (exists && !(await isThere(passwordFile))) {
    throw new PostgresStartError(
      `${passwordFile} is missing, though it is the password of the database in ${path}: put back the keys folder that belongs to it.`,
    );
  }
  const { password, isNew } = await readOrMakePassword(passwordFile);
  const secrets = { password, passwordFile };
  if (exists) return openExistingCluster(dataDir, found, secrets);
  if (!asRoot) {
    assertUserIsKnown();
    await makeCluster({ dir: path, home: dataDir, user: undefined, binaries: found, ...secrets }, settings);
    return openExistingCluster(dataDir, found, secrets);
  }

  const user = await ordinaryUser(dataDir);
  const binaries = await binariesFor(user, found);
  if (may(user, 'cd "$1"', dataDir)) {
    await makeCluster({ dir: path, home: dataDir, user, binaries, ...secrets }, settings);
    return openExistingCluster(dataDir, found, secrets);
  }
  const home = join(systemFolder, shortHash(dataDir));
  const cluster: Cluster = { dir: join(home, 'pg'), home, user, binaries, ...secrets };
  await makeSystemFolder(home);
  // A new password tells that the folder of this name was deleted and this is a new one: what is left of the old one's
  // database opens with no key any more. Otherwise only the link was lost.
  if (isNew && (await holdsSomething(cluster.dir))) await setAside(cluster);
  if (!(await holdsSomething(cluster.dir))) await makeCluster(cluster, settings);
  await symlink(cluster.dir, path);
  return openExistingCluster(dataDir, found, secrets);
}

/** False when there is nothing, or an empty folder. */
async function holdsSomething(path: string): Promise<boolean> {
  const entry = await lstat(path).catch(ifMissing(undefined));
  if (!entry) return false;
  if (entry.isSymbolicLink() && !existsSync(path)) {
    const target = await readlink(path);
    throw new PostgresStartError(
      `The database is missing: ${path} points to ${target}, which is not there. Restore it, or remove the link to begin with an empty database.`,
    );
  }
  if (!(await stat(path)).isDirectory()) throw notAFolder(path);
  // The content of a folder that belongs to somebody else cannot be listed; then it is not ours to replace.
  const names = await readdir(path).catch(() => ['?']);
  return names.length > 0;
}

async function openExistingCluster(
  dataDir: string,
  found: Binaries,
  secrets: Pick<Cluster, 'password' | 'passwordFile'>,
): Promise<Cluster> {
  const dir = await realpath(join(dataDir, 'pg'));
  const { uid, gid } = await stat(dir);
  if (asRoot && uid === 0) {
    throw new PostgresStartError(
      `The database in ${dir} belongs to root, as whom PostgreSQL does not run: give it to another user, such as with chown -R nobody ${dir}`,
    );
  }
  if (!asRoot && !onWindows && uid !== process.getuid?.()) {
    throw new PostgresStartError(
      `The database in ${dir} belongs to another user (number ${uid}): start Colloquio as that user, or set DATA_DIR to another folder.`,
    );
  }
  const user = asRoot ? { uid, gid } : undefined;
  if (user && !may(user, 'cd "$1"', dir)) {
    throw new PostgresStartError(
      `The user number ${uid}, to whom the database in ${dir} belongs, cannot reach it: open the folders above it (chmod o+x), or move DATA_DIR.`,
    );
  }
  const version = await readFile(join(dir, 'PG_VERSION'), 'utf8').catch(ifMissing(undefined));
  if (version === undefined) {
    throw new PostgresStartError(`${dir} holds something that is not a PostgreSQL database: move it away.`);
  }
  if (version.trim() !== found.major) {
    throw new PostgresStartError(
      `The database in ${dir} was made by PostgreSQL ${version.trim()}, but this release brings PostgreSQL ${found.major}: ` +
        'back it up with the release that made it, and restore the backup with this one.',
    );
  }
  // A link that an operator made points where the service may have no business; ours point to a folder of our own.
  const home = asRoot && dir !== join(dataDir, 'pg') ? dirname(dir) : dataDir;
  return { dir, home, user, binaries: user ? await binariesFor(user, found) : found, ...secrets };
}

/** Whoever owns the data, else the first of the usual unprivileged users that this system lets us become. */
async function ordinaryUser(dataDir: string): Promise<User> {
  const { uid: owner } = await stat(dataDir);
  const known = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const users = [
    known.find(([, , uid]) => uid === String(owner)),
    ...['colloquio', 'postgres', 'nobody'].map((name) => known.find(([candidate]) => candidate === name)),
  ].flatMap((entry) => (entry ? [{ uid: Number(entry[2]), gid: Number(entry[3]) }] : []));
  const user = users.find((candidate) => candidate.uid > 0 && may(candidate, ':'));
  if (user) return user;
  throw new PostgresStartError(
    'PostgreSQL does not run as root, and no ordinary user was found to run it: start Colloquio as an ordinary user, or create one named colloquio.',
  );
}

/** Tried out rather than derived from mode bits: access lists, mounts and capabilities have a say too. */
function may(user: User, script: string, ...parameters: string[]): boolean {
  const options = { ...user, cwd: '/', env: environment(), stdio: 'ignore' as const };
  return spawnSync('/bin/sh', ['-c', script, 'sh', ...parameters], options).status === 0;
}

async function binariesFor(user: User, found: Binaries): Promise<Binaries> {
  const runs = ({ root }: Binaries) =>
    may(
      user,
      '"$1/bin/postgres" --version && "$1/bin/initdb" --version && test -r "$1/share/postgresql/postgres.bki"',
      root,
    );
  if (runs(found)) return found;
  const copy = { ...found, root: join(systemFolder, `postgresql-${found.packageVersion}`) };
  await makeSystemFolder(systemFolder);
  await whileLocked(join(systemFolder, 'copy.lock'), async () => {
    if (runs(copy)) return;
    const unfinished = `${copy.root}.new`;
    await removeTree(unfinished);
    await copyReadable(found.root, unfinished);
    await removeTree(copy.root);
    await rename(unfinished, copy.root);
  });
  if (runs(copy)) return copy;
  throw new PostgresStartError(
    `The user number ${user.uid} can run PostgreSQL neither from ${found.root} nor from ${copy.root}: start Colloquio as an ordinary user.`,
  );
}

/** Copies a folder so that everybody may read it, whatever the umask of the installation was. */
async function copyReadable(from: string, to: string): Promise<void> {
  await mkdir(to);
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyReadable(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else {
      await copyFile(source, target);
      await chmod(target, (await stat(source)).mode & 0o100 ? 0o755 : 0o644);
    }
  }
}

async function makeSystemFolder(path: string): Promise<void> {
  for (const folder of new Set([systemFolder, path])) {
    if (await mkdir(folder, { recursive: true })) await chmod(folder, 0o755);
  }
}

/** initdb asks the system for the name of its user. Containers that run under a random number have none. */
function assertUserIsKnown(): void {
  try {
    userInfo();
  } catch (cause) {
    throw new PostgresStartError(
      `This user (number ${process.getuid?.()}) has no entry in /etc/passwd, without which PostgreSQL cannot make a database: add one, or set DATABASE_URL.`,
      { cause },
    );
  }
}

// --- making the cluster -------------------------------------------------------------------------------------------------

async function readOrMakePassword(path: string): Promise<{ password: string; isNew: boolean }> {
  const folder = dirname(path);
  if (await mkdir(folder, { recursive: true, mode: 0o700 })) await chmod(folder, 0o700);
  await removeMatching(folder, /^postgres\.password\.new-/);
  let isNew = false;
  if (!(await isThere(path))) {
    // Written aside and linked: the file is whole or absent, and whoever comes first decides.
    const unfinished = `${path}.new-${process.pid}`;
    await writeDurably(unfinished, `${randomBytes(32).toString('base64url')}\n`);
    try {
      await link(unfinished, path).catch((error: unknown) => {
        if (codeOf(error) === 'EEXIST') return;
        // A file system without hard links; the lock around the start keeps others away.
        return rename(unfinished, path);
      });
      isNew = true;
    } finally {
      await rm(unfinished, { force: true });
    }
    await syncFolder(folder);
  }
  const password = (await readFile(path, 'utf8')).trim();
  if (password) return { password, isNew };
  throw new PostgresStartError(`${path} is empty: put back the keys folder that belongs to this data folder.`);
}

/** Runs initdb aside and renames the result, so that an interruption never leaves half a cluster. */
async function makeCluster(cluster: Cluster, settings: Record<string, string>): Promise<void> {
  const { home, user, binaries } = cluster;
  // Nobody else can be at it: we hold the lock.
  await removeMatching(home, /^pg\.new-/);
  const unfinished = join(home, `pg.new-${process.pid}`);
  await mkdir(unfinished);
  await giveTo(unfinished, user);
  const secret = user ? await unnamedFile(`${unfinished}.password`, `${cluster.password}\n`, user) : undefined;
  try {
    const made = await run(
      executable(binaries.root, 'initdb'),
      [
        `--pgdata=${unfinished}`,
        `--username=${superuser}`,
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--auth=scram-sha-256',
        // An ordinary user reads the password file itself; root's child may not, and gets an open file without a name.
        `--pwfile=${secret ? '/dev/stdin' : cluster.passwordFile}`,
        '--data-checksums',
        '--no-instructions',
        ...(settings.fsync === 'off' ? ['--no-sync'] : []),
      ],
      { user, stdin: secret?.fd },
    );
    if (made.code !== 0) throw cannotMake(cluster.dir, made.output);
    const configuration = join(unfinished, 'postgresql.conf');
    const written = await readFile(configuration, 'utf8');
    await replaceFile(configuration, `${written}\n${includeLines}`, user);
    // An empty folder may stand in the way.
    await rmdir(cluster.dir).catch(() => undefined);
    await rename(unfinished, cluster.dir);
    await syncFolder(home);
  } finally {
    await secret?.close();
    await removeTree(unfinished);
  }
}

const includeLines = `# Colloquio writes colloquio.conf before each start. Settings of your own go below this line and win.
include 'colloquio.conf'
`;

function cannotMake(dir: string, output: string): PostgresStartError {
  if (isAboutFullDisk(output)) return diskFull(dir);
  return new PostgresStartError(
    `PostgreSQL could not make its database in ${dir} (${lastWords(output)}): mend that, or set DATABASE_URL to a PostgreSQL of your own.`,
  );
}

/** An open file that has no name any more when this returns, readable by `user` through its descriptor alone. */
async function unnamedFile(path: string, content: string, user: User) {
  const file = await open(path, 'wx+', 0o600);
  await rm(path);
  await file.chown(user.uid, user.gid);
  // At a position, so that where /dev/stdin shares our offset (macOS) it still begins at the start.
  await file.write(Buffer.from(content), 0, content.length, 0);
  return file;
}

/** Moves the database of a deleted data folder out of the way; stops its PostgreSQL first, which may still run. */
async function setAside(cluster: Cluster): Promise<void> {
  const remains = await findServer(cluster);
  if (remains) await stopServer(cluster, remains.pid);
  await rename(cluster.dir, `${cluster.dir}.old-${new Date().toISOString().replaceAll(':', '')}`);
}

// --- the running server -------------------------------------------------------------------------------------------------

interface Server {
  pid: number;
  connection: PostgresConnection;
}

/**
 * The PostgreSQL that serves this cluster already, once it accepts connections. One that is on its way out is waited
 * for, one that does not answer is stopped: then, and when there is none, undefined.
 */
async function adoptServer(cluster: Cluster): Promise<Server | undefined> {
  for (;;) {
    const server = await findServer(cluster);
    if (!server) return undefined;
    const isGone = async () => {
      const now = await findServer(cluster);
      return now?.pid !== server.pid || now.isStopping;
    };
    const answer = await waitForAnswer(server.connection, silenceMilliseconds, isGone);
    if (answer === 'ready') return server;
    if (answer === 'denied') throw wrongPassword(cluster);
    if (answer === 'starting') throw stillRecovering(cluster);
    if (answer === 'full') {
      throw new PostgresStartError(
        `PostgreSQL (process ${server.pid}) has no free connection: stop the other Colloquio that uses ${cluster.dir}.`,
      );
    }
    await stopServer(cluster, server.pid);
  }
}

/** Starts PostgreSQL and returns its process number when it accepts connections. */
async function launchServer(cluster: Cluster, settings: Record<string, string>): Promise<number> {
  const socketDir = onWindows ? undefined : await openSocketDir(cluster);
  await refuseForeignServer(cluster);
  await writeSettings(cluster, socketDir, settings);
  const deadline = Date.now() + startMilliseconds;
  for (let attempt = 1; ; attempt++) {
    const logged = await logLengths(cluster.dir);
    const launch = onWindows ? await launchOnWindows(cluster) : await launchOnUnix(cluster);
    const answer = await waitForAnswer(launch.connection, startMilliseconds, launch.isGone);
    launch.letGo();
    if (answer === 'ready') return launch.pid;
    if (answer === 'starting') throw stillRecovering(cluster);
    if (answer !== 'gone') await stopServer(cluster, launch.pid);
    if (answer === 'denied') throw wrongPassword(cluster);
    const output = launch.output() + (await readLogsSince(cluster.dir, logged));
    // Its predecessor was killed and left children behind, who may still write: they go first.
    if (output.includes('shared memory block') && Date.now() < deadline) {
      if (attempt > 10) endOrphans(cluster);
      await sleep(200);
      continue;
    }
    if (isAboutFullDisk(output)) throw diskFull(cluster.dir);
    const reason = answer === 'gone' ? lastWords(output) : 'it does not accept connections';
    throw new PostgresStartError(
      `PostgreSQL did not start in ${cluster.dir} (${reason}): mend that (more stands in ${join(cluster.dir, 'log')}), or set DATABASE_URL to a PostgreSQL of your own.`,
    );
  }
}

interface Launch extends Server {
  isGone: () => Promise<boolean>;
  /** What it said before its log was open. */
  output(): string;
  letGo(): void;
}

async function launchOnUnix(cluster: Cluster): Promise<Launch> {
  const remnant = await readPidFile(cluster.dir);
  const postgres: ChildProcess = spawn(executable(cluster.binaries.root, 'postgres'), ['-D', cluster.dir], {
    ...cluster.user,
    cwd: '/',
    // Its own process group: a Ctrl-C at the terminal is for the service, which stops PostgreSQL when it has drained.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: environment(
      // When the process named in postmaster.pid is dead, or is not PostgreSQL (numbers come round again, in containers at
      // each start), PostgreSQL takes this variable as "that number cannot be a server". It still checks that no child of a
      // killed predecessor is left, which removing the file would switch off.
      remnant && !serves(remnant.pid, cluster) ? { PG_GRANDPARENT_PID: String(remnant.pid) } : {},
    ),
  });
  let output = '';
  postgres.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text));
  let isGone = false;
  postgres.once('close', () => (isGone = true));
  // A child that outlives it would keep the output open.
  postgres.once('exit', () => setTimeout(() => (isGone = true), 500).unref());
  await new Promise<void>((started, failed) => postgres.once('spawn', started).once('error', failed));
  return {
    pid: postgres.pid!,
    connection: { host: socketDirOf(cluster), port: socketPort, user: superuser, password: cluster.password },
    isGone: async () => isGone,
    output: () => output,
    letGo() {
      postgres.stderr?.destroy();
      postgres.unref();
    },
  };
}

/** Through pg_ctl, which drops the rights of an administrator, with whom PostgreSQL would refuse to run. */
async function launchOnWindows(cluster: Cluster): Promise<Launch> {
  const outputFile = join(cluster.dir, 'startup.log');
  await rm(outputFile, { force: true });
  const started = spawn(
    executable(cluster.binaries.root, 'pg_ctl'),
    ['start', '-W', '-s', '-D', cluster.dir, '-l', outputFile],
    { stdio: 'ignore', env: environment(), windowsHide: true },
  );
  const code = await new Promise((done, failed) => started.once('exit', done).once('error', failed));
  const output = () => (existsSync(outputFile) ? readFileSync(outputFile, 'utf8') : '');
  for (let attempt = 0; code === 0 && attempt < 100; attempt++) {
    const { pid, port } = (await readPidFile(cluster.dir)) ?? {};
    if (pid && port && isAlive(pid)) {
      return { pid, connection: await connectionTo(cluster), isGone: async () => !isAlive(pid), output, letGo() {} };
    }
    await sleep(100);
  }
  return { pid: 0, connection: await connectionTo(cluster), isGone: async () => true, output, letGo() {} };
}

/**
 * Fast shutdown: open transactions are rolled back, everything is written. Immediate only if that takes a minute, in which
 * case the next start recovers from the write-ahead log.
 */
async function stopServer(cluster: Cluster, pid: number): Promise<void> {
  if (onWindows) {
    if (!isAlive(pid)) return;
    const pgCtl = executable(cluster.binaries.root, 'pg_ctl');
    const stop = (mode: string) => run(pgCtl, ['stop', '-s', '-w', '-t', '60', '-m', mode, '-D', cluster.dir], {});
    if ((await stop('fast')).code !== 0) await stop('immediate');
    return;
  }
  const steps = [
    ['SIGINT', 60_000],
    ['SIGQUIT', 15_000],
    ['SIGKILL', 5_000],
  ] as const;
  for (const [signal, patience] of steps) {
    const deadline = Date.now() + patience;
    if (serves(pid, cluster)) kill(pid, signal);
    while (serves(pid, cluster) && Date.now() < deadline) await sleep(25);
    if (!serves(pid, cluster)) return;
  }
  throw new Error(`PostgreSQL (process ${pid}) does not stop`);
}

/** Children of a killed PostgreSQL that have not noticed, because they compute. */
function endOrphans(cluster: Cluster): void {
  if (process.platform !== 'linux') return;
  const owner = cluster.user?.uid ?? process.getuid?.();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid < 2) continue;
    const title = processFile(pid, 'cmdline');
    if (title.startsWith(`postgres: ${clusterName(cluster)}: `) && ownerOf(pid) === owner) kill(pid, 'SIGQUIT');
  }
}

// --- finding and asking a server ----------------------------------------------------------------------------------------

/** The live PostgreSQL named by the cluster's postmaster.pid, if that number is still (or again) its process. */
async function findServer(cluster: Cluster): Promise<(Server & { isStopping: boolean }) | undefined> {
  const file = await readPidFile(cluster.dir);
  if (!file || !serves(file.pid, cluster)) return undefined;
  const server = { pid: file.pid, connection: await connectionTo(cluster), isStopping: file.status === 'stopping' };
  if (onWindows && (await ask(server.connection)) === 'silent') return undefined;
  return server;
}

/** https://www.postgresql.org/docs/18/storage-file-layout.html; its lines are in src/include/utils/pidfile.h. */
async function readPidFile(dir: string) {
  const text = await readFile(join(dir, 'postmaster.pid'), 'utf8').catch(ifMissing(''));
  const [pid, , , port, socketDir, , , status] = text.split('\n').map((line) => line.trim());
  // Negative: a single-user session; PostgreSQL itself refuses to start beside it.
  if (!pid || !(Number(pid) > 0)) return undefined;
  return { pid: Number(pid), port: Number(port), socketDir, status };
}

/** Whether this process is the PostgreSQL of this cluster: process numbers are used again. */
function serves(pid: number, cluster: Cluster): boolean {
  if (!isAlive(pid)) return false;
  if (onWindows) return true;
  if (process.platform !== 'linux') {
    const command = spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? '';
    return command.includes('postgres') && command.includes(cluster.dir);
  }
  const owner = cluster.user?.uid ?? process.getuid?.();
  if (processFile(pid, 'comm').trim() !== 'postgres' || ownerOf(pid) !== owner) return false;
  if (processFile(pid, 'cmdline').split('\0').includes(cluster.dir)) return true;
  // Started by hand, perhaps by another path. (Root without CAP_SYS_PTRACE, as in containers, cannot read this.)
  try {
    return realpathSync(readlinkSync(`/proc/${pid}/cwd`)) === cluster.dir;
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  // A zombie, which containers without an init keep forever, answers signals like the living.
  const state = /^\d+ \(.*\) (\w)/s.exec(processFile(pid, 'stat'))?.[1];
  if (state) return !'ZX'.includes(state);
  if (existsSync('/proc/self/stat')) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function processFile(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}

function ownerOf(pid: number): number | undefined {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid;
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}

/** A PostgreSQL that we cannot see but that answers on our socket runs in another container, on the same files. */
async function refuseForeignServer(cluster: Cluster): Promise<void> {
  if (onWindows || (await ask(await connectionTo(cluster))) === 'silent') return;
  throw new PostgresStartError(
    `The database in ${cluster.dir} is served by a PostgreSQL that cannot be seen from here, perhaps in another container: stop that one first.`,
  );
}

type Answer = 'ready' | 'starting' | 'full' | 'denied' | 'silent';

/** The last answer: the first `ready` or `denied`, or what it was when patience (renewed by `starting`) ended. */
async function waitForAnswer(
  connection: PostgresConnection,
  patience: number,
  isGone: () => Promise<boolean>,
): Promise<Answer | 'gone'> {
  const begun = Date.now();
  let lastSign = begun;
  for (;;) {
    if (await isGone()) return 'gone';
    const answer = await ask(connection);
    if (answer === 'ready' || answer === 'denied') return answer;
    // Recovery after a crash takes as long as it takes; to interrupt it would only begin it again.
    if (answer === 'starting') lastSign = Date.now();
    if (Date.now() - lastSign > patience || Date.now() - begun > recoveryMilliseconds) return answer;
    await sleep(30);
  }
}

async function ask(connection: PostgresConnection): Promise<Answer> {
  const client = clientOf(connection);
  try {
    await client.connect();
    await client.end();
    return 'ready';
  } catch (error) {
    client.end().catch(() => undefined);
    const answers: Record<string, Answer> = {
      '57P03': 'starting',
      '53300': 'full',
      '28P01': 'denied',
      '28000': 'denied',
      // The database named postgres was dropped, but to learn that we had to be let in.
      '3D000': 'ready',
    };
    return answers[codeOf(error)] ?? 'silent';
  }
}

function clientOf(connection: PostgresConnection): pg.Client {
  const client = new pg.Client({ ...connection, database: 'postgres', ssl: false, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  return client;
}

// --- settings, socket, log ----------------------------------------------------------------------------------------------

async function connectionTo(cluster: Cluster): Promise<PostgresConnection> {
  const credentials = { user: superuser, password: cluster.password };
  const file = await readPidFile(cluster.dir);
  if (onWindows) return { host: '127.0.0.1', port: file?.port ?? socketPort, ...credentials };
  // TMPDIR may have been another one when it was started. A folder that is not its owner's could be a trap, though: this
  // client tells its password to whom it takes for PostgreSQL.
  const stated = file?.socketDir;
  const host = stated && (await isPrivate(stated, cluster.user)) ? stated : socketDirOf(cluster);
  return { host, port: (host === stated && file?.port) || socketPort, ...credentials };
}

async function writeSettings(cluster: Cluster, socketDir: string | undefined, settings: Record<string, string>) {
  const lines = Object.entries({
    ...defaultSettings,
    ...settings,
    // Shows in the titles of its processes, by which those of a killed server are recognised.
    cluster_name: clusterName(cluster),
    ...(socketDir === undefined
      ? { listen_addresses: '127.0.0.1', port: String(await freePort()) }
      : {
          listen_addresses: '',
          port: String(socketPort),
          unix_socket_directories: `"${socketDir.replaceAll('"', '""')}"`,
        }),
  }).map(([name, value]) => {
    if (!/^[a-z][a-z0-9_.]*$/i.test(name) || /[\r\n\0]/.test(value)) {
      throw new PostgresStartError(
        `${JSON.stringify(name)} is not a setting of PostgreSQL, or its value is not one line.`,
      );
    }
    return `${name} = '${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'\n`;
  });
  const header = '# Written by Colloquio before each start; changes here are lost. See the end of postgresql.conf.\n';
  await replaceFile(join(cluster.dir, 'colloquio.conf'), header + lines.join(''), cluster.user);
}

function clusterName(cluster: Cluster): string {
  return `colloquio-${shortHash(cluster.dir)}`;
}

/** Beside the cluster, unless the path is too long: the kernel takes 108 bytes with a closing zero, macOS 104. */
function socketDirOf(cluster: Cluster): string {
  const beside = join(cluster.home, 'pg-socket');
  if (Buffer.byteLength(`${beside}/.s.PGSQL.${socketPort}`) <= 103) return beside;
  const name = `colloquio-${shortHash(cluster.dir)}`;
  const temporary = join(tmpdir(), name);
  return Buffer.byteLength(`${temporary}/.s.PGSQL.${socketPort}`) <= 103 ? temporary : join('/tmp', name);
}

async function openSocketDir(cluster: Cluster): Promise<string> {
  const dir = socketDirOf(cluster);
  await mkdir(dir, { mode: 0o700 }).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });
  // In a folder like /tmp anybody could have prepared it.
  const { uid } = await lstat(dir);
  if (dirname(dir) !== cluster.home && uid !== process.getuid?.() && uid !== cluster.user?.uid) {
    throw new PostgresStartError(
      `${dir} belongs to another user (number ${uid}): remove it, or set DATA_DIR to a shorter path.`,
    );
  }
  await giveTo(dir, cluster.user);
  return dir;
}

/** It may lie in /tmp, where nothing should be left; unless somebody is just starting PostgreSQL again. */
async function removeSocketDir(cluster: Cluster, lock: string): Promise<void> {
  await whileLocked(lock, () => rmdir(socketDirOf(cluster)), 0).catch(() => undefined);
}

async function isPrivate(dir: string, user: User | undefined): Promise<boolean> {
  const entry = await lstat(dir).catch(() => undefined);
  return !!entry?.isDirectory() && entry.uid === (user?.uid ?? process.getuid?.()) && !(entry.mode & 0o077);
}

function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const server = createServer().once('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => found(port));
    });
  });
}

async function logLengths(dir: string): Promise<Map<string, number>> {
  const names = await readdir(join(dir, 'log')).catch(() => []);
  return new Map(names.map((name) => [name, statSync(join(dir, 'log', name), { throwIfNoEntry: false })?.size ?? 0]));
}

async function readLogsSince(dir: string, lengths: Map<string, number>): Promise<string> {
  const names = await readdir(join(dir, 'log')).catch(() => []);
  const added = names.map(async (name) => {
    const content = await readFile(join(dir, 'log', name)).catch(() => Buffer.alloc(0));
    const known = lengths.get(name) ?? 0;
    return content.subarray(known > content.length ? 0 : known).toString();
  });
  return (await Promise.all(added)).join('');
}

/** The line that says why a program of PostgreSQL gave up. */
function lastWords(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim());
  const line = lines.findLast((candidate) => /\b(FATAL|PANIC):|error:/.test(candidate)) ?? lines.at(-1);
  return line?.replace(/^.*?\b(FATAL|PANIC|LOG|error): */, '').trim() ?? 'it gave no reason';
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) || 'it gave no reason';
}

// --- errors -------------------------------------------------------------------------------------------------------------

function asStartError(error: unknown, dataDir: string): PostgresStartError {
  if (error instanceof PostgresStartError) return error;
  const { code = '', path = dataDir, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(path);
  if (code === 'ENOTDIR' || code === 'EEXIST') return notAFolder(path);
  if (code === 'EROFS') {
    return new PostgresStartError(
      `${path} lies on a read-only file system: set DATA_DIR to a folder that can be written.`,
      {
        cause: error,
      },
    );
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new PostgresStartError(
      `This user may not use ${path}: give it to the user that runs Colloquio, or set DATA_DIR to another folder.`,
      { cause: error },
    );
  }
  return new PostgresStartError(`PostgreSQL cannot be started in ${dataDir}: ${message}.`, { cause: error });
}

function diskFull(path: string): PostgresStartError {
  return new PostgresStartError(`The disk that holds ${path} is full: free some space and start again.`);
}

function isAboutFullDisk(output: string): boolean {
  const complaints = output.split('\n').filter((line) => /No space left on device|Disk quota exceeded/.test(line));
  // The system says the same of its table of shared memory.
  return complaints.some((line) => !line.includes('shared memory'));
}

function notAFolder(path: string): PostgresStartError {
  return new PostgresStartError(
    `${path} should be a folder, but it or something above it is a file: move that away, or set DATA_DIR to another folder.`,
  );
}

function wrongPassword(cluster: Cluster): PostgresStartError {
  return new PostgresStartError(
    `The password in ${cluster.passwordFile} does not open the database in ${cluster.dir}: put back the keys folder that belongs to it.`,
  );
}

function stillRecovering(cluster: Cluster): PostgresStartError {
  return new PostgresStartError(
    `PostgreSQL is still recovering the database in ${cluster.dir}: let it work, and start Colloquio again in a few minutes.`,
  );
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}

/** For `.catch`: a missing file has this value, any other failure stays one. */
function ifMissing<T>(value: T) {
  return (error: unknown): T => {
    if (codeOf(error) === 'ENOENT') return value;
    throw error;
  };
}

// --- files and processes ------------------------------------------------------------------------------------------------

/**
 * Does the work while no other process does it. Node has no file locks, but SQLite, which it contains, locks with those
 * of the system (fcntl, LockFileEx): they end with the process, even when it is killed, so none is ever left behind.
 */
async function whileLocked<T>(path: string, work: () => Promise<T>, patience = lockMilliseconds): Promise<T> {
  const deadline = Date.now() + patience;
  let lock: DatabaseSync | undefined;
  try {
    while (!lock?.isTransaction) {
      try {
        lock ??= new DatabaseSync(path, { timeout: 0 });
        lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
      } catch (cause) {
        const { errcode, message } = cause as { errcode?: number; message: string };
        if (errcode !== sqliteBusy) {
          throw new PostgresStartError(`${path} cannot be locked (${message}): remove it and start again.`, { cause });
        }
        if (Date.now() >= deadline) {
          throw new PostgresStartError(`Another start has held ${path} for minutes: end that process and start again.`);
        }
        await sleep(50);
      }
    }
    return await work();
  } finally {
    lock?.close();
  }
}

const sqliteBusy = 5;

function run(command: string, parameters: string[], options: { user?: User | undefined; stdin?: number | undefined }) {
  return new Promise<{ code: number | null; output: string }>((done, failed) => {
    const child = spawn(command, parameters, {
      ...options.user,
      cwd: onWindows ? undefined : '/',
      env: environment(),
      stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
      windowsHide: true,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text) => (output += text));
    child.once('error', failed).once('close', (code) => done({ code, output }));
  });
}

/** Nothing of ours: it holds secrets, and PostgreSQL's behaviour must not depend on who started the service. */
function environment(additions: Record<string, string> = {}): NodeJS.ProcessEnv {
  const own = { LC_ALL: 'C', TZ: 'UTC', ...additions };
  if (!onWindows) return own;
  const { SystemRoot, PATH, TEMP, TMP } = process.env;
  return { SystemRoot, PATH, TEMP, TMP, ...own };
}

function executable(root: string, name: string): string {
  return join(root, 'bin', onWindows ? `${name}.exe` : name);
}

/** Makes a folder private to the user. By descriptor, so that a link put in its place is not followed. */
async function giveTo(dir: string, user: User | undefined): Promise<void> {
  if (onWindows) return;
  const folder = await open(dir, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    if (user) await folder.chown(user.uid, user.gid);
    await folder.chmod(0o700);
  } finally {
    await folder.close();
  }
}

async function replaceFile(path: string, content: string, user: User | undefined): Promise<void> {
  const unfinished = `${path}.new`;
  await rm(unfinished, { force: true });
  await writeDurably(unfinished, content, user);
  await rename(unfinished, path);
}

async function writeDurably(path: string, content: string, user?: User): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(content);
    if (user) await file.chown(user.uid, user.gid);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A rename or a new name survives a power cut only when its folder is written too. */
async function syncFolder(path: string): Promise<void> {
  if (onWindows) return;
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(() => true, ifMissing(false));
}

async function removeMatching(dir: string, pattern: RegExp): Promise<void> {
  for (const name of await readdir(dir)) if (pattern.test(name)) await removeTree(join(dir, name));
}

async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 5 });
}

function shortHash(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 16);
}
