import { randomBytes } from 'node:crypto';
import { lchown, lstat, mkdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readIfThere, replacePrivateFile } from '../vault/key-files.js';
import { type Binaries, binariesFor } from './binaries.js';
import type { Cluster, Settings } from './cluster.js';
import { socketPort } from './connection.js';
import { clusterName, ifMissing } from './files.js';
import { holdsSomething, makeCluster } from './new-cluster.js';
import { PostgresStartError } from './postgres-start-error.js';
import { type User, asRoot, may, onWindows } from './system.js';

/** The cluster in `<dataDir>/pg`, which is made unless it is there. */
export async function openCluster(dataDir: string, found: Binaries, settings: Settings): Promise<Cluster> {
  const path = join(dataDir, 'pg');
  const exists = await holdsSomething(path);
  const passwordFile = join(dataDir, 'keys', 'postgres.password');
  const kept = (await readIfThere(passwordFile))?.trim();
  if (exists && !kept) {
    throw new PostgresStartError(
      `${passwordFile} is missing or empty, though it is the password of the database in ${path}: put back the keys folder that belongs to it.`,
    );
  }
  const password = kept || randomBytes(32).toString('base64url');
  if (!kept) await replacePrivateFile(passwordFile, `${password}\n`);
  if (!exists) await makeCluster(path, { binaries: found, password, passwordFile, isNewPassword: !kept, settings });

  const dir = await realpath(path);
  await checkVersion(dir, found);
  const user = asRoot ? await ownerOf(dir) : undefined;
  const binaries = await binariesFor(user, found);
  const name = clusterName(dir);
  // A link that an operator made points where the service may have no business, unless it is root.
  const socketDir = await openSocketDir(dirname(asRoot ? dir : path), name, user);
  return { dir, name, socketDir, user, binaries, password, passwordFile };
}

async function checkVersion(dir: string, { version }: Binaries): Promise<void> {
  const made = (await readFile(join(dir, 'PG_VERSION'), 'utf8').catch(ifMissing(''))).trim();
  const brought = version.split('.')[0];
  if (made === brought) return;
  throw new PostgresStartError(
    made
      ? `The database in ${dir} was made by PostgreSQL ${made}, but this release brings PostgreSQL ${brought}: back it up with the release that made it, and restore the backup with this one.`
      : `${dir} holds something that is not a PostgreSQL database: move it away.`,
  );
}

/** As whom root has to run PostgreSQL. */
async function ownerOf(dir: string): Promise<User> {
  const { uid, gid } = await stat(dir);
  if (uid === 0) {
    throw new PostgresStartError(
      `The database in ${dir} belongs to root, as whom PostgreSQL does not run: give it to another user, such as with chown -R nobody ${dir}`,
    );
  }
  if (await may({ uid, gid }, 'cd "$1"', dir)) return { uid, gid };
  throw new PostgresStartError(
    `The user number ${uid}, to whom the database in ${dir} belongs, cannot reach it: open the folders above it (chmod o+x), or move DATA_DIR.`,
  );
}

/** Beside the cluster, unless the path is too long: the kernel takes 108 bytes with a closing zero, macOS 104. */
async function openSocketDir(home: string, name: string, user: User | undefined): Promise<string> {
  const beside = join(home, 'pg-socket');
  if (onWindows) return beside;
  const dir = Buffer.byteLength(`${beside}/.s.PGSQL.${socketPort}`) <= 103 ? beside : join('/tmp', name);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const { uid } = await lstat(dir);
  // In /tmp anybody could have prepared it.
  if (dir !== beside && uid !== process.getuid?.() && uid !== user?.uid) {
    throw new PostgresStartError(
      `${dir} belongs to another user (number ${uid}): remove it, or set DATA_DIR to a shorter path.`,
    );
  }
  if (user) await lchown(dir, user.uid, user.gid);
  return dir;
}
