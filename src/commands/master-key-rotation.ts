import { resolve } from 'node:path';
import { type Config, loadConfig } from '../platform/config.js';
import { requireData } from '../platform/data-dir.js';
import { keyringDatabase } from '../platform/database.js';
import { Log } from '../platform/log.js';
import { NodeLock } from '../platform/node-lock.js';
import { openDatabases } from '../platform/open-databases.js';
import { StartError } from '../platform/start-error.js';
import { rotateMasterKey as rotate, type Rotation } from '../platform/vault/master-key-rotation.js';
import type { Command, Terminal } from './command.js';
import { readParameters } from './parameters.js';

const usage = 'Usage: npm run rotate-master-key [-- FILE]';
const help = `npm run rotate-master-key           replaces the master key with a new one
npm run rotate-master-key -- FILE   writes the new key to FILE, or uses the key in it: for MASTER_KEY, or a file that cannot be written

It reads the settings of the service, which must be stopped. If it is interrupted, run it again.`;

/** `npm run rotate-master-key`: puts a new master key in the place of the old one. */
export const rotateMasterKey: Command = async (environment, parameters, terminal) => {
  try {
    const options = { help: { type: 'boolean', short: 'h' } } as const;
    const { values, positionals } = readParameters(parameters, options, { most: 1, usage });
    if (values.help) terminal.print(help);
    else await run(loadConfig(environment), positionals[0], terminal);
    return 0;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    terminal.complain(error.message);
    return 1;
  }
};

async function run(config: Config, file: string | undefined, terminal: Terminal): Promise<void> {
  await requireData(config);
  const databases = await openDatabases(config);
  let lock: NodeLock | undefined;
  try {
    lock = await NodeLock.acquire(databases.keyring, databases.revive, new Log(config));
    const keyring = await keyringDatabase(databases.keyring).initialize();
    try {
      await keyring.runMigrations();
      tell(await rotate(config, keyring, file === undefined ? undefined : resolve(file)), config, terminal);
    } finally {
      await keyring.destroy();
    }
  } finally {
    await lock?.release();
    // A service that started meanwhile works with it.
    if (!databases.adopted && (await NodeLock.isFree(databases.keyring).catch(() => false))) await databases.stop();
  }
}

function tell({ path, inPlace }: Rotation, config: Config, { print }: Terminal): void {
  print(`The data is now sealed with a new master key, in ${path}. Keep a copy of it elsewhere.`);
  if (!inPlace) {
    print(
      config.masterKey
        ? `Set MASTER_KEY to the content of that file before you start the service, and remove the file.`
        : `Put that file in the place of ${config.masterKeyFile} before you start the service.`,
    );
  }
  print('Back up now (npm run backup). Until then only the old master key opens the backups, so keep it.');
  print('Unused registration codes are now invalid: create new ones.');
}
