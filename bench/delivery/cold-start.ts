import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { binariesFor, findBinaries, program } from '../../src/platform/embedded-postgres/binaries.js';
import { ask } from '../../src/platform/embedded-postgres/connection.js';
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/platform/embedded-postgres/embedded-postgres.js';
import type { Figure } from './figure.js';
import { freePort } from '../../src/platform/free-port.js';
import type { Scene } from './scene.js';

const root = join(import.meta.dirname, '../..');
const pollMilliseconds = 10;

/** From the command to the first answer: the built service with its own PostgreSQL, beside that PostgreSQL alone. */
export async function coldStart(scene: Scene): Promise<Figure[]> {
  const dataDir = await mkdtemp(join(tmpdir(), 'colloquio-bench-'));
  await chmod(dataDir, 0o711);
  try {
    // The first start makes keys and databases, which no later one does.
    await startService(dataDir);
    const cluster = await startEmbeddedPostgres({ dataDir });
    await cluster.stop();
    const ours: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round < scene.options.rounds; round++) {
      ours.push(await startService(dataDir));
      bare.push(await startPostgres(cluster));
    }
    return [
      {
        title: 'Cold start, from the command to ready',
        unit: 'ms',
        ours,
        beside: 'its PostgreSQL alone',
        others: bare,
        notes: ['`node scripts/start.mjs`, built, on data that were there, the embedded PostgreSQL included.'],
      },
    ];
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function startService(dataDir: string): Promise<number> {
  const port = await freePort();
  const environment = { PATH: process.env['PATH'] ?? '', DATA_DIR: dataDir, PORT: String(port), LOG_LEVEL: 'error' };
  const began = performance.now();
  const service = spawn(process.execPath, [join(root, 'scripts/start.mjs')], {
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    return await timeUntil(began, service, async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/health/ready`).catch(() => undefined);
      return answer?.ok === true;
    });
  } finally {
    await ended(service, 'SIGTERM');
  }
}

/** As whom its files belong to, and with the same binaries as the service. */
async function startPostgres({ clusterDir, connection }: EmbeddedPostgres): Promise<number> {
  const { uid, gid } = await stat(clusterDir);
  const user = process.getuid?.() === 0 ? { uid, gid } : undefined;
  const binaries = await binariesFor(user, await findBinaries());
  // Of its socket; whoever stopped it last has taken it away.
  await mkdir(connection.host, { recursive: true, mode: 0o700 });
  await chown(connection.host, uid, gid);
  const began = performance.now();
  const postgres = spawn(program(binaries, 'postgres'), ['-D', clusterDir], { ...user, cwd: '/', stdio: 'ignore' });
  try {
    return await timeUntil(began, postgres, async () => (await ask(connection)) === 'ready');
  } finally {
    await ended(postgres, 'SIGINT');
  }
}

async function timeUntil(began: number, child: ChildProcess, isReady: () => Promise<boolean>): Promise<number> {
  while (!(await isReady())) {
    if (child.exitCode !== null) throw new Error('It ended before it was ready.');
    await sleep(pollMilliseconds);
  }
  return performance.now() - began;
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}
