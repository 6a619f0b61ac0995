import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Conversation with a child process: its reports one after the other, however late they are asked for. */
export class Talk<Command extends object, Report extends { kind: string }> {
  private readonly child: ChildProcess;
  private readonly reports: (Report | Gone)[] = [];
  private waiting: ((report: Report | Gone) => void) | undefined;

  constructor(child: ChildProcess) {
    this.child = child;
    child.on('message', (report: Report) => this.take(report));
    child.once('exit', () => this.take({ kind: 'gone' }));
  }

  tell(command: Command): void {
    this.child.send(command);
  }

  /** The next report, which has to be of this kind. */
  async hears<Kind extends Report['kind']>(kind: Kind): Promise<Extract<Report, { kind: Kind }>> {
    const report = this.reports.shift() ?? (await new Promise<Report | Gone>((resolve) => (this.waiting = resolve)));
    if (report.kind === kind) return report as Extract<Report, { kind: Kind }>;
    throw new Error(`A client says ${JSON.stringify(report)} instead of ${kind}.`);
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.disconnect();
    await gone;
  }

  private take(report: Report | Gone): void {
    if (!this.waiting) return void this.reports.push(report);
    this.waiting(report);
    this.waiting = undefined;
  }
}

interface Gone {
  kind: 'gone';
}
