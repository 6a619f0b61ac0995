import { lchown, mkdtemp, readFile, readdir, readlink, rename, rm, rmdir, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Binaries, binariesFor, program } from './binaries.js';
import type { Settings } from './cluster.js';
import { superuser } from './connection.js';
import { ifMissing, makeSystemFolder, shortHash, syncFolder, systemFolder } from './files.js';
import { PostgresStartError, startFailure } from './postgres-start-error.js';
import { findPostmaster, stopPostmaster } from './postmaster.js';
import { includeSettings } from './settings.js';
import { type User, asRoot, may, run } from './system.js';

interface Blueprint {
  binaries: Binaries;
  password: string;
  passwordFile: string;
  isNewPassword: boolean;
  settings: Settings;
}

/** False when there is nothing, or an empty folder. */
export async function holdsSomething(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length > 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const target = await readlink(path).catch(ifMissing(undefined));
    if (target === undefined) return false;
    throw new PostgresStartError(
      `The database is missing: ${path} points to ${target}, which is not there. Restore it, or remove the link to begin with an empty database.`,
    );
  }
}

/** Makes a cluster at the path or, when root's PostgreSQL cannot get there, elsewhere with a link to it at the path. */
export async function makeCluster(path: string, blueprint: Blueprint): Promise<void> {
  // An empty folder may stand in the way.
  await rmdir(path).catch(ifMissing(undefined));
  if (!asRoot) return runInitdb(path, blueprint);
  const dataDir = dirname(path);
  const user = await ordinaryUser(dataDir);
  const binaries = await binariesFor(user, blueprint.binaries);
  if (await may(user, 'cd "$1"', dataDir)) return runInitdb(path, { ...blueprint, binaries }, user);

  const home = join(systemFolder, shortHash(dataDir));
  const dir = join(home, 'pg');
  await makeSystemFolder(home);
  // A new password tells that the folder of this name was deleted and this is a new one: what is left of the old one's
  // database opens with no key any more. Otherwise only the link was lost.
  if (blueprint.isNewPassword && (await holdsSomething(dir))) await setAside(dir, binaries);
  if (!(await holdsSomething(dir))) await runInitdb(dir, { ...blueprint, binaries }, user);
  await symlink(dir, path);
}

/** Finds the owner of the data, else the first of the usual unprivileged users that this system lets us become. */
async function ordinaryUser(dataDir: string): Promise<User> {
  const { uid: owner } = await stat(dataDir);
  const known = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const candidates = [
    known.find(([, , uid]) => uid === String(owner)),
    ...['colloquio', 'postgres', 'nobody'].map((usual) => known.find(([name]) => name === usual)),
  ];
  for (const candidate of candidates) {
    const user = { uid: Number(candidate?.[2]), gid: Number(candidate?.[3]) };
    if (user.uid > 0 && (await may(user, ':'))) return user;
  }
  throw new PostgresStartError(
    'PostgreSQL does not run as root, and no ordinary user was found to run it: start Colloquio as an ordinary user, or create one named colloquio.',
  );
}

/** Moves the database of a deleted data folder out of the way; its PostgreSQL may still run. */
async function setAside(dir: string, binaries: Binaries): Promise<void> {
  const postmaster = await findPostmaster(dir);
  if (postmaster) await stopPostmaster(postmaster.pid, { dir, binaries });
  await rename(dir, `${dir}.old-${new Date().toISOString().replaceAll(':', '')}`);
}

/**
 * Aside, with a rename at the end, so that an interruption never leaves half a cluster. Every attempt has a folder of its
 * own: the initdb of one that was killed may still be writing in the folder of that.
 */
async function runInitdb(dir: string, blueprint: Blueprint, user?: User): Promise<void> {
  const { binaries, password, passwordFile, settings } = blueprint;
  const beginning = `${dir}.new-`;
  for (const name of await readdir(dirname(dir))) {
    if (name.startsWith(basename(beginning))) await rm(join(dirname(dir), name), removal);
  }
  const unfinished = await mkdtemp(beginning);
  if (user) await lchown(unfinished, user.uid, user.gid);
  const initdb = program(binaries, 'initdb');
  const parameters = [
    `--pgdata=${unfinished}`,
    `--username=${superuser}`,
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--auth=scram-sha-256',
    '--data-checksums',
    '--no-instructions',
    ...(settings.fsync === 'off' ? ['--no-sync'] : []),
  ];
  // Another user may not read our file. It may read a pipe, if a shell of its own made it: initdb opens /dev/stdin anew.
  const throughPipe = ['-c', 'cat | "$0" "$@" --pwfile=/dev/stdin', initdb, ...parameters];
  const { succeeded, output } = user
    ? await run('/bin/sh', throughPipe, { user, input: password })
    : await run(initdb, [...parameters, `--pwfile=${passwordFile}`]);
  try {
    if (!succeeded) throw startFailure('could not make its database', dir, output);
    await includeSettings(unfinished);
    await rename(unfinished, dir);
    await syncFolder(dirname(dir));
  } finally {
    await rm(unfinished, removal);
  }
}

/** Somebody may still be writing in what is removed, so it is tried for about a second. */
const removal = { recursive: true, force: true, maxRetries: 6, retryDelay: 50 };
