import { BackupFolder } from '../backup/backup-folder.js';
import { type CheckedBackup, checkBackup } from '../backup/check.js';
import { type RestoredBackup, restoreBackup } from '../backup/restore.js';
import { type Config, loadConfig } from '../platform/config.js';
import { Log } from '../platform/log.js';
import { NodeLock } from '../platform/node-lock.js';
import { openDatabases } from '../platform/open-databases.js';
import { StartError } from '../platform/start-error.js';
import { loadMasterKey } from '../platform/vault/master-key.js';
import type { Command, Terminal } from './command.js';
import { readParameters } from './parameters.js';
import { ProgressBars } from './progress-bar.js';

const usage = 'Usage: npm run restore -- FOLDER [--backup NAME] [--replace] [--check]';
const help = `npm run restore -- FOLDER   restores the latest backup of the main database, the keyring and the files

  --backup NAME  another backup of the main database: a name in FOLDER/databases
  --replace      deletes everything in the installation first; without it, the installation must be empty
  --check        reads the backup from end to end and changes nothing

It reads the settings of the service, which must be stopped. Put your copy of the master key in place first.
Afterwards everybody must sign in again; unfinished broadcasts and waiting mails need your decision. See docs/operations.md.`;

/** `npm run restore`: restores a backup from a folder. */
export const restore: Command = async (environment, parameters, terminal) => {
  try {
    const options = {
      backup: { type: 'string' },
      check: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      replace: { type: 'boolean' },
    } as const;
    const { values, positionals } = readParameters(parameters, options, { most: 1, usage });
    if (values.help) {
      terminal.print(help);
      return 0;
    }
    const [path] = positionals;
    if (!path) throw new StartError(`Name the folder with the backups. ${usage}`);
    const { backup: name, replace = false, check = false } = values;
    await run(loadConfig(environment), { path, name, replace, check }, terminal);
    return 0;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    terminal.complain(error.message);
    return 1;
  }
};

async function run(
  config: Config,
  { path, name, replace, check }: { path: string; name: string | undefined; replace: boolean; check: boolean },
  terminal: Terminal,
): Promise<void> {
  const folder = await BackupFolder.toRead(path);
  const { key: masterKey } = await loadMasterKey(config, false);
  const progress = new ProgressBars(terminal, {
    check: 'Reading the backup',
    checkFiles: 'Reading the files in the backup folder',
    database: 'The main database',
    keyring: 'The keyring',
    files: 'The files',
  }).show;
  const backup = await checkBackup(folder, { name, masterKey, progress });
  if (check) return terminal.print(`The backup ${backup.manifest.name} is complete, and the master key opens it.`);
  const databases = await openDatabases(config);
  try {
    const log = new Log(config);
    const restored = await restoreBackup({ config, databases, masterKey, folder, backup, replace, progress, log });
    tell(backup, restored, config, terminal);
  } finally {
    if (!databases.adopted && (await NodeLock.isFree(databases.keyring).catch(() => false))) await databases.stop();
  }
}

function tell(
  { manifest, keyring }: CheckedBackup,
  restored: RestoredBackup,
  { smtpUrl }: Config,
  terminal: Terminal,
): void {
  const { rows, files, broadcasts, mails, invitations, erased, keyless } = restored;
  const sayIf = (count: number, text: string) => void (count > 0 && terminal.print(text));
  terminal.print(`The backup ${manifest.name} has been restored: ${rows} rows, as of ${manifest.takenAt}.`);
  terminal.print(`Stored files copied: ${files.copied}, already there: ${files.there}.`);
  sayIf(files.lost, `Stored files deleted since, or missing from the folder: ${files.lost}.`);
  sayIf(erased, `Contacts erased since: ${erased}. Their data is unreadable, and the service deletes what is left.`);
  sayIf(
    keyless,
    `WARNING  Contacts that nobody can read, because the keyring of ${keyring.takenAt} has no key for them: ${keyless}.`,
  );
  sayIf(invitations, `Invitations revoked, declined or expired since: ${invitations}.`);
  sayIf(
    broadcasts,
    `Unfinished broadcasts: ${broadcasts}. They are held when they are due, until the business releases or cancels them.`,
  );
  const list = smtpUrl
    ? 'npm run outbox lists them, and npm run outbox -- --retry sends them'
    : 'npm run outbox lists them';
  sayIf(mails, `Waiting mails that may have been sent since: ${mails}. They are not sent automatically: ${list}.`);
  terminal.print('Everybody must sign in again. Ask people who withdrew a consent after the backup again.');
  terminal.print('Start the service now. It rebuilds the index of the archive.');
}
