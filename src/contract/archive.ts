import type { FileFamily } from './attachments.js';
import type { PageAsked, Paged } from './common.js';
import type { Author, Counterpart, Party } from './events.js';

/** Things that a message can have, by which an archive is filtered. */
export const archiveHas = ['file', 'image', 'audio', 'link'] as const;
export type ArchiveHas = (typeof archiveHas)[number];

/** Fields are described at the DTO classes, which implement these types completely, and in openapi.json. */
export interface SearchArchive extends PageAsked {
  q?: string;
  with?: string;
  label?: string[];
  from?: Party;
  author?: string;
  after?: string;
  before?: string;
  has?: ArchiveHas[];
  fileName?: string;
  broadcasts?: true;
}

export interface TextRange {
  start: number;
  end: number;
}

export interface Snippet {
  text: string;
  highlights: TextRange[];
  cutBefore: boolean;
  cutAfter: boolean;
}

/** Kinds of hits: a message of a conversation, or, for members, a broadcast, however many it went to. */
export const archiveHitKinds = ['message', 'broadcast'] as const;
export type ArchiveHitKind = (typeof archiveHitKinds)[number];

export interface FoundFile {
  id: string;
  name: string;
  family: FileFamily;
  highlights: TextRange[];
}

export interface ArchiveHit {
  kind: ArchiveHitKind;
  conversationId: string | null;
  seq: number | null;
  broadcastId: string | null;
  sender: Party;
  author?: Author | null;
  sentAt: string;
  counterpart?: Counterpart;
  snippet: Snippet;
  files: FoundFile[];
}

export type ArchiveHits = Paged<ArchiveHit>;
