import { DataSource } from 'typeorm';
import { Attachments } from '../attachments/attachments.service.js';
import { SearchIndex } from '../archive/search-index.service.js';
import { SearchKeys } from '../archive/search-keys.service.js';
import { SearchMonths } from '../archive/search-months.service.js';
import { SearchTokens } from '../archive/search-tokens.service.js';
import { Feed } from '../change-feed/feed.js';
import { type Config, loadConfig } from '../platform/config.js';
import { requireData } from '../platform/data-dir.js';
import { keyringDatabase, mainDatabaseOptions } from '../platform/database.js';
import { Log } from '../platform/log.js';
import { NodeLock } from '../platform/node-lock.js';
import { openDatabases } from '../platform/open-databases.js';
import { StartError } from '../platform/start-error.js';
import { openVaultToRead } from '../platform/vault/open-vault.js';
import type { Command, Terminal } from './command.js';
import { barOf } from './progress-bar.js';

const help = `npm run reindex             rebuilds the index of the archive; continues an interrupted rebuild
npm run reindex -- --anew   starts again from the first message, even after an interrupted rebuild

It reads the settings of the service, and works whether the service runs or not. Searches continue meanwhile.`;

const shownMilliseconds = 500;

/** `npm run reindex`: rebuilds the index of the archive from the messages. */
export const rebuildIndex: Command = async (environment, parameters, terminal) => {
  try {
    const unknown = parameters.find((each) => !['--anew', '--help', '-h'].includes(each));
    if (unknown) throw new StartError(`There is no option ${unknown}: the options are --anew and --help.`);
    if (parameters.includes('--help') || parameters.includes('-h')) terminal.print(help);
    else await run(loadConfig(environment), parameters.includes('--anew'), terminal);
    return 0;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    terminal.complain(error.message);
    return 1;
  }
};

async function run(config: Config, anew: boolean, terminal: Terminal): Promise<void> {
  if (!config.databaseUrl) await requireData(config);
  const databases = await openDatabases(config);
  const main = new DataSource(mainDatabaseOptions(databases.main));
  const keyring = keyringDatabase(databases.keyring);
  try {
    await main.initialize();
    const [row] = await main.query<[{ there: boolean }]>(`SELECT to_regclass('search_entry') IS NOT NULL AS there`);
    if (!row.there) throw new StartError('There is no archive in this database yet: start the service once.');
    await keyring.initialize();
    const vault = await openVaultToRead(config, keyring);
    // Of attachments only their views are read.
    const attachments = new Attachments(config, undefined as never, main, undefined as never, vault);
    const index = new SearchIndex(
      attachments,
      main,
      new SearchMonths(main),
      new SearchTokens(main, new SearchKeys(main), vault),
      vault,
    );
    await rebuild(index, new Feed(index, main, new Log(config)), anew, terminal);
  } finally {
    if (main.isInitialized) await main.destroy();
    if (keyring.isInitialized) await keyring.destroy();
    if (!databases.adopted && (await NodeLock.isFree(databases.keyring))) await databases.stop();
  }
}

async function rebuild(index: SearchIndex, feed: Feed, anew: boolean, { print }: Terminal): Promise<void> {
  const interrupted = await feed.isBeginning();
  if (interrupted && !anew) print('A rebuild of the index was interrupted; continuing it.');
  else await feed.startOver();
  let told = '';
  const show = async () => {
    const bar = barOf(await feed.share());
    if (bar !== told) print((told = bar));
  };
  const timer = setInterval(() => void show().catch(() => {}), shownMilliseconds);
  try {
    await feed.catchUp();
  } finally {
    clearInterval(timer);
  }
  const removed = await index.tidy();
  print(barOf(1));
  print(`The index is complete.${removed > 0 ? ` Removed entries of deleted messages: ${removed}.` : ''}`);
}
