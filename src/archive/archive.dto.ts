import { ApiExtraModels, ApiProperty } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import { IsIn, IsString, MaxLength } from 'class-validator';
import { type ArchiveHas, archiveHas, type ArchiveHitKind, archiveHitKinds } from '../contract/archive.js';
import { type FileFamily, fileFamilies } from '../contract/attachments.js';
import { parties, type Party } from '../contract/events.js';
import type * as wire from '../contract/index.js';
import { limits } from '../contract/limits.js';
import { InterlocutorCounterpart, SubscriberCounterpart } from '../conversations/conversations.dto.js';
import { AuthorView } from '../members/members.dto.js';
import { IsId, IsIds, IsList, IsTime, IsTrue, Optional } from '../platform/validation/fields.js';
import { Page } from '../platform/validation/page.dto.js';
import { OneOf } from '../platform/validation/unions.js';

const listed = () => Transform(({ value }): unknown => (value === undefined || Array.isArray(value) ? value : [value]));

/** A search of the archive. Say something: words, a filter, or both. Everything you say has to be true of a hit. */
export class SearchArchive extends Page implements wire.SearchArchive {
  /**
   * Words, which are found by their stems, without regard to case and accents; "words in quotes", which have to follow each
   * other as they stand; and either behind a minus, which must not be there. An order code, an address or a link is found
   * whole; a telephone number, an IBAN or a date however its groups are divided. Up to 500 characters and 40 words.
   */
  @Optional()
  @IsString()
  @MaxLength(limits.archiveQueryLength)
  q?: string;

  /** The conversation: the id of the contact, or, for interlocutors, of the conversation with the business. */
  @Optional()
  @IsId()
  with?: string;

  /** For members: ids of labels, in a query one `label=` for each. Contacts must have all of them; broadcasts have none. */
  @Optional()
  @listed()
  @IsIds({ max: limits.labelsPerContact })
  label?: string[];

  /** The party that sent it. */
  @Optional()
  @IsIn(parties)
  from?: Party;

  /** For members: the id of the member who wrote it. */
  @Optional()
  @IsId()
  author?: string;

  /** Sent at this time or later. */
  @Optional()
  @IsTime()
  after?: string;

  /** Sent before this time. */
  @Optional()
  @IsTime()
  before?: string;

  /** Things that it has, in a query one `has=` for each; it must have all of them. */
  @Optional()
  @listed()
  @IsList({ max: archiveHas.length })
  @IsIn(archiveHas, { each: true })
  @ApiProperty({ type: 'array', items: { type: 'string', enum: [...archiveHas] } })
  has?: ArchiveHas[];

  /** Words in the names of its files. Words in `q` may stand in them too. */
  @Optional()
  @IsString()
  @MaxLength(limits.searchLength)
  fileName?: string;

  /** Only what was sent as a broadcast. */
  @Optional()
  @IsTrue()
  broadcasts?: true;
}

/** A place in a text. Offsets count UTF-16 code units, as JavaScript does. */
export class TextRange implements wire.TextRange {
  start: number;
  /** Offset behind its last character. */
  end: number;
}

/** A part of the text around the first place found, or its beginning. It is plain text, to be escaped like any other. */
export class Snippet implements wire.Snippet {
  text: string;
  /** Places in `text` that were found. */
  @Type(() => TextRange)
  highlights: TextRange[];
  /** True when the message has more before this part. */
  cutBefore: boolean;
  /** True when the message has more behind this part. */
  cutAfter: boolean;
}

/** A file of a message or broadcast that was found. */
export class FoundFile implements wire.FoundFile {
  id: string;
  name: string;
  @IsIn(fileFamilies)
  family: FileFamily;
  /** Places in `name` that were found. */
  @Type(() => TextRange)
  highlights: TextRange[];
}

@ApiExtraModels(InterlocutorCounterpart, SubscriberCounterpart)
export class ArchiveHit implements wire.ArchiveHit {
  /** A message of a conversation; or, for members who search without `with`, a broadcast, once for all that got it. */
  @IsIn(archiveHitKinds)
  kind: ArchiveHitKind;
  /** Open it in its place with GET /api/conversations/{conversationId}/messages?around={seq}. Null for a broadcast. */
  conversationId: string | null;
  seq: number | null;
  /** The broadcast that it is, or by which the message came. */
  broadcastId: string | null;
  @IsIn(parties)
  sender: Party;
  /** For members only: who wrote for the subscriber; null for what the interlocutor wrote. */
  @Type(() => AuthorView)
  author?: AuthorView | null;
  sentAt: string;
  /** The other party of the conversation; a broadcast has none. */
  @Optional()
  @OneOf('CounterpartView', { interlocutor: InterlocutorCounterpart, subscriber: SubscriberCounterpart })
  counterpart?: wire.Counterpart;
  @Type(() => Snippet)
  snippet: Snippet;
  /** All of its files. */
  @Type(() => FoundFile)
  files: FoundFile[];
}

export class ArchiveHits implements wire.ArchiveHits {
  /** Newest first. May be fewer than the limit, even none, while `nextCursor` is set: a search that has much to read pauses. */
  items: ArchiveHit[];
  nextCursor: string | null;
}
