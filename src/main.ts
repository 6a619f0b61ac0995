import { loadConfig } from './platform/config.js';
import { StartError } from './platform/start-error.js';
import { type RunningService, startService } from './service.js';
import { serveDocs } from './serve-docs.js';
import { serveWeb } from './serve-web.js';

/** The service is done before that; Docker and others kill after ten seconds. */
const lastResortMilliseconds = 9_800;
const lingerMilliseconds = 100;

try {
  const starting = startService(loadConfig(process.env), {
    prepare: [serveDocs, serveWeb],
    onMasterKeyMade: tellOfMasterKey,
  });
  stopOn(starting, 'SIGTERM', 'SIGINT');
  const service = await starting;
  greet(service);
  void service.stopped.then(leave);
} catch (error) {
  if (!(error instanceof StartError)) throw error;
  console.error(`Colloquio cannot start. ${error.message}`);
  process.exitCode = 1;
}

function greet({ url, config, databaseFolder }: RunningService): void {
  const publicUrl = config.publicUrl.origin;
  const lines = [
    'Colloquio is running.',
    `  Dashboard      ${publicUrl}${publicUrl === url ? '' : `  (here ${url})`}`,
    `  App            ${publicUrl}/app`,
    `  API            ${publicUrl}/api/docs`,
    `  Data           ${config.dataDir}`,
  ];
  if (!config.smtpUrl) lines.push('  Mail           no SMTP_URL: mails wait sealed, npm run outbox shows them');
  if (databaseFolder && !databaseFolder.startsWith(config.dataDir)) lines.push(`  Database       ${databaseFolder}`);
  for (const warning of config.warnings) lines.push(`  Warning        ${warning}`);
  console.log(lines.join('\n'));
}

function tellOfMasterKey(path: string): void {
  const lines = [
    `The master key was made: ${path}`,
    'Keep a copy of this file somewhere else. Without it nobody can read the data any more, and a backup is worth nothing.',
    '',
  ];
  console.log(lines.join('\n'));
}

/** Exits even if something that the stop gave up, such as a hanging connection, would hold the process. */
function leave(): void {
  setTimeout(() => process.exit(), lingerMilliseconds).unref();
}

/** A start is finished before it is stopped, unless it hangs: cut short, it would leave PostgreSQL running. */
function stopOn(starting: Promise<RunningService>, ...signals: NodeJS.Signals[]): void {
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    setTimeout(giveUp, lastResortMilliseconds).unref();
    const service = await starting.catch(() => undefined);
    if (!service) return;
    await service.stop();
    console.log('Colloquio has stopped.');
  };
  for (const signal of signals) process.on(signal, () => void stop());
}

function giveUp(): void {
  console.error('Colloquio ends although something still hangs. Nothing that was acknowledged is lost.');
  process.exit(1);
}
