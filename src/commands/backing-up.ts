import { BackupFolder } from '../backup/backup-folder.js';
import { type MadeBackup, makeBackup } from '../backup/backup.js';
import { type Config, loadConfig } from '../platform/config.js';
import { requireData } from '../platform/data-dir.js';
import { NodeLock } from '../platform/node-lock.js';
import { openDatabases } from '../platform/open-databases.js';
import { StartError } from '../platform/start-error.js';
import type { Command, Terminal } from './command.js';
import { readParameters } from './parameters.js';
import { ProgressBars } from './progress-bar.js';

const keptUnlessSaid = 7;
const maxBackups = 1_000;

const usage = 'Usage: npm run backup -- FOLDER [--keep NUMBER] [--quiet]';
const help = `npm run backup -- FOLDER   backs up everything except the master key into a folder, preferably on another disk

  --keep NUMBER  number of backups of the main database to keep (default ${keptUnlessSaid}); only the latest keyring is kept
  --quiet        prints nothing unless it fails, for cron jobs

It reads the settings of the service, and works whether the service runs or not. Files already in the folder are
not copied again. The backup does not contain the master key: keep a copy of that elsewhere, because without it nobody can read a backup.`;

/** `npm run backup`: backs the installation up into a folder. */
export const backUp: Command = async (environment, parameters, terminal) => {
  try {
    const options = {
      help: { type: 'boolean', short: 'h' },
      keep: { type: 'string' },
      quiet: { type: 'boolean' },
    } as const;
    const { values, positionals } = readParameters(parameters, options, { most: 1, usage });
    if (values.help) {
      terminal.print(help);
      return 0;
    }
    const [path] = positionals;
    if (!path) throw new StartError(`Name the folder to back up into. ${usage}`);
    const keep = Number(values.keep ?? keptUnlessSaid);
    if (!Number.isInteger(keep) || keep < 1 || keep > maxBackups) {
      throw new StartError(`--keep is a number from 1 to ${maxBackups}. ${usage}`);
    }
    const quiet = { ...terminal, print: () => {} };
    await run(loadConfig(environment), { path, keep }, values.quiet ? quiet : terminal);
    return 0;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    terminal.complain(error.message);
    return 1;
  }
};

async function run(config: Config, { path, keep }: { path: string; keep: number }, terminal: Terminal): Promise<void> {
  await requireData(config);
  const folder = await BackupFolder.toWrite(path, config.dataDir);
  const databases = await openDatabases(config);
  try {
    const titles = { database: 'The main database', keyring: 'The keyring', files: 'The files' };
    const progress = new ProgressBars(terminal, titles).show;
    const made = await makeBackup({ config, databases, folder, keep, progress });
    tell(made, folder, terminal);
  } finally {
    if (!databases.adopted && (await NodeLock.isFree(databases.keyring).catch(() => false))) await databases.stop();
  }
}

function tell({ name, rows, bytes, files, dropped }: MadeBackup, folder: BackupFolder, { print }: Terminal): void {
  const size = bytes < 10_000_000 ? `${Math.ceil(bytes / 1_000)} KB` : `${Math.round(bytes / 1_000_000)} MB`;
  const { copied, unchanged, removed, lost } = files;
  print(`The backup ${name} is complete, in ${folder.path}: ${rows} rows in ${size}.`);
  print(`Stored files copied: ${copied}, already there: ${unchanged}, removed because they were deleted: ${removed}.`);
  if (lost > 0) print(`WARNING  Stored files that are missing from the storage, and from this folder: ${lost}.`);
  if (dropped > 0) print(`Older backups removed: ${dropped}.`);
  print('The backup does not contain the master key: keep a copy of that elsewhere.');
}
