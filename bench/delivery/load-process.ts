import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ColloquioLogin } from './colloquio-device.js';
import { startNode } from './node-process.js';
import type { XmppLogin } from './xmpp-device.js';

export type Login = ColloquioLogin | XmppLogin;

/** Either a window, of messages that each pair has under way, or a rate of all pairs together, per second. */
export interface Run {
  window?: number;
  rate?: number;
  warmUpSeconds: number;
  seconds: number;
}

export interface LoadResult {
  /** Messages stored and acknowledged, received, and whose receipt came back while it was measured. */
  finished: number;
  seconds: number;
  /** What the server refused. */
  failures: number;
  /** Messages that never were finished. */
  lost: number;
  /** Processor time of the client. */
  clientSeconds: number;
  /** From sending to receiving, in milliseconds. */
  delays: { median: number; p99: number; longest: number };
}

export type Command = { kind: 'connect'; pairs: [writer: Login, reader: Login][] } | { kind: 'run'; run: Run };
export type LoadReport =
  | { kind: 'connected' | 'measuring' | 'measured' }
  | { kind: 'done'; result: LoadResult }
  | { kind: 'failed'; reason: string };

type Report = LoadReport | { kind: 'gone' };

/** The process that plays all devices of one server. They stay connected between runs. */
export class LoadProcess {
  private readonly child: ChildProcess;
  private readonly reports: Report[] = [];
  private waiting: ((report: Report) => void) | undefined;

  private constructor(child: ChildProcess) {
    this.child = child;
    const hear = (report: Report) => {
      if (!this.waiting) return void this.reports.push(report);
      this.waiting(report);
      this.waiting = undefined;
    };
    child.on('message', hear);
    child.once('exit', () => hear({ kind: 'gone' }));
  }

  static async start(pairs: [writer: Login, reader: Login][]): Promise<LoadProcess> {
    const load = new LoadProcess(startNode(join(import.meta.dirname, 'load.ts')));
    load.child.send({ kind: 'connect', pairs } satisfies Command);
    await load.hears('connected');
    return load;
  }

  /** @param measured runs twice, where the measured time begins and where it ends */
  async run(run: Run, measured: () => void): Promise<LoadResult> {
    this.child.send({ kind: 'run', run } satisfies Command);
    await this.hears('measuring');
    measured();
    await this.hears('measured');
    measured();
    return (await this.hears('done')).result;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.disconnect();
    await gone;
  }

  private async hears<Kind extends LoadReport['kind']>(kind: Kind): Promise<Extract<LoadReport, { kind: Kind }>> {
    const report = this.reports.shift() ?? (await new Promise<Report>((resolve) => (this.waiting = resolve)));
    if (report.kind === kind) return report as Extract<LoadReport, { kind: Kind }>;
    throw new Error(report.kind === 'failed' ? report.reason : `The client says ${report.kind} instead of ${kind}.`);
  }
}
