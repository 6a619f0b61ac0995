import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Points at which the service can be killed, as kill-points.mjs recognises them. */
export const killPoints = [
  'before-commit',
  'in-commit',
  'after-commit',
  'before-ack',
  'after-ack',
  'in-receipt',
  'after-receipt',
  'in-withdrawal',
  'before-answer',
  'in-chunk',
  'in-chunk-commit',
  'after-chunk',
  'in-upload',
  'before-file',
  'in-file-commit',
  'in-index',
  'in-index-commit',
  'after-index',
  'before-export',
  'in-export',
  'after-export',
] as const;

/** Steps of an erasure, with those of the renewal that follows. */
export const erasurePoints = [
  'in-erasure-commit',
  'after-erasure',
  'in-key-erasure',
  'after-key-erasure',
  'in-cut-commit',
  'after-cut',
  'in-forgetting-commit',
  'after-forgetting',
  'before-gone',
  'before-end',
  'in-renewal',
  'after-renewal',
] as const;

/** Steps of a mail about unread messages: its message is noted, it is posted, and the mail server takes it. */
export const mailPoints = [
  'in-note',
  'in-note-commit',
  'after-note',
  'in-post',
  'in-post-commit',
  'after-post',
  'before-gone-mail',
  'after-gone-mail',
] as const;

export type KillPoint = (typeof killPoints | typeof erasurePoints | typeof mailPoints)[number];

export interface KillOrder {
  point: KillPoint;
  /** At which passing of the point; 1 is the next. */
  countdown: number;
  /** Milliseconds between the point and the end, in which only PostgreSQL goes on. */
  delay?: number;
  /** A PostgreSQL that is to end just before. */
  postgres?: number | undefined;
}

/** Work under way when the service was killed. */
export interface Passed {
  point: KillPoint;
  /** Client ids of the messages that were being stored. */
  clientIds?: string[];
  /** Answer that no client got. */
  answer?: { seq: number; sentAt: string };
}

/** Tells a service that was started with them where to end. */
export class Orders {
  private given = 0;

  private constructor(private readonly folder: string) {}

  static async open(): Promise<Orders> {
    return new Orders(await mkdtemp(join(tmpdir(), 'colloquio-orders-')));
  }

  /** Arguments for Node and environment for the service. */
  readonly nodeArguments = ['--import', fileURLToPath(new URL('kill-points.mjs', import.meta.url))];
  get environment(): Record<string, string> {
    return { KILL_ORDERS: this.folder };
  }

  async give(order: KillOrder): Promise<void> {
    const path = join(this.folder, 'order.json');
    await writeFile(`${path}.new`, JSON.stringify({ id: ++this.given, ...order }));
    await rename(`${path}.new`, path);
  }

  /** Work under way when the last order was carried out; undefined if the service has not reached the point. */
  async passed(): Promise<Passed | undefined> {
    const path = join(this.folder, 'passed.json');
    if (!existsSync(path)) return undefined;
    const { id, ...passed } = JSON.parse(await readFile(path, 'utf8')) as Passed & { id: number };
    return id === this.given ? passed : undefined;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
