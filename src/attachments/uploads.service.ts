import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { Unauthenticated } from '../auth/auth.errors.js';
import { isMember, partyOf, type Principal } from '../auth/principal.js';
import { Sessions } from '../auth/sessions.service.js';
import { ConsentRequired } from '../consents/consents.errors.js';
import { Contacts } from '../address-book/contacts.service.js';
import { Consents } from '../consents/consents.service.js';
import type { AttachmentUsage, AttachmentView } from '../contract/attachments.js';
import { limits } from '../contract/limits.js';
import type { Inspection } from '../media/inspection.js';
import { Media } from '../media/media.service.js';
import { patched, type Patch } from '../media/patches.js';
import { Scanner } from '../media/scanner.service.js';
import { type Config, CONFIG } from '../platform/config.js';
import { DomainError, NotFound, ValidationFailed } from '../platform/problems/domain-error.js';
import { defineLimit, RateLimits } from '../platform/rate-limits.js';
import { KeyGoneError } from '../platform/vault/keyring.js';
import { refuseStopped } from '../subscribers/subscribers.errors.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { Attachments } from './attachments.service.js';
import { FileEmpty, FileTooLarge, QuotaExceeded, TooManyUnsentFiles } from './attachments.errors.js';
import {
  type AttachmentDetails,
  type AttachmentRow,
  byIdsQuery,
  completeQuery,
  eraseObjectsQuery,
  insertObjectsQuery,
  insertQuery,
  type ObjectRow,
  objectsQuery,
  type Part,
  type PlaceRow,
  placeQuery,
  reserveQuery,
  unsentQuery,
  usedQuery,
} from './attachments.queries.js';
import { Contents, type SealedObject } from './contents.service.js';
import { FileErasures } from './file-erasures.service.js';
import { Scans } from './scans.service.js';

/** Conversation that a file is for, or a broadcast to come. */
export interface Purpose {
  conversationId?: string | undefined;
  broadcast?: boolean | undefined;
}

/** Facts about a file that its sender states. */
export interface Stated {
  name: string;
  duration?: number | undefined;
  waveform?: number[] | undefined;
}

/** Place of a file that is to be uploaded: those columns of its row that never change. */
export type Destination = Pick<
  AttachmentRow,
  'subscriber_id' | 'id' | 'contact_id' | 'sender' | 'author_id' | 'account_id'
>;

interface StoredObject extends SealedObject {
  part: Part;
  start: number;
  mediaType?: string;
  width?: number;
  height?: number;
}

/** A file as it is to be kept: without the metadata that were blanked, and with its pictures. */
interface Prepared {
  inspection: Inspection;
  note: string | undefined;
  objects: StoredObject[];
  /** Objects that others have replaced. */
  replaced: SealedObject[];
}

/** An upload that was interrupted more often is joined into one object. */
const mostPieces = 32;

const uploads = defineLimit('upload', {
  points: ({ uploadsPerHour }) => uploadsPerHour,
  seconds: 60 * 60,
  keyedById: true,
});

/** Takes files in, finds out what they are, and keeps them until they are sent. */
@Injectable()
export class Uploads {
  constructor(
    private readonly attachments: Attachments,
    @Inject(CONFIG) private readonly config: Config,
    private readonly consents: Consents,
    private readonly contacts: Contacts,
    private readonly contents: Contents,
    private readonly database: DataSource,
    private readonly fileErasures: FileErasures,
    private readonly media: Media,
    private readonly rateLimits: RateLimits,
    private readonly scanner: Scanner,
    private readonly scans: Scans,
    private readonly sessions: Sessions,
    private readonly subscribers: Subscribers,
  ) {}

  /** Maximum size of a file, in bytes. */
  get fileBytes(): number {
    return this.config.fileBytes;
  }

  /** @throws DomainError `rate_limited` */
  count({ accountId }: Principal): Promise<void> {
    return this.rateLimits.count(uploads, accountId);
  }

  /** @throws FileTooLarge for a file of so many bytes */
  requireSize(bytes: number): void {
    if (bytes > this.config.fileBytes) throw new FileTooLarge(this.config.fileBytes);
  }

  /**
   * Seals the bytes of a file as they arrive. The caller must then store or discard them.
   * @throws FileTooLarge, StorageFailure
   */
  take(bytes: AsyncIterable<Buffer>): Promise<SealedObject> {
    const require = (size: number) => this.requireSize(size);
    const bounded = async function* () {
      let size = 0;
      for await (const piece of bytes) {
        size += piece.length;
        require(size);
        yield piece;
      }
    };
    return this.contents.seal(bounded());
  }

  discard(objects: readonly SealedObject[]): Promise<void> {
    return this.contents.discard(objects);
  }

  /**
   * Finds where a file may go, before or after its bytes have come in.
   * @throws NotFound, ConsentRequired, ConversationRestricted, ValidationFailed
   */
  async destination(principal: Principal, { conversationId, broadcast }: Purpose): Promise<Destination> {
    requireOne({ conversationId, broadcast });
    const id = uuid();
    const { accountId } = principal;
    const author = isMember(principal) ? principal.memberId : null;
    const common = { id, sender: partyOf(principal), author_id: author, account_id: accountId };
    if (conversationId === undefined) {
      if (!isMember(principal)) throw notForInterlocutors();
      const { subscriberId } = principal;
      await this.consents.requireOfMember(principal, await this.subscribers.get(subscriberId));
      return { ...common, subscriber_id: subscriberId, contact_id: null };
    }
    const [place] = isMember(principal)
      ? await this.database.query<PlaceRow[]>(placeQuery('subscriber'), [conversationId, principal.subscriberId])
      : await this.database.query<PlaceRow[]>(placeQuery('interlocutor'), [conversationId, principal.interlocutorId]);
    if (!place) throw new NotFound();
    await this.requireConsent(principal, place);
    if (place.restricted) {
      const detail = 'This conversation is restricted, so you cannot upload files for it for now.';
      throw new DomainError('conversation_restricted', { detail });
    }
    return { ...common, subscriber_id: place.subscriber_id, contact_id: conversationId };
  }

  /**
   * Keeps a file whose bytes have come in whole. When it rejects, its object is left to the caller.
   * @throws FileEmpty, QuotaExceeded, TooManyUnsentFiles, NotFound, Unauthenticated
   */
  async store(
    principal: Principal,
    destination: Destination,
    object: SealedObject,
    stated: Stated,
  ): Promise<AttachmentView> {
    if (object.size === 0) throw new FileEmpty();
    const prepared = await this.prepare(destination, [object], stated.name);
    const made = prepared.objects.filter(({ id }) => id !== object.id);
    try {
      // A session that expired while the bytes came in is no session.
      if (!(await this.sessions.expiryOf(principal.sessionId, undefined))) throw new Unauthenticated();
      await this.database.transaction(async (manager) => {
        await this.reserve(manager, destination, object.size);
        await this.insert(manager, destination, { size: object.size, stated, resumable: false });
        await this.complete(manager, destination, prepared);
      });
    } catch (error) {
      await this.contents.discard(made);
      throw error instanceof KeyGoneError ? new NotFound() : error;
    }
    await this.contents.discard(prepared.replaced);
    return this.view(destination);
  }

  /**
   * Begins a resumable upload, whose bytes come in later.
   * @throws FileEmpty, FileTooLarge, QuotaExceeded, TooManyUnsentFiles, NotFound
   */
  async begin(destination: Destination, size: number, stated: Stated): Promise<void> {
    if (size === 0) throw new FileEmpty();
    this.requireSize(size);
    try {
      await this.database.transaction(async (manager) => {
        await this.reserve(manager, destination, size);
        await this.insert(manager, destination, { size, stated, resumable: true });
      });
    } catch (error) {
      throw error instanceof KeyGoneError ? new NotFound() : error;
    }
  }

  /** Adds a piece to a resumable upload. When it rejects, its object is left to the caller. */
  addPiece(destination: Destination, start: number, object: SealedObject): Promise<void> {
    const piece = { ...object, part: 'content', start } as const;
    return this.database
      .transaction((manager) => this.insertObjects(manager, destination, [piece]))
      .catch((error: unknown) => {
        throw error instanceof KeyGoneError ? new NotFound() : error;
      });
  }

  /**
   * Ends a resumable upload whose bytes have come in whole.
   * @throws StorageFailure, NotFound
   */
  async finish(destination: Destination, name: string): Promise<void> {
    const { subscriber_id: subscriberId, id } = destination;
    const rows = await this.database.query<ObjectRow[]>(objectsQuery, [subscriberId, id, 'content']);
    const objects = await this.contents.openKeys(destination, rows);
    const pieces = await this.joinPieces(objects);
    const before = new Set(objects.map((object) => object.id));
    let prepared: Prepared | undefined;
    try {
      prepared = await this.prepare(destination, pieces, name);
      const kept = new Set(prepared.objects.map((object) => object.id));
      const { inspection, note, objects: all } = prepared;
      await this.database.transaction(async (manager) => {
        const gone = objects.filter((object) => !kept.has(object.id));
        const made = all.filter((object) => !before.has(object.id));
        await this.complete(manager, destination, { inspection, note, objects: made, replaced: gone });
        if (gone.length > 0) await this.fileErasures.plan(manager);
      });
      await this.contents.discard(pieces.filter((object) => !before.has(object.id) && !kept.has(object.id)));
    } catch (error) {
      const made = new Map([...pieces, ...(prepared?.objects ?? [])].map((object) => [object.id, object]));
      for (const known of before) made.delete(known);
      await this.contents.discard([...made.values()]);
      throw error instanceof KeyGoneError ? new NotFound() : error;
    }
  }

  /** Joins a file of many pieces, of which each read would open many. */
  private async joinPieces(objects: SealedObject[]): Promise<SealedObject[]> {
    if (objects.length <= mostPieces) return objects;
    return [await this.contents.seal(this.contents.open(objects).range())];
  }

  /** Room that files may take, with what is taken for a member. */
  async usage(principal: Principal): Promise<AttachmentUsage> {
    const { fileBytes, filesPerMessage, storageBytesPerSubscriber: allowedBytes } = this.config;
    const common = { fileBytes, filesPerMessage };
    if (!isMember(principal)) return common;
    const [{ used }] = await this.database.query<[{ used: number }]>(usedQuery, [principal.subscriberId]);
    return { ...common, usedBytes: used, allowedBytes };
  }

  /**
   * Reserves room in the subscriber's quota. It locks the subscriber's row of usage, so that files of an account are counted
   * one after the other.
   * @throws QuotaExceeded, TooManyUnsentFiles
   */
  private async reserve(manager: EntityManager, destination: Destination, bytes: number): Promise<void> {
    const { subscriber_id: subscriberId, account_id: accountId, sender } = destination;
    const { storageBytesPerSubscriber: allowed } = this.config;
    const reserved = await manager.query<unknown[]>(reserveQuery, [subscriberId, bytes, allowed]);
    if (reserved.length === 0) throw new QuotaExceeded(sender, allowed);
    const [{ unsent }] = await manager.query<[{ unsent: number }]>(unsentQuery, [subscriberId, accountId]);
    if (unsent >= limits.unsentFilesPerAccount) throw new TooManyUnsentFiles();
  }

  private async insert(
    manager: EntityManager,
    destination: Destination,
    { size, stated, resumable }: { size: number; stated: Stated; resumable: boolean },
  ): Promise<void> {
    await this.requireContact(manager, destination);
    const { name, duration, waveform } = stated;
    const details: AttachmentDetails = {
      name,
      ...(duration !== undefined && { duration }),
      ...(waveform && { waveform }),
    };
    await manager.query(insertQuery, [
      destination.subscriber_id,
      destination.id,
      destination.contact_id,
      destination.sender,
      destination.author_id,
      destination.account_id,
      resumable,
      size,
      await this.attachments.sealDetails(destination, details),
    ]);
  }

  /**
   * Holds the contact that a file is for until the transaction ends, so that nothing is stored for one that is being erased.
   * @throws NotFound
   */
  private async requireContact(manager: EntityManager, { subscriber_id, contact_id: id }: Destination): Promise<void> {
    if (id !== null && !(await this.contacts.keepFromErasure(manager, subscriber_id, id))) throw new NotFound();
  }

  /** Looks into a file, blanks what tells of places and cameras, and draws its pictures. */
  private async prepare(
    { account_id: asker }: Destination,
    objects: readonly SealedObject[],
    name: string,
  ): Promise<Prepared> {
    const made: SealedObject[] = [];
    try {
      const inspection = await this.media.inspect({ ...this.contents.open(objects), asker }, name);
      const kept: StoredObject[] = [];
      const replaced: SealedObject[] = [];
      let start = 0;
      for (const object of objects) {
        const resealed = await this.withoutMetadata(object, start, inspection.patches);
        if (resealed !== object) {
          made.push(resealed);
          replaced.push(object);
        }
        kept.push({ ...resealed, part: 'content', start });
        start += object.size;
      }
      const { thumbnail, display, note } = await this.media.renditions(
        { ...this.contents.open(kept), asker },
        inspection,
      );
      for (const [part, picture] of Object.entries({ thumbnail, display })) {
        if (!picture) continue;
        const { bytes, mediaType, width, height } = picture;
        const object = await this.contents.seal(inOnePiece(bytes));
        made.push(object);
        kept.push({ ...object, part: part as Part, start: 0, mediaType, width, height });
      }
      return { inspection, note: inspection.note ?? note, objects: kept, replaced };
    } catch (error) {
      await this.contents.discard(made);
      throw error;
    }
  }

  /** The object itself where nothing of it is blanked. */
  private async withoutMetadata(object: SealedObject, start: number, patches: readonly Patch[]): Promise<SealedObject> {
    const own = patches.filter(({ offset, length }) => offset < start + object.size && offset + length > start);
    if (own.length === 0) return object;
    const pieces = this.contents.open([object]).range();
    const blanked = async function* () {
      let at = start;
      for await (const piece of pieces) {
        yield patched(piece, at, own);
        at += piece.length;
      }
    };
    return this.contents.seal(blanked());
  }

  /** Writes down what a file turned out to be. */
  private async complete(
    manager: EntityManager,
    destination: Destination,
    { inspection, note, objects, replaced }: Prepared,
  ): Promise<void> {
    const { subscriber_id: subscriberId, id } = destination;
    const { family, mediaType, inline, width, height, durationMs, pages } = inspection;
    if (replaced.length > 0) await manager.query(eraseObjectsQuery, [subscriberId, replaced.map(({ id }) => id)]);
    await manager.query(completeQuery, [
      subscriberId,
      id,
      this.scanner.configured ? 'pending' : 'ready',
      family,
      mediaType,
      inline,
      width,
      height,
      durationMs === undefined ? undefined : Math.round(durationMs),
      pages,
      note,
    ]);
    await this.insertObjects(manager, destination, objects);
    if (this.scanner.configured) await this.scans.plan(manager, { subscriberId, attachmentId: id });
  }

  private async insertObjects(
    manager: EntityManager,
    destination: Destination,
    objects: readonly StoredObject[],
  ): Promise<void> {
    await this.requireContact(manager, destination);
    await manager.query(insertObjectsQuery, [
      destination.subscriber_id,
      objects.map(({ id }) => id),
      destination.id,
      objects.map(({ part }) => part),
      objects.map(({ start }) => start),
      objects.map(({ size }) => size),
      await Promise.all(objects.map((object) => this.contents.sealKey(destination, object))),
      objects.map(({ mediaType }) => mediaType),
      objects.map(({ width }) => width),
      objects.map(({ height }) => height),
    ]);
  }

  private async view({ subscriber_id: subscriberId, id }: Destination): Promise<AttachmentView> {
    const rows = await this.database.query<AttachmentRow[]>(byIdsQuery, [subscriberId, [id]]);
    const [view] = await this.attachments.views(rows);
    if (!view) throw new NotFound();
    return view;
  }

  private async requireConsent(principal: Principal, place: PlaceRow): Promise<void> {
    refuseStopped({ pausedAt: place.paused_at, closingAskedAt: place.closing_asked_at });
    if (isMember(principal)) {
      const { terms_version: termsVersion, privacy_version: privacyVersion } = place;
      this.consents.requireAcceptance({ termsVersion, privacyVersion });
      if (!(await this.consents.hasAccepted(principal))) throw new ConsentRequired();
    } else if (place.contact_privacy < this.consents.versionsToAccept().contact.privacy) throw new ConsentRequired();
  }
}

async function* inOnePiece(bytes: Buffer): AsyncGenerator<Buffer, void, undefined> {
  yield bytes;
}

/** @throws ValidationFailed unless a file is for a conversation or for a broadcast */
function requireOne({ conversationId, broadcast }: Purpose): void {
  if ((conversationId !== undefined) !== (broadcast === true)) return;
  const both = conversationId !== undefined;
  const message = both
    ? 'A file is for a conversation or for a broadcast. Send conversationId or broadcast, not both.'
    : 'Say where the file is for: send conversationId, or broadcast=true.';
  throw new ValidationFailed([{ field: 'conversationId', code: both ? 'exclusive' : 'required', message }]);
}

const notForInterlocutors = () =>
  new ValidationFailed([
    { field: 'broadcast', code: 'not_for_interlocutors', message: 'Only members of the business can send broadcasts.' },
  ]);
