import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../src/platform/free-port.js';
import { startNode } from './node-process.js';
import type { BareQuestion } from './bare-socket-io.js';
import type { Memory, Question } from './probe.js';

const root = join(import.meta.dirname, '../..');
const startMilliseconds = 60_000;

/** A server in a process of its own, with a probe in it. */
export class ServerProcess {
  readonly port: number;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.child = child;
    this.port = port;
  }

  get pid(): number {
    return this.child.pid!;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts the built service, and returns when it is ready. */
  static async colloquio(environment: Record<string, string>): Promise<ServerProcess> {
    return ServerProcess.start(join(root, 'dist/src/main.js'), '/api/health/ready', environment);
  }

  /** Starts Socket.IO alone. */
  static async bareSocketIo(): Promise<ServerProcess> {
    return ServerProcess.start(join(import.meta.dirname, 'bare-socket-io.ts'), '/', {});
  }

  /** Starts a bare stream to a file. */
  static async bareUpload(): Promise<ServerProcess> {
    return ServerProcess.start(join(import.meta.dirname, 'bare-upload.ts'), '/', {});
  }

  private static async start(
    script: string,
    ready: string,
    environment: Record<string, string>,
  ): Promise<ServerProcess> {
    const port = await freePort();
    const child = startNode(script, {
      flags: ['--import', join(import.meta.dirname, 'probe.ts')],
      environment: { PATH: process.env['PATH'] ?? '', ...environment, PORT: String(port) },
    });
    const server = new ServerProcess(child, port);
    for (const deadline = Date.now() + startMilliseconds; ; await sleep(50)) {
      const answer = await fetch(server.url + ready).catch(() => undefined);
      if (answer?.ok) return server;
      if (child.exitCode !== null || Date.now() > deadline) break;
    }
    await server.stop();
    throw new Error(`${script} does not start`);
  }

  /** Resident memory at the moment, in megabytes. */
  get residentMegabytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) / 1024;
  }

  /** The most it held in memory since {@link forgetPeak}, in megabytes. */
  get peakMegabytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) / 1024;
  }

  forgetPeak(): void {
    writeFileSync(`/proc/${this.pid}/clear_refs`, '5');
  }

  /** After collecting garbage. */
  memory(): Promise<Memory> {
    return this.ask({ kind: 'memory' });
  }

  /** Writes a profile of its thread's processor time, for what is done meanwhile. */
  async profiled<Result>(file: string, work: () => Promise<Result>): Promise<Result> {
    await this.ask({ kind: 'profile' });
    const result = await work();
    await this.ask({ kind: 'profiled', file });
    return result;
  }

  async ask<Answer>(question: Question | BareQuestion): Promise<Answer> {
    this.child.send(question);
    const [answer] = (await once(this.child, 'message')) as [Answer];
    return answer;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await gone;
  }
}
