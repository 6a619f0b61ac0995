import { join } from 'node:path';
import type { ColloquioLogin } from './colloquio-device.js';
import { startNode } from './node-process.js';
import { Talk } from './talk.js';
import type { XmppLogin } from './xmpp-device.js';

export type Login = ColloquioLogin | XmppLogin;

/** Either a window, of messages that each pair has under way, or a rate of all pairs together, per second. */
export interface Run {
  window?: number;
  rate?: number;
  warmUpSeconds: number;
  seconds: number;
}

/** In milliseconds. */
export interface Delays {
  median: number;
  p90: number;
  p99: number;
  longest: number;
}

export interface LoadResult {
  /** Messages stored and acknowledged, received, and whose receipt came back while it was measured. */
  finished: number;
  seconds: number;
  /** Errors that the server answered. */
  failures: number;
  /** Messages that never were finished. */
  lost: number;
  /** Processor time of the client. */
  clientSeconds: number;
  /** From sending to receiving, in milliseconds. */
  delays: Delays;
}

export type Command = { kind: 'connect'; pairs: [writer: Login, reader: Login][] } | { kind: 'run'; run: Run };
export type LoadReport =
  | { kind: 'connected' }
  | { kind: 'measuring' }
  | { kind: 'measured' }
  | { kind: 'done'; result: LoadResult }
  | { kind: 'failed'; reason: string };

/** The process that plays all devices of one server. They stay connected between runs. */
export class LoadProcess {
  private readonly talk: Talk<Command, LoadReport>;

  private constructor(talk: Talk<Command, LoadReport>) {
    this.talk = talk;
  }

  static async start(pairs: [writer: Login, reader: Login][]): Promise<LoadProcess> {
    const talk = new Talk<Command, LoadReport>(startNode(join(import.meta.dirname, 'load.ts')));
    talk.tell({ kind: 'connect', pairs });
    await talk.hears('connected');
    return new LoadProcess(talk);
  }

  /** @param note is called where the measured time begins and where it ends */
  async run(run: Run, note: () => void): Promise<LoadResult> {
    this.talk.tell({ kind: 'run', run });
    await this.talk.hears('measuring');
    note();
    await this.talk.hears('measured');
    note();
    return (await this.talk.hears('done')).result;
  }

  stop(): Promise<void> {
    return this.talk.end();
  }
}
