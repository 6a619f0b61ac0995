import type { HttpRequest, Upload as TusUpload } from 'tus-js-client';
import type { AttachmentUsage, AttachmentView, FileFamily } from '../../src/contract/attachments.js';
import type { Problem } from '../../src/contract/errors.js';
import { limits } from '../../src/contract/limits.js';
import type { LocalFile, QueuedFile } from '../../client/index.js';
import { api, appName, ask, Refused, Unanswered } from '../api/index.js';
import { session } from '../sync/session.svelte.js';
import { type AboutFile, upload } from '../sync/uploads.js';
import { inWords } from '../words/errors.js';
import { size } from '../words/forms.js';
import { talk } from '../words/talk.js';
import { updates } from '../worker/updates.svelte.js';
import { fitted, pictureQuality, renamed, sentAs } from './rules/pictures.js';

/*
 * Files on their way to a message. Everything that knows how a file gets from this device to the service stands here; the
 * composer sees cards, and sends the ids of those that are ready.
 */

/** Files beyond this size are uploaded in pieces, so that they can go on after an interruption, in bytes. */
const inOnePiece = 8 * 1024 * 1024;
const pieceSize = 4 * 1024 * 1024;

export interface Recorded {
  /** Milliseconds. */
  duration: number;
  waveform: number[];
}

/** Largest file that may wait on this device for the network, in bytes. */
const queuedBytes = 10 * 1000 * 1000;

/** `waiting`: the network is gone, and its message can be sent nevertheless: the outbox uploads the file. */
export type CardState = 'preparing' | 'uploading' | 'waiting' | 'ready' | 'failed';

/** One file that is to be sent. */
export class Card {
  readonly key = crypto.randomUUID();
  state = $state<CardState>('preparing');
  name = $state('');
  /** Size in bytes, and how many are sent. */
  size = $state(0);
  sent = $state(0);
  family = $state<FileFamily>('other');
  /** A sentence about what went wrong. */
  problem = $state<string>();
  /** A sentence that it is sent in another way than one might expect. */
  note = $state<string>();
  /** Its picture, if there is one. */
  preview = $state<string>();
  view = $state.raw<AttachmentView>();
  /** The same again may succeed. */
  canRetry = $state(false);
  abort: (() => void) | undefined;
  /** The file as it is sent. */
  prepared: File | undefined;

  constructor(
    readonly file: File | undefined,
    readonly recorded?: Recorded,
  ) {
    if (!file) return;
    this.name = file.name;
    this.size = file.size;
    this.family = familyOf(file.type);
  }
}

/** Files of a conversation, or of a broadcast, that are being uploaded or are ready; they go on while another one is shown. */
export class Uploads {
  cards = $state<Card[]>([]);
  /** Sentences about refused files. */
  refusals = $state<string[]>([]);
  private readonly ends = new Map<string, () => void>();

  constructor(
    /** Missing for a broadcast. */
    private readonly conversationId: string | undefined,
    private readonly changed: () => void,
  ) {}

  get isBusy(): boolean {
    return this.cards.some(({ state }) => state === 'preparing' || state === 'uploading');
  }

  /** Files that the outbox uploads once it can. */
  get waiting(): LocalFile[] {
    return this.cards.flatMap(({ state, prepared, recorded }) => {
      if (state !== 'waiting' || !prepared) return [];
      const { name, size, type } = prepared;
      const about: AboutFile = { name, size, type, ...(recorded && { recording: recorded }) };
      return [{ about, file: prepared }];
    });
  }

  get ready(): string[] {
    return this.cards.flatMap(({ view }) => (view ? [view.id] : []));
  }

  /** Takes files; what is wrong with some of them is said, and keeps no other from being taken. */
  async add(files: readonly File[], recorded?: Recorded): Promise<void> {
    this.refusals = [];
    const { fileBytes, filesPerMessage } = await usage();
    for (const file of files) {
      const refusal =
        this.cards.length >= filesPerMessage
          ? talk.upload.tooMany(filesPerMessage)
          : file.size === 0
            ? talk.upload.empty(file.name)
            : // A photograph becomes smaller before it is sent.
              file.size > fileBytes && !sentAs(file.type, file.size)
              ? talk.upload.tooLarge(file.name, size(fileBytes))
              : undefined;
      if (refusal) {
        if (!this.refusals.includes(refusal)) this.refusals.push(refusal);
        continue;
      }
      const card = new Card(file, recorded);
      this.cards.push(card);
      void this.upload(this.cards.at(-1)!);
    }
  }

  /** Takes a card out. What was uploaded already is deleted. */
  remove(card: Card): void {
    card.abort?.();
    this.forget(card);
    if (card.view) {
      const { id } = card.view;
      // It would go by itself after a day.
      void ask(api.DELETE('/api/attachments/{id}', { params: { path: { id } } })).catch(() => undefined);
      void keepView(id, undefined);
    }
    this.changed();
  }

  retry(card: Card): void {
    void this.upload(card);
  }

  /** The cards were sent: their message has them now. */
  sent(): void {
    this.cards = this.cards.filter(({ view, state }) => !view && state !== 'waiting');
    this.refusals = [];
  }

  /** Takes files back that were queued with a message. */
  async putBack(files: readonly LocalFile[]): Promise<void> {
    for (const { file, about } of files) {
      if (file instanceof File) await this.add([file], (about as AboutFile).recording);
    }
  }

  /** The network is back. */
  resume(): void {
    for (const card of this.cards) if (card.state === 'waiting') void this.upload(card);
  }

  /** Shows the files of a draft: those that this page uploaded, or that were kept before it was loaded. */
  async restore(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      if (this.ready.includes(id)) continue;
      const view = knownView(id) ?? (await keptView(id));
      if (this.ready.includes(id)) continue;
      const card = new Card(undefined);
      card.state = view ? 'ready' : 'failed';
      card.name = view?.name ?? talk.files.kinds.other;
      card.size = card.sent = view?.size ?? 0;
      card.family = view?.family ?? 'other';
      card.view = view;
      if (!view) card.problem = talk.upload.lost;
      this.cards.push(card);
    }
  }

  private forget(card: Card): void {
    this.ends.get(card.key)?.();
    this.ends.delete(card.key);
    if (card.preview) URL.revokeObjectURL(card.preview);
    this.cards = this.cards.filter(({ key }) => key !== card.key);
  }

  private async upload(card: Card): Promise<void> {
    if (!card.file) return;
    this.ends.get(card.key)?.();
    this.ends.set(card.key, updates.begin());
    const aborted = new AbortController();
    card.abort = () => aborted.abort();
    card.state = 'preparing';
    card.problem = undefined;
    card.sent = 0;
    try {
      const file = (card.prepared ??= await prepared(card));
      if (aborted.signal.aborted) return;
      const { fileBytes } = await usage();
      if (file.size > fileBytes) throw new TooLarge(talk.upload.tooLarge(file.name, size(fileBytes)));
      card.name = file.name;
      card.size = file.size;
      card.state = 'uploading';
      const way = file.size > inOnePiece ? inPieces : whole;
      const fields = { conversationId: this.conversationId, recording: card.recorded };
      const view = await way(file, fields, aborted.signal, (sent) => (card.sent = sent));
      views.set(view.id, view);
      await keepView(view.id, view);
      if (card.preview) pictures.set(view.id, card.preview);
      card.view = view;
      card.sent = card.size;
      card.state = 'ready';
      this.changed();
    } catch (error) {
      if (aborted.signal.aborted) return;
      if (error instanceof Unanswered && card.prepared && card.prepared.size <= queuedBytes) {
        card.state = 'waiting';
        return;
      }
      card.state = 'failed';
      card.problem = error instanceof TooLarge ? error.message : inWords(error);
      card.canRetry = !(error instanceof TooLarge);
    } finally {
      this.ends.get(card.key)?.();
      this.ends.delete(card.key);
    }
  }
}

class TooLarge extends Error {}

const all = new Map<string, Uploads>();

/** The files of one conversation. */
export function uploadsOf(conversationId: string, changed: () => void): Uploads {
  const there = all.get(conversationId);
  if (there) return there;
  const uploads = new Uploads(conversationId, changed);
  all.set(conversationId, uploads);
  return uploads;
}

/** Views and pictures of what this page has uploaded, for messages that are on their way. */
const views = new Map<string, AttachmentView>();
const pictures = new Map<string, string>();

export const knownView = (id: string): AttachmentView | undefined => views.get(id);
export const ownPicture = (id: string): string | undefined => pictures.get(id);

const viewKey = (id: string) => `upload/${id}`;

async function keptView(id: string): Promise<AttachmentView | undefined> {
  const view = (await session.device.get(viewKey(id)).catch(() => undefined)) as AttachmentView | undefined;
  if (view) views.set(id, view);
  return view;
}

/** A draft that is opened again shows its files; this device keeps what they are, and not their content. */
async function keepView(id: string, view: AttachmentView | undefined): Promise<void> {
  await session.device.put([[viewKey(id), view]]).catch(() => undefined);
}

/** The files that a message waits with: uploaded ones as far as this device knows them, then those that are still here. */
export async function outgoingFiles(ids: readonly string[], queued: readonly QueuedFile[]): Promise<AttachmentView[]> {
  const uploaded = await Promise.all(ids.map(async (id) => knownView(id) ?? (await keptView(id))));
  const here = await Promise.all(
    queued.map(async ({ id, about }): Promise<AttachmentView> => {
      const { name, size: bytes, type, recording } = about as AboutFile;
      if (type.startsWith('image/') && !pictures.has(id)) {
        const file = await session.engine.outbox.file(id).catch(() => undefined);
        if (file instanceof Blob) pictures.set(id, URL.createObjectURL(file));
      }
      return {
        ...{ id, name, mediaType: type, family: familyOf(type), size: bytes, state: 'ready', scanned: false },
        ...{ inline: false, ...(recording && { duration: recording.duration }) },
      };
    }),
  );
  return [...uploaded.filter((view) => view !== undefined), ...here];
}

/** Forgets what was kept of files whose message is stored. */
export async function forgetViews(ids: readonly string[]): Promise<void> {
  await session.device.put(ids.map((id) => [viewKey(id), undefined] as const)).catch(() => undefined);
}

let asked: Promise<AttachmentUsage> | undefined;

/** The limits in force; those of the contract while nobody answers. */
export async function usage(): Promise<AttachmentUsage> {
  asked ??= ask(api.GET('/api/attachments/usage'));
  try {
    return await asked;
  } catch {
    asked = undefined;
    return { fileBytes: limits.fileBytes, filesPerMessage: limits.filesPerMessage };
  }
}

/** A picture in a size for screens, turned upright, without the place where it was taken; any other file as it is. */
async function prepared(card: Card): Promise<File> {
  const file = card.file!;
  const type = sentAs(file.type || typeOfName(file.name), file.size);
  if (!type) {
    if (file.type === 'image/gif') card.preview ??= URL.createObjectURL(file);
    return file;
  }
  try {
    const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' });
    const { width, height } = fitted(bitmap.width, bitmap.height);
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext('2d')!;
    if (type === 'image/jpeg') {
      context.fillStyle = '#fff';
      context.fillRect(0, 0, width, height);
    }
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, width, height);
    bitmap.close();
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, type, pictureQuality));
    if (!blob) throw new Error('the canvas is empty');
    const picture = new File([blob], renamed(file.name, type), { type });
    card.preview ??= URL.createObjectURL(picture);
    card.family = 'image';
    return picture;
  } catch {
    card.note = talk.upload.asFile;
    return file;
  }
}

/** Some systems give no type for the photos of an iPhone. */
const typeOfName = (name: string) => (/\.hei[cf]$/i.test(name) ? 'image/heic' : '');

type Fields = { conversationId: string | undefined; recording: Recorded | undefined };
type Way = (
  file: File,
  fields: Fields,
  signal: AbortSignal,
  progress: (sent: number) => void,
) => Promise<AttachmentView>;

/** As one form. */
const whole: Way = (file, { conversationId, recording }, signal, progress) =>
  upload({
    ...{ conversationId, file, signal, ...(recording && { recording }) },
    onProgress: (part) => progress(Math.round(part * file.size)),
  });

/** Addresses of uploads that were interrupted, so that another attempt goes on there. */
const interrupted = new WeakMap<File, string>();

/** In pieces, by tus 1.0: an interruption costs the piece that was under way. */
const inPieces: Way = async (file, { conversationId, recording }, signal, progress) => {
  const { Upload } = await import('tus-js-client');
  let upload: TusUpload | undefined;
  const begun = interrupted.get(file);
  signal.addEventListener('abort', () => {
    interrupted.delete(file);
    void upload?.abort(true).catch(() => undefined);
  });
  await new Promise<void>((resolve, reject) => {
    upload = new Upload(file, {
      endpoint: '/api/attachments/uploads',
      // One that the service has given up meanwhile begins anew.
      ...(begun && { uploadUrl: begun }),
      chunkSize: pieceSize,
      retryDelays: [500, 1_000, 3_000, 5_000, 10_000, 20_000, 30_000],
      headers: { 'X-Colloquio-App': appName },
      metadata: {
        filename: file.name,
        ...(conversationId === undefined ? { broadcast: 'true' } : { conversationId }),
        ...(recording && {
          duration: String(recording.duration),
          waveform: JSON.stringify(recording.waveform),
        }),
      },
      // Nothing about a file is left in the browser in clear.
      storeFingerprintForResuming: false,
      removeFingerprintOnSuccess: true,
      onProgress: (sent) => progress(sent),
      onUploadUrlAvailable: () => void interrupted.set(file, upload!.url!),
      onShouldRetry: (error) => {
        const status = error.originalResponse?.getStatus() ?? 0;
        return status === 0 || status === 409 || status === 423 || status === 429 || status >= 500;
      },
      onBeforeRequest: (request: HttpRequest) => {
        const underlying = request.getUnderlyingObject() as XMLHttpRequest;
        underlying.withCredentials = true;
      },
      onError: (error) => {
        const answer = 'originalResponse' in error ? error.originalResponse?.getBody() : undefined;
        reject(refusal(parsed(answer ?? '')));
      },
      onSuccess: () => resolve(),
    });
    upload.start();
  });
  // The service says nothing of what it has found in the file; that comes with the message.
  return {
    id: upload!.url!.split('/').at(-1)!,
    name: file.name,
    mediaType: file.type || 'application/octet-stream',
    family: familyOf(file.type),
    size: file.size,
    ...{ state: 'ready', scanned: false, inline: false },
  };
};

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusal(answer: unknown): Error {
  const problem = answer as Partial<Problem> | undefined;
  return typeof problem?.code === 'string' ? new Refused(problem as Problem) : new Unanswered('no answer');
}

/** The family of a file by the type that its system gives it; the service looks at the content itself. */
export function familyOf(type: string): FileFamily {
  const [family] = type.split('/');
  if (family === 'image' || family === 'audio' || family === 'video' || family === 'text') return family;
  if (type === 'application/pdf') return 'pdf';
  if (/zip|compressed|x-tar/.test(type)) return 'archive';
  return /word|excel|sheet|presentation|opendocument|document/.test(type) ? 'document' : 'other';
}
