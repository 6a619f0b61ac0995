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
   * Words, found by their stems, ignoring case and accents; "words in quotes", which must follow each other exactly; and either
   * after a minus, to exclude it. An order code, an address or a link must be complete; a phone number, an IBAN or a date is
   * found however it is grouped. Up to 500 characters and 40 words.
   */
  @Optional()
  @IsString()
  @MaxLength(limits.archiveQueryLength)
  q?: string;

  /** The conversation: the id of the contact, or, for interlocutors, of the conversation with the business. */
  @Optional()
  @IsId()
  with?: string;

  /**
   * For members: ids of labels; in a query, one `label=` for each. Finds messages of contacts that have all of them, and no
   * broadcasts.
   */
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

  /** Content of the message; in a query, one `has=` for each. It must have all of them. */
  @Optional()
  @listed()
  @IsList({ max: archiveHas.length })
  @IsIn(archiveHas, { each: true })
  @ApiProperty({ type: 'array', items: { type: 'string', enum: [...archiveHas] } })
  has?: ArchiveHas[];

  /** Words in the names of its files. Words in `q` are looked for there too. */
  @Optional()
  @IsString()
  @MaxLength(limits.searchLength)
  fileName?: string;

  /** Only broadcasts. */
  @Optional()
  @IsTrue()
  broadcasts?: true;
}

/** A place in a text. Offsets count UTF-16 code units, as JavaScript does. */
export class TextRange implements wire.TextRange {
  start: number;
  /** Offset after its last character. */
  end: number;
}

/** A part of the text around the first match, or its beginning. It is plain text; escape it like any other. */
export class Snippet implements wire.Snippet {
  text: string;
  /** Positions of the matches in `text`. */
  @Type(() => TextRange)
  highlights: TextRange[];
  /** True if the message has more text before this part. */
  cutBefore: boolean;
  /** True if the message has more text after this part. */
  cutAfter: boolean;
}

/** A file of a message or broadcast that was found. */
export class FoundFile implements wire.FoundFile {
  id: string;
  name: string;
  @IsIn(fileFamilies)
  family: FileFamily;
  /** Positions of the matches in `name`. */
  @Type(() => TextRange)
  highlights: TextRange[];
}

@ApiExtraModels(InterlocutorCounterpart, SubscriberCounterpart)
export class ArchiveHit implements wire.ArchiveHit {
  /** A message of a conversation; or, for members who search without `with`, a broadcast, once for all recipients. */
  @IsIn(archiveHitKinds)
  kind: ArchiveHitKind;
  /** Show it in context with GET /api/conversations/{conversationId}/messages?around={seq}. Null for a broadcast. */
  conversationId: string | null;
  seq: number | null;
  /** The broadcast, or the broadcast that the message belongs to. */
  broadcastId: string | null;
  @IsIn(parties)
  sender: Party;
  /** For members only: the member who wrote it; null for messages of the interlocutor. */
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
  /**
   * Newest first. A page may have fewer items than the limit, even none, while `nextCursor` is set, because a long search
   * pauses.
   */
  items: ArchiveHit[];
  nextCursor: string | null;
}
