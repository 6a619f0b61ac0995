// Starts the built service on fresh temporary data, for what plays with it: the demo, the screenshots, the day.

import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('..', import.meta.url));
const secondsToStart = 120;
const secondsToStop = 30;
const rates = { RATE_JOIN: '1000', RATE_SIGN_IN: '1000', RATE_MESSAGES: '6000' };

// Nothing here may touch what the person's environment points to: real databases, mail, storage, keys.
const realThings =
  /^(DATABASE_URL|KEYRING_DATABASE_URL|REDIS_URL|SMTP_URL|PUBLIC_URL|HOST|TRUST_PROXY|ALLOWED_ORIGINS|REGISTRATION|CLAMD_URL|(S3|TLS|MASTER)_.*)$/;

/** The environment without the settings of a real installation. */
export function harmlessEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !realThings.test(name)));
}

/** Starts the service and waits until it is ready. `stop` ends it and deletes its data, also while it starts. */
export class FreshService {
  #child;
  outcome;

  async start(wantedPort = Number(process.env.PORT) || 0) {
    this.port = await freePort(wantedPort);
    this.url = `http://127.0.0.1:${this.port}`;
    this.dataDir = mkdtempSync(join(tmpdir(), 'colloquio-demo-'));
    chmodSync(this.dataDir, 0o711); // started by root, PostgreSQL runs as another user, who has to pass
    this.#child = spawn(process.execPath, ['dist/src/main.js'], {
      cwd: repository,
      env: {
        ...harmlessEnvironment(),
        ...rates,
        DATA_DIR: this.dataDir,
        PORT: String(this.port),
        LOG_LEVEL: 'warn',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
      // In a process group of its own Ctrl-C reaches only the player, so the service is asked to stop once, in order.
      detached: process.platform !== 'win32',
    });
    // Its log only: its greeting, and the advice to keep a copy of the master key, are not for data that will be deleted.
    createInterface(this.#child.stdout).on('line', (line) => line.startsWith('{') && console.log(line));
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve((this.outcome = error.message)));
      this.#child.once('exit', (code, signal) => resolve((this.outcome = signal ?? `code ${code}`)));
    });
    await this.#untilReady();
  }

  async #untilReady() {
    const deadline = Date.now() + secondsToStart * 1000;
    const ready = (answer) => answer.status === 200;
    while (!(await fetch(`${this.url}/api/health/ready`).then(ready, () => false))) {
      if (this.outcome) throw new Error(`the service did not start (${this.outcome}): it says why above`);
      if (Date.now() > deadline) throw new Error(`the service was not ready after ${secondsToStart} seconds`);
      await Promise.race([pause(200), this.ended]);
    }
  }

  async stop() {
    if (this.#child && !this.outcome) {
      this.#child.kill('SIGTERM');
      setTimeout(() => this.#child.kill('SIGKILL'), secondsToStop * 1000).unref();
      await this.ended;
    }
    if (this.dataDir) rmSync(this.dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

// Binding the port first, even one that was asked for, keeps the demo from talking to somebody else's service on it.
function freePort(wanted) {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(wanted, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
