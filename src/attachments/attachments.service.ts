import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { isMember, type MemberPrincipal, type Principal } from '../auth/principal.js';
import type { AttachmentView } from '../contract/attachments.js';
import type { Party } from '../contract/events.js';
import { type Config, CONFIG } from '../platform/config.js';
import { NotFound, ValidationFailed } from '../platform/problems/domain-error.js';
import { KeyGoneError } from '../platform/vault/keyring.js';
import { Vault } from '../platform/vault/vault.js';
import { FileErasures } from './file-erasures.service.js';
import { AttachmentNotFound, AttachmentPending, AttachmentRejected } from './attachments.errors.js';
import {
  accessOfInterlocutorQuery,
  accessOfMemberQuery,
  type AttachmentDetails,
  type AttachmentRow,
  byIdsQuery,
  linkToBroadcastQuery,
  lockForBroadcastQuery,
  type ObjectRow,
  objectsQuery,
  ofBroadcastsQuery,
  ofMessagesQuery,
  type Part,
} from './attachments.queries.js';
import { Contents, keyOf, type OpenedBytes, type Sealable } from './contents.service.js';

/** A message in its conversation, with the broadcast by which it came. */
export interface MessagePlace {
  subscriberId: string;
  conversationId: string;
  seq: number;
  broadcastId?: string | null;
}

/** A message to be sent, as far as its files are concerned. */
interface Draft {
  conversation: { id: string; subscriberId: string; party: Party };
  author: { id: string } | null;
  attachmentIds: readonly string[];
}

export interface OpenedContent {
  view: AttachmentView;
  /** Type of this part. */
  mediaType: string;
  /** Bytes of this part. */
  size: number;
  /** Strong validator of these bytes, without quotation marks. */
  tag: string;
  bytes: OpenedBytes;
  /** The bytes from `start` up to `end`, which is not included; all of them without. */
  stream: (range?: { start: number; end: number }) => AsyncGenerator<Buffer, void, undefined>;
}

/** Files of messages and of broadcasts, as their two parties see them. */
@Injectable()
export class Attachments {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly contents: Contents,
    private readonly database: DataSource,
    private readonly fileErasures: FileErasures,
    private readonly vault: Vault,
  ) {}

  /**
   * The files of messages, in the order of the places; of each message in the order in which it was sent with them. A file
   * whose key is gone is left out.
   */
  async ofMessages(places: readonly MessagePlace[]): Promise<AttachmentView[][]> {
    const [own, common] = [places.filter((each) => !each.broadcastId), places.filter((each) => each.broadcastId)];
    const [ownRows, commonRows] = await Promise.all([
      own.length === 0
        ? []
        : this.database.query<AttachmentRow[]>(ofMessagesQuery, [
            own.map(({ subscriberId }) => subscriberId),
            own.map(({ conversationId }) => conversationId),
            own.map(({ seq }) => seq),
          ]),
      common.length === 0 ? [] : this.rowsOfBroadcasts(common as { subscriberId: string; broadcastId: string }[]),
    ]);
    const found = new Map<string, AttachmentView[]>();
    const rows = [...ownRows, ...commonRows];
    const views = await this.views(rows);
    for (const [index, row] of rows.entries()) {
      const view = views[index];
      const key = row.broadcast_id ?? `${row.contact_id} ${row.seq}`;
      if (view) found.set(key, [...(found.get(key) ?? []), view]);
    }
    return places.map(
      ({ conversationId, seq, broadcastId }) => found.get(broadcastId ?? `${conversationId} ${seq}`) ?? [],
    );
  }

  /** The files of broadcasts, by the ids of these. */
  async ofBroadcasts(subscriberId: string, broadcastIds: readonly string[]): Promise<Map<string, AttachmentView[]>> {
    const places = broadcastIds.map((broadcastId) => ({ subscriberId, conversationId: '', seq: 0, broadcastId }));
    const views = await this.ofMessages(places);
    return new Map(broadcastIds.map((id, index) => [id, views[index]!]));
  }

  /**
   * Opens a file, or one of its previews, for one of its two parties.
   * @throws NotFound if the principal may not have it, or it does not exist; AttachmentPending, AttachmentRejected
   */
  async openContent(principal: Principal, id: string, part: Part = 'content'): Promise<OpenedContent> {
    const row = await this.access(principal, id);
    if (row.state === 'rejected') throw new AttachmentRejected();
    if (row.state === 'pending') throw new AttachmentPending();
    const [[view], objects] = await Promise.all([this.views([row]), this.objects(row, part)]);
    if (!view || objects.length === 0) throw new NotFound();
    const opened = await this.contents.openKeys(row, objects).catch((error: unknown) => {
      throw error instanceof KeyGoneError ? new NotFound() : error;
    });
    const bytes = this.contents.open(opened);
    return {
      view,
      mediaType: objects[0]!.media_type ?? row.media_type,
      size: bytes.size,
      tag: `${objects[0]!.id}-${objects.length}`,
      bytes,
      stream: ({ start, end } = { start: 0, end: bytes.size }) => bytes.range(start, end),
    };
  }

  /**
   * Gives a new broadcast its files. They are settled by then: a scanner that speaks later would have to tell every recipient.
   * @throws AttachmentNotFound, AttachmentPending
   */
  async linkToBroadcast(
    manager: EntityManager,
    { subscriberId, memberId }: Pick<MemberPrincipal, 'subscriberId' | 'memberId'>,
    broadcastId: string,
    ids: readonly string[],
  ): Promise<void> {
    if (ids.length === 0) return;
    const locked = await manager.query<{ id: string; state: AttachmentRow['state'] }[]>(lockForBroadcastQuery, [
      subscriberId,
      memberId,
      ids,
    ]);
    const states = new Map(locked.map(({ id, state }) => [id, state]));
    for (const [item, id] of ids.entries()) if (!states.has(id)) throw new AttachmentNotFound(id, item);
    if (locked.some(({ state }) => state === 'pending')) throw new AttachmentPending();
    await manager.query(linkToBroadcastQuery, [subscriberId, broadcastId, ids]);
  }

  /** Views in the order of the ids, without those that do not exist or whose key is gone. */
  async byIds(subscriberId: string, ids: readonly string[]): Promise<AttachmentView[]> {
    const rows = await this.database.query<AttachmentRow[]>(byIdsQuery, [subscriberId, ids]);
    const views = new Map((await this.views(rows)).map((view) => [view?.id, view]));
    return ids.flatMap((id) => views.get(id) ?? []);
  }

  /** @throws ValidationFailed for more files than a message may have, and for one that is named twice */
  requireIds(ids: readonly string[]): void {
    const { filesPerMessage: limit } = this.config;
    if (ids.length > limit) {
      const message = `A message can have at most ${limit} files.`;
      throw new ValidationFailed([{ field: 'attachmentIds', code: 'too_many', message, values: { limit } }]);
    }
    if (new Set(ids).size < ids.length) {
      const message = 'attachmentIds names a file twice.';
      throw new ValidationFailed([{ field: 'attachmentIds', code: 'not_unique', message }]);
    }
  }

  /** The error for a message that names a file it cannot have, about the first such file. */
  async missingAttachment({ conversation, author, attachmentIds }: Draft): Promise<AttachmentNotFound> {
    const { id: conversationId, subscriberId, party } = conversation;
    const rows = await this.database.query<AttachmentRow[]>(byIdsQuery, [subscriberId, attachmentIds]);
    const sendable = rows.filter(
      (row) =>
        row.contact_id === conversationId &&
        row.sender === party &&
        row.author_id === (author?.id ?? null) &&
        row.seq === null &&
        ['pending', 'ready'].includes(row.state),
    );
    const found = new Set(sendable.map(({ id }) => id));
    const item = Math.max(
      0,
      attachmentIds.findIndex((id) => !found.has(id)),
    );
    return new AttachmentNotFound(attachmentIds[item]!, item);
  }

  /**
   * The bytes of a file as they are stored, for work of the service itself.
   * @throws KeyGoneError
   */
  async bytesOf(row: Sealable, part: Part = 'content'): Promise<OpenedBytes> {
    return this.contents.open(await this.contents.openKeys(row, await this.objects(row, part)));
  }

  /** @throws NotFound */
  async access(principal: Principal, id: string): Promise<AttachmentRow> {
    const [row] = isMember(principal)
      ? await this.database.query<AttachmentRow[]>(accessOfMemberQuery, [
          id,
          principal.subscriberId,
          principal.accountId,
        ])
      : await this.database.query<AttachmentRow[]>(accessOfInterlocutorQuery, [
          id,
          principal.interlocutorId,
          principal.accountId,
        ]);
    if (!row) throw new NotFound();
    return row;
  }

  /**
   * Erases a file that its uploader has not sent.
   * @returns whether there was one
   */
  eraseUnsent(subscriberId: string, id: string, accountId: string): Promise<boolean> {
    return this.fileErasures.unsent(subscriberId, id, accountId);
  }

  /** @returns in the order of the rows; undefined where the key is gone */
  async views(rows: readonly AttachmentRow[]): Promise<(AttachmentView | undefined)[]> {
    const opened = new Map<AttachmentRow, string | undefined>();
    for (const scope of ['contact', 'subscriber'] as const) {
      const these = rows.filter((row) => keyOf(row).scope === scope);
      if (these.length === 0) continue;
      const values = these.map((row) => ({ id: keyOf(row).id, sealed: row.details, context: detailsContext(row) }));
      const texts = await this.vault.openMany(scope, values);
      for (const [index, row] of these.entries()) opened.set(row, texts[index]);
    }
    return rows.map((row) => {
      const text = opened.get(row);
      return text === undefined ? undefined : viewOf(row, JSON.parse(text) as AttachmentDetails);
    });
  }

  /** Seals the part of a row that says something of its content. */
  sealDetails(attachment: Sealable, details: AttachmentDetails): Promise<Buffer> {
    return this.vault.seal(keyOf(attachment), JSON.stringify(details), detailsContext(attachment));
  }

  private objects({ subscriber_id: subscriberId, id }: Sealable, part: Part): Promise<ObjectRow[]> {
    return this.database.query<ObjectRow[]>(objectsQuery, [subscriberId, id, part]);
  }

  private rowsOfBroadcasts(places: readonly { subscriberId: string; broadcastId: string }[]): Promise<AttachmentRow[]> {
    const once = [...new Map(places.map((place) => [place.broadcastId, place])).values()];
    return this.database.query<AttachmentRow[]>(ofBroadcastsQuery, [
      once.map(({ subscriberId }) => subscriberId),
      once.map(({ broadcastId }) => broadcastId),
    ]);
  }
}

const detailsContext = ({ subscriber_id: subscriberId, id }: Sealable) => ['attachment', subscriberId, id, 'details'];

function viewOf(row: AttachmentRow, { name, waveform, duration: stated }: AttachmentDetails): AttachmentView {
  const { width, height, pages, note } = row;
  const duration = row.duration ?? stated;
  const pictures = row.state === 'ready' ? (row.pictures ?? []) : [];
  const sizeOf = (wanted: Part) => {
    const picture = pictures.find(({ part }) => part === wanted);
    return picture && { width: picture.width, height: picture.height };
  };
  const [thumbnail, display] = [sizeOf('thumbnail'), sizeOf('display')];
  return {
    id: row.id,
    name,
    mediaType: row.media_type,
    family: row.family,
    size: row.size,
    state: row.state === 'uploading' ? 'pending' : row.state,
    scanned: row.scanned,
    inline: row.inline,
    ...(width !== null && height !== null && { width, height }),
    ...(duration !== undefined && { duration }),
    ...(pages !== null && { pages }),
    ...(waveform && { waveform }),
    ...(thumbnail && { thumbnail }),
    ...(display && { display }),
    ...(note !== null && { note }),
  };
}
