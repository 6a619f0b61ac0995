import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { program } from './binaries.js';
import type { Cluster, Settings } from './cluster.js';
import { type PostgresConnection, ask, socketPort, superuser, waitForAnswer } from './connection.js';
import { createFile, ifMissing } from './files.js';
import { PostgresStartError, startFailure } from './postgres-start-error.js';
import { findPostmaster, isAlive, readPidFile, serves, signalChildren, stopPostmaster } from './postmaster.js';
import { writeSettings } from './settings.js';
import { environment, onWindows } from './system.js';

export interface Server {
  pid: number;
  connection: PostgresConnection;
}

const startMilliseconds = 60_000;
const silenceMilliseconds = 6_000;

/**
 * The PostgreSQL that serves this cluster already, once it accepts connections. One that is on its way out is waited
 * for, one that does not answer is stopped: then, and when there is none, undefined.
 */
export async function adoptServer(cluster: Cluster): Promise<Server | undefined> {
  for (;;) {
    const postmaster = await findPostmaster(cluster.dir);
    if (!postmaster) return undefined;
    const { pid, port } = postmaster;
    const connection = connectionTo(cluster, port);
    const answer = await waitForAnswer(connection, silenceMilliseconds, async () => {
      const now = await findPostmaster(cluster.dir);
      return now?.pid !== pid || now.isStopping;
    });
    if (answer === 'ready') return { pid, connection };
    if (answer === 'denied') throw wrongPassword(cluster);
    if (answer === 'full') {
      throw new PostgresStartError(
        `PostgreSQL (process ${pid}) has no free connection: stop the other Colloquio that uses ${cluster.dir}.`,
      );
    }
    // There any process may have this number by now.
    if (onWindows) return undefined;
    await stopPostmaster(pid, cluster);
  }
}

/** Starts PostgreSQL and returns when it accepts connections. */
export async function launchServer(cluster: Cluster, settings: Settings): Promise<Server> {
  await refuseForeignServer(cluster);
  await writeSettings(cluster, settings);
  const deadline = Date.now() + startMilliseconds;
  for (;;) {
    const begun = Date.now();
    const { pid, connection, isGone } = onWindows ? await spawnOnWindows(cluster) : await spawnOnUnix(cluster);
    const answer = await waitForAnswer(connection, startMilliseconds, isGone);
    if (answer === 'ready') return { pid, connection };
    if (answer !== 'gone') await stopPostmaster(pid, cluster);
    if (answer === 'denied') throw wrongPassword(cluster);
    if (answer !== 'gone') throw startFailure('did not start', cluster.dir, 'it does not accept connections');
    const output = await readOutput(cluster, begun);
    // Its predecessor was killed and left children behind, who may still write: they go first.
    const hasOrphans = output.includes('shared memory block');
    if (!hasOrphans || Date.now() > deadline) throw startFailure('did not start', cluster.dir, output);
    signalChildren(cluster, 'SIGQUIT');
    await sleep(200);
  }
}

function connectionTo({ socketDir, password }: Cluster, port = socketPort): PostgresConnection {
  return { host: onWindows ? '127.0.0.1' : socketDir, port, user: superuser, password };
}

/** A PostgreSQL that we cannot see but that answers on our socket runs in another container, on the same files. */
async function refuseForeignServer(cluster: Cluster): Promise<void> {
  if (onWindows || (await ask(connectionTo(cluster))) === 'silent') return;
  throw new PostgresStartError(
    `The database in ${cluster.dir} is served by a PostgreSQL that cannot be seen from here, perhaps in another container: stop that one first.`,
  );
}

interface Spawned extends Server {
  isGone: () => boolean;
}

async function spawnOnUnix(cluster: Cluster): Promise<Spawned> {
  const { dir, user, binaries } = cluster;
  const remnant = await readPidFile(dir);
  const output = await createFile(startLog(dir), user);
  try {
    const postgres = spawn(program(binaries, 'postgres'), ['-D', dir], {
      ...user,
      cwd: '/',
      // Its own process group: a Ctrl-C at the terminal is for the service, which stops PostgreSQL when it has drained.
      detached: true,
      stdio: ['ignore', 'ignore', output.fd],
      env: {
        ...environment,
        // When the process named in postmaster.pid is dead, or is not PostgreSQL (numbers come round again, in containers
        // at each start), PostgreSQL takes this variable as "that number cannot be a server". It still checks that no child
        // of a killed predecessor is left, which removing the file would switch off.
        ...(remnant && !serves(remnant.pid, dir) && { PG_GRANDPARENT_PID: String(remnant.pid) }),
      },
    });
    await once(postgres, 'spawn');
    postgres.unref();
    const isGone = () => postgres.exitCode !== null || postgres.signalCode !== null;
    return { pid: postgres.pid!, connection: connectionTo(cluster), isGone };
  } finally {
    await output.close();
  }
}

/** Through pg_ctl, which drops the rights of an administrator, with whom PostgreSQL would refuse to run. */
async function spawnOnWindows(cluster: Cluster): Promise<Spawned> {
  const { dir, binaries } = cluster;
  await (await createFile(startLog(dir))).close();
  const parameters = ['start', '-s', '-w', '-t', '600', '-D', dir, '-l', startLog(dir)];
  const options = { stdio: 'ignore', env: environment, windowsHide: true } as const;
  const starting = spawn(program(binaries, 'pg_ctl'), parameters, options);
  const [code] = (await once(starting, 'exit')) as [number | null];
  const { pid = 0, port } = (await readPidFile(dir)) ?? {};
  return { pid, connection: connectionTo(cluster, port), isGone: () => code !== 0 || !isAlive(pid) };
}

/** Reads the output since then: before its log was open, and in its log. */
async function readOutput({ dir }: Cluster, since: number): Promise<string> {
  const logs = (await readdir(join(dir, 'log')).catch(ifMissing([])))
    .map((name) => join(dir, 'log', name))
    .filter((log) => statSync(log).mtimeMs >= since);
  const texts = await Promise.all([startLog(dir), ...logs].map((path) => readFile(path, 'utf8')));
  // Earlier starts stand in the same log.
  return texts.map((text) => text.slice(Math.max(0, text.lastIndexOf('starting PostgreSQL')))).join('\n');
}

function startLog(dir: string): string {
  return join(dir, 'start.log');
}

function wrongPassword({ dir, passwordFile }: Cluster): PostgresStartError {
  return new PostgresStartError(
    `The password in ${passwordFile} does not open the database in ${dir}: put back the keys folder that belongs to it.`,
  );
}
