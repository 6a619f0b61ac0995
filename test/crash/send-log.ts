import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Party } from '../../src/contract/events.js';

/** The conversation and the party of a request. */
interface Place {
  conversationId: string;
  party: Party;
}

/** A line of the log. What is asked is written down before it is sent, what is answered after it has come. */
export type Entry =
  | ({ what: 'sending'; clientId: string; body: string } & Place)
  | ({ what: 'sent'; clientId: string; seq: number; sentAt: string } & Place)
  | ({ what: 'withdrawing'; seq: number } & Place)
  | ({ what: 'withdrawn'; seq: number } & Place)
  | ({ what: 'received'; deliveredSeq: number; seenSeq: number } & Place)
  | { what: 'broadcasting'; clientId: string; body: string }
  | { what: 'broadcast'; clientId: string; id: string };

/** Requests and answers of the clients, in a file that no end of the service or of PostgreSQL reaches. */
export class SendLog {
  private readonly folder = mkdtempSync(join(tmpdir(), 'colloquio-log-'));
  private readonly path = join(this.folder, 'log.jsonl');
  private readonly file = openSync(this.path, 'a');

  write(entry: Entry): void {
    writeSync(this.file, `${JSON.stringify(entry)}\n`);
  }

  read<What extends Entry['what']>(what: What): Extract<Entry, { what: What }>[] {
    const lines = readFileSync(this.path, 'utf8').split('\n').filter(Boolean);
    return lines
      .map((line) => JSON.parse(line) as Entry)
      .filter((entry): entry is Extract<Entry, { what: What }> => entry.what === what);
  }

  remove(): void {
    closeSync(this.file);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const hashOf = (body: string) => createHash('sha256').update(body).digest('hex');

/** Names a message of a party in a conversation. */
export const named = ({ conversationId, party }: Place, clientId: string) => `${conversationId} ${party} ${clientId}`;
