import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { Turns } from '../platform/turns.js';
import type { ByteSource } from './byte-source.js';
import type { DrawingJob, DrawingResult } from './drawing-jobs.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const worker = fileURLToPath(new URL('./drawing.worker.js', import.meta.url));
const idleMilliseconds = 60_000;
const watchedMilliseconds = 250;
const mostMemory = 448 * 1024 ** 2;
const pageSize = 4096;
const tickMilliseconds = 10;

export interface DrawingLimits {
  /**
   * Computing time for a file, where the system tells. By the clock, the process may stand still four times as long once it
   * has the file: beside others that are busy it computes slowly, and honest files must not fail for that.
   */
  milliseconds: number;
  /** Files that may wait for their turn. */
  waiting: number;
}

/**
 * A process that opens files of strangers, one at a time, with libraries of which some are not written in JavaScript. It
 * is started when it is needed and ended when it is idle, takes too long or takes too much memory. It gets no settings, may
 * read nothing but its own program, and may write nothing.
 */
export class DrawingProcess {
  private process: ChildProcess | undefined;
  private idle: NodeJS.Timeout | undefined;
  private readonly turns: Turns;

  constructor(private readonly limits: DrawingLimits) {
    const { waiting } = limits;
    this.turns = new Turns({ concurrency: 1, concurrencyPerAsker: 1, waiting, waitingPerAsker: waiting, of: 'files' });
  }

  /**
   * Has a file of an asker opened or drawn, which waits for one file of each other asker; undefined when that took too long, too much, or the process down.
   * @throws whatever the source fails with
   */
  run(job: DrawingJob, source: ByteSource): Promise<DrawingResult | undefined> {
    return this.turns.run(source.asker ?? '', () => this.perform(job, source));
  }

  /** Ends the process; the next file starts another. */
  stop(): void {
    clearTimeout(this.idle);
    this.process?.kill('SIGKILL');
    this.process = undefined;
  }

  private async perform(job: DrawingJob, source: ByteSource): Promise<DrawingResult | undefined> {
    clearTimeout(this.idle);
    const child = (this.process ??= this.start());
    const answer = this.answerOf(child);
    try {
      child.send(job, () => {});
      await pipeline(source.stream(), into(child.stdin!)).catch((error: unknown) => {
        // The process is gone, which the answer tells.
        if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
      });
      const result = await answer.inTime();
      if (!result) this.stop();
      return result;
    } catch (error) {
      // It would wait for the rest of a file that does not come.
      this.stop();
      throw error;
    } finally {
      answer.forget();
      this.idle = setTimeout(() => this.stop(), idleMilliseconds).unref();
    }
  }

  private start(): ChildProcess {
    const child = spawn(
      process.execPath,
      [
        '--permission',
        '--allow-addons',
        ...['dist', 'node_modules', 'package.json'].map((path) => `--allow-fs-read=${root}${path}`),
        '--allow-fs-write=/proc/self/oom_score_adj',
        '--max-old-space-size=192',
        '--no-warnings',
        worker,
      ],
      // Without the settings of the service, its keys among them.
      { env: { MALLOC_ARENA_MAX: '2' }, stdio: ['pipe', 'ignore', 'ignore', 'ipc'], serialization: 'advanced' },
    );
    const gone = () => {
      if (this.process === child) this.process = undefined;
    };
    child.on('exit', gone);
    child.on('error', gone);
    child.stdin!.on('error', () => {});
    // It keeps the service from stopping no more than a file that waits does.
    child.unref();
    child.channel?.unref();
    (child.stdin as unknown as { unref?: () => void }).unref?.();
    return child;
  }

  private answerOf(child: ChildProcess) {
    let settle: (result: DrawingResult | undefined) => void;
    const settled = new Promise<DrawingResult | undefined>((resolve) => (settle = resolve));
    const answered = (result: unknown) => settle(result as DrawingResult);
    const gone = () => settle(undefined);
    child.once('message', answered);
    child.once('exit', gone);
    child.once('error', gone);
    const { milliseconds } = this.limits;
    const before = computedBy(child);
    let standstill: NodeJS.Timeout | undefined;
    let computed = before;
    const watch = setInterval(() => {
      const now = computedBy(child);
      if (memoryOf(child) > mostMemory || now - before > milliseconds) gone();
      if (now !== computed) standstill?.refresh();
      computed = now;
    }, watchedMilliseconds);
    return {
      inTime: () => {
        standstill = setTimeout(gone, 4 * milliseconds);
        return settled;
      },
      forget: () => {
        clearInterval(watch);
        clearTimeout(standstill);
        child.off('message', answered);
        child.off('exit', gone);
        child.off('error', gone);
      },
    };
  }
}

/** Milliseconds that a process has computed for, where the system tells: a busy machine must not fail honest files. */
function computedBy({ pid }: ChildProcess): number {
  if (process.platform !== 'linux') return 0;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * tickMilliseconds;
  } catch {
    return 0;
  }
}

/** Bytes of memory that a process takes, where the system tells. */
function memoryOf({ pid }: ChildProcess): number {
  if (process.platform !== 'linux') return 0;
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * pageSize;
  } catch {
    return 0;
  }
}

/** Writes on, but does not end what it writes to. */
const into = (target: Writable) =>
  new Writable({
    write: (piece: Buffer, _encoding, done) => void target.write(piece, (error) => done(error)),
  });
