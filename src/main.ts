import { PostgresStartError } from './platform/embedded-postgres.js';
import { loadConfig } from './platform/config.js';
import { StartError } from './platform/start-error.js';
import { type RunningService, startService } from './service.js';
import { serveDocs } from './docs.js';

try {
  const service = await startService(loadConfig(process.env), { prepare: serveDocs });
  greet(service);
  stopOn(service, 'SIGTERM', 'SIGINT');
} catch (error) {
  if (!(error instanceof StartError || error instanceof PostgresStartError)) throw error;
  console.error(`Colloquio cannot start. ${error.message}`);
  process.exitCode = 1;
}

function greet({ url, config, databaseFolder, masterKeyMadeAt }: RunningService): void {
  const publicUrl = config.publicUrl.origin;
  const lines = [
    'Colloquio is running.',
    `  Address        ${publicUrl}${publicUrl === url ? '' : `  (here ${url})`}`,
    `  Documentation  ${publicUrl}/api/docs`,
    `  Data           ${config.dataDir}`,
  ];
  if (databaseFolder && !databaseFolder.startsWith(config.dataDir)) lines.push(`  Database       ${databaseFolder}`);
  if (masterKeyMadeAt) {
    lines.push(
      '',
      `The master key was made: ${masterKeyMadeAt}`,
      'Keep a copy of this file somewhere else. Without it nobody can read the data any more, and a backup is worth nothing.',
    );
  }
  console.log(lines.join('\n'));
}

function stopOn(service: RunningService, ...signals: NodeJS.Signals[]): void {
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    await service.stop();
    console.log('Colloquio has stopped.');
  };
  for (const signal of signals) process.on(signal, () => void stop());
}
