import { join } from 'node:path';
import type { CrowdCommand, CrowdReport } from './crowd.js';
import { startNode } from './node-process.js';
import { Talk } from './talk.js';

/** The process that plays many devices which only listen. */
export class Crowd {
  private readonly talk: Talk<CrowdCommand, CrowdReport>;

  private constructor(talk: Talk<CrowdCommand, CrowdReport>) {
    this.talk = talk;
  }

  static start(): Crowd {
    return new Crowd(new Talk(startNode(join(import.meta.dirname, 'crowd.ts'))));
  }

  async connect(port: number, tokens: string[]): Promise<void> {
    this.talk.tell({ kind: 'connect', port, tokens });
    await this.talk.hears('connected');
  }

  async disconnect(): Promise<void> {
    this.talk.tell({ kind: 'disconnect' });
    await this.talk.hears('disconnected');
  }

  /** Counts messages from now on; what it gives waits until so many were heard. */
  async listen(messages: number): Promise<() => Promise<void>> {
    this.talk.tell({ kind: 'listen', messages });
    await this.talk.hears('listening');
    return async () => void (await this.talk.hears('heard'));
  }

  stop(): Promise<void> {
    return this.talk.end();
  }
}
