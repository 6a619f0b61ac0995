import { DataSource } from 'typeorm';
import { type Config, loadConfig } from '../platform/config.js';
import { requireData } from '../platform/data-dir.js';
import { keyringDatabase, mainDatabaseOptions } from '../platform/database.js';
import { type Databases, openDatabases } from '../platform/open-databases.js';
import { Mail } from '../platform/mail/mail.entity.js';
import { failureInWords } from '../platform/mail/refusals.js';
import { openMail } from '../platform/mail/sealed-mail.js';
import { MailTemplates } from '../platform/mail/templates.js';
import { NodeLock } from '../platform/node-lock.js';
import { StartError } from '../platform/start-error.js';
import { KeyGoneError } from '../platform/vault/keyring.js';
import { openVaultToRead } from '../platform/vault/open-vault.js';
import type { Vault } from '../platform/vault/vault.js';
import type { Command, Terminal } from './command.js';

const help = `npm run outbox             shows waiting and failed mails: recipient, subject, link, time
npm run outbox -- --retry  makes the running service retry those that failed permanently

It reads the settings of the service (DATA_DIR, DATABASE_URL …), and works whether the service runs or not.`;

/**
 * `npm run outbox`: shows the mails that wait, also while the service runs; with `-- --retry` those that were given up
 * are tried again.
 */
export const showOutbox: Command = async (environment, parameters, terminal) => {
  try {
    const unknown = parameters.find((each) => !['--retry', '--help', '-h'].includes(each));
    if (unknown) throw new StartError(`There is no option ${unknown}: the options are --retry and --help.`);
    if (parameters.includes('--help') || parameters.includes('-h')) terminal.print(help);
    else await run(loadConfig(environment), parameters.includes('--retry'), terminal);
    return 0;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    terminal.complain(error.message);
    return 1;
  }
};

async function run(config: Config, retry: boolean, terminal: Terminal): Promise<void> {
  if (!config.databaseUrl) await requireData(config);
  const databases = await openDatabases(config);
  const main = new DataSource({ ...mainDatabaseOptions(databases.main), entities: [Mail] });
  const keyring = keyringDatabase(databases.keyring);
  try {
    await main.initialize();
    const [row] = await main.query<[{ there: boolean }]>(`SELECT to_regclass('mail') IS NOT NULL AS there`);
    if (!row.there) throw new StartError('There is no Colloquio data in this database: correct DATABASE_URL.');
    if (retry) return await tryAgain(main, config, terminal);
    await keyring.initialize();
    await show(main, await openVaultToRead(config, keyring), config, terminal);
  } finally {
    if (main.isInitialized) await main.destroy();
    if (keyring.isInitialized) await keyring.destroy();
    await stopUnlessUsed(databases);
  }
}

async function show(main: DataSource, vault: Vault, config: Config, { print }: Terminal): Promise<void> {
  const templates = new MailTemplates(config);
  const mails = await main.manager.find(Mail, { order: { id: 'ASC' } });
  const alive = mails.filter(({ notAfter }) => notAfter > new Date());
  if (alive.length === 0) return print('No mails are waiting.');
  print(
    [
      'Personal data: these mails contain addresses, and links that open accounts and invitations. They are shown to you as',
      'the host of this installation; do not leave them in a file or a log.',
      config.smtpUrl
        ? 'SMTP_URL is set: the running service sends the mails that have not failed.'
        : 'SMTP_URL is not set, so no mail is sent: pass the links on yourself.',
    ].join('\n'),
  );
  for (const mail of alive) {
    const draft = await openMail(vault, mail).catch((error: unknown) => {
      if (error instanceof KeyGoneError) return undefined;
      throw error;
    });
    // The addressee was erased meanwhile.
    if (!draft) continue;
    const { subject, link } = templates.compose(draft);
    const facts = { To: draft.to, Subject: subject, Link: link, Since: inWords(mail.createdAt), State: stateOf(mail) };
    const lines = Object.entries(facts).map(([name, value]) => `  ${name.padEnd(9)}${printable(value)}`);
    print(`\n${lines.join('\n')}`);
  }
}

async function tryAgain(main: DataSource, { smtpUrl }: Config, { print }: Terminal): Promise<void> {
  const { affected } = await main
    .createQueryBuilder()
    .update(Mail)
    .set({ attempts: 0, failure: null, failedAt: null })
    .where('failed_at IS NOT NULL AND not_after > now()')
    .execute();
  const when = smtpUrl
    ? 'The running service retries them within a minute or two.'
    : 'SMTP_URL is not set, so they wait.';
  print(affected ? `Mails to retry: ${affected}. ${when}` : 'No mail had failed permanently.');
}

function stateOf({ attempts, failure, failedAt, notAfter }: Mail): string {
  const times = attempts === 1 ? 'once' : `${attempts} times`;
  if (failedAt)
    return `failed for good (${explained(failure)}) after it was tried ${times}; npm run outbox -- --retry tries again`;
  const until = `waits until ${inWords(notAfter)} at most`;
  return attempts > 0 ? `${until}; tried ${times} (${explained(failure)})` : until;
}

function explained(failure: string | null): string {
  const words = failure && failureInWords(failure);
  return words ? `${failure}: ${words}` : String(failure);
}

function inWords(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** Without what a terminal would take for a command. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '');
}

/** A PostgreSQL that was running already stays, and so does one that a service has taken over meanwhile. */
async function stopUnlessUsed(databases: Databases): Promise<void> {
  if (databases.adopted || !(await NodeLock.isFree(databases.keyring))) return;
  await databases.stop();
}
