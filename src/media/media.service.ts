import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { parseBlob } from 'music-metadata';
import { limits } from '../contract/limits.js';
import type { ByteSource } from './byte-source.js';
import type { DrawingJob } from './drawing-jobs.js';
import { DrawingProcess } from './drawing-process.js';
import type { Findings } from './formats/findings.js';
import { readGif } from './formats/gif.js';
import { readHeif } from './formats/heif.js';
import { readJpeg } from './formats/jpeg.js';
import { readMatroska } from './formats/matroska.js';
import { readMp4 } from './formats/mp4.js';
import { readPng } from './formats/png.js';
import { readWav } from './formats/wav.js';
import { readWebp } from './formats/webp.js';
import type { Inspection, Renditions } from './inspection.js';
import { type Kind, kindOf } from './kinds.js';
import { inOrder } from './patches.js';
import { BudgetSpent, Reader, SourceFailed } from './reader.js';

type Facts = Findings & { pages?: number; active?: boolean; mediaType?: string; family?: Inspection['family'] } & Pick<
    Inspection,
    'note'
  >;

/** Pictures of which the whole is in memory at once when they are drawn; others are drawn line by line. */
const mostPixels = 40_000_000;
/** The same of a JPEG whose lines come one after another, as cameras write them. */
const mostPixelsInLines = 210_000_000;
/** A progressive JPEG has some ten scans, each of which is drawn over all pixels. */
const mostScans = 100;
const mostFrames = 150;
const mostPixelsOfFrames = 60_000_000;
const displaySide = 2048;
/** A picture that fits the screen and is no larger is shown as it is. */
const smallBytes = 1024 ** 2;
const smallAnimationBytes = 8 * 1024 ** 2;
const longestMs = 7 * 24 * 60 * 60 * 1000;
const octets = 'application/octet-stream';

/** Finds out what files are, and makes thumbnails and pictures for the screen of them. */
@Injectable()
export class Media implements OnModuleDestroy {
  private readonly opening = new DrawingProcess({ milliseconds: 8_000, waiting: 1_000 });
  private readonly drawing = new DrawingProcess({ milliseconds: 15_000, waiting: 10_000 });

  onModuleDestroy(): void {
    this.opening.stop();
    this.drawing.stop();
  }

  /**
   * Tells what a file is by its content. It never throws because of the content; only because of a source that fails.
   * @param name as the sender gave it; it can only make less of a file than its content does
   */
  async inspect(source: ByteSource, name: string): Promise<Inspection> {
    const reader = new Reader(source);
    let kind: Kind = { mediaType: octets, family: 'other', inline: false };
    let facts: Facts = { patches: [] };
    try {
      kind = await kindOf(reader, name);
      facts = await this.factsOf(kind, reader, source);
    } catch (error) {
      if (error instanceof SourceFailed) throw error.cause;
      // Structures that ask for too much work, or that a parser does not get through: kept, but only as a download.
      facts = { patches: [], note: error instanceof BudgetSpent ? 'too_complex' : 'damaged' };
      kind = { ...kind, inline: false, ...(kind.family !== 'archive' && { family: 'other' as const }) };
    }
    const { pages, durationMs } = facts;
    const mediaType = facts.mediaType ?? kind.mediaType;
    const family = facts.family ?? kind.family;
    const { width, height } = within(facts);
    const inline = kind.inline && !facts.active;
    const note =
      facts.note ??
      (facts.active || kind.active ? ('active_content' as const) : facts.damaged ? ('damaged' as const) : undefined);
    return {
      mediaType,
      family,
      inline,
      ...(width !== undefined && { width, height }),
      ...(durationMs !== undefined && { durationMs }),
      ...(pages !== undefined && { pages }),
      patches: inOrder(facts.patches, source.size),
      ...(note && { note }),
    };
  }

  /**
   * Draws the thumbnail and the display size, one file after another, those of accounts in turns. It never throws because of the content.
   * @throws DomainError `rate_limited` when very many files wait; whatever the source fails with
   */
  async renditions(source: ByteSource, { family, mediaType, note, inline }: Inspection): Promise<Renditions> {
    if (family !== 'image' && family !== 'pdf') return {};
    if (note === 'too_complex' || note === 'encrypted') return { note };
    if (family === 'image' && !inline) return { note: 'no_preview' };
    if (source.size > limits.previewBytes) return { note: 'too_large' };
    const job =
      family === 'pdf' ? { kind: 'pdf page' as const, size: source.size } : await this.pictureJob(source, mediaType);
    if (!('kind' in job)) return job;
    const {
      thumbnail,
      display,
      note: failed,
    } = (await this.drawing.run(job, source)) ?? { note: 'preview_failed' as const };
    return { ...(thumbnail && { thumbnail }), ...(display && { display }), ...(failed && { note: failed }) };
  }

  private async pictureJob(source: ByteSource, mediaType: string): Promise<DrawingJob | Renditions> {
    const facts = await pictureFacts(new Reader(source), mediaType).catch(() => undefined);
    const { width = 0, height = 0, frames = 1, scans = 0 } = facts ?? {};
    if (width === 0 || height === 0) return { note: 'damaged' };
    if (scans > mostScans) return { note: 'too_complex' };
    const inLines = mediaType === 'image/jpeg' && scans === 1;
    if (width * height > (inLines ? mostPixelsInLines : mostPixels)) return { note: 'too_large' };
    const small = Math.max(width, height) <= displaySide;
    const animated = frames > 1;
    const fits = small && source.size <= (animated ? smallAnimationBytes : smallBytes) && mediaType !== 'image/avif';
    const drawnFrames = Math.min(frames, mostFrames, Math.floor(mostPixelsOfFrames / (width * height)));
    const display = fits ? 'none' : animated && drawnFrames > 1 ? 'animated' : 'still';
    return { kind: 'picture', size: source.size, frames: Math.max(1, drawnFrames), display };
  }

  private async factsOf(kind: Kind, reader: Reader, source: ByteSource): Promise<Facts> {
    const { mediaType, family } = kind;
    if (family === 'image') {
      const facts: Facts = await pictureFacts(reader, mediaType);
      return { ...facts, ...(mediaType === 'image/heic' && !facts.damaged && { note: 'no_preview' as const }) };
    }
    if (family === 'pdf') return this.pdfFacts(source);
    if (family !== 'audio' && family !== 'video') return { patches: [] };
    if (mediaType === 'video/webm' || mediaType === 'video/x-matroska' || mediaType === 'audio/webm') {
      const facts = await readMatroska(reader);
      return facts.video || !facts.audio
        ? facts
        : { ...facts, mediaType: mediaType.replace('video/', 'audio/'), family: 'audio' };
    }
    if (['video/mp4', 'audio/mp4', 'video/quicktime', 'video/3gpp'].includes(mediaType)) {
      const facts = await readMp4(reader);
      // A recording in a container that its first words call a video.
      return facts.video || !facts.audio
        ? facts
        : { ...facts, mediaType: mediaType.replace('video/', 'audio/').replace('quicktime', 'mp4'), family: 'audio' };
    }
    if (mediaType === 'audio/wav') return readWav(reader);
    return family === 'audio' ? soundFacts(reader) : { patches: [] };
  }

  private async pdfFacts(source: ByteSource): Promise<Facts> {
    if (source.size > limits.previewBytes) return { patches: [], note: 'too_large', active: true };
    const opened = await this.opening.run({ kind: 'pdf facts', size: source.size }, source).catch((cause: unknown) => {
      throw new SourceFailed('', { cause });
    });
    const { pages, active, note } = opened ?? {
      // Nobody knows what a file would do that takes its reader down.
      active: true,
      note: 'preview_failed' as const,
    };
    return { patches: [], pages, active, note };
  }
}

async function pictureFacts(reader: Reader, mediaType: string): Promise<Findings> {
  switch (mediaType) {
    case 'image/jpeg':
      return readJpeg(reader);
    case 'image/png':
      return readPng(reader);
    case 'image/gif':
      return readGif(reader);
    case 'image/webp':
      return readWebp(reader);
    default:
      return readHeif(reader);
  }
}

/** Duration of a recording, where its format tells or it is short enough to be read through. */
async function soundFacts(reader: Reader): Promise<Facts> {
  try {
    const { format } = await parseBlob(reader.asBlob(), { duration: true, skipCovers: true, skipPostHeaders: true });
    const ms = Math.round((format.duration ?? 0) * 1000);
    return { patches: [], ...(ms > 0 && ms <= longestMs && { durationMs: ms }) };
  } catch (error) {
    if (error instanceof SourceFailed) throw error;
    // A recording without a duration is one all the same.
    return { patches: [], damaged: true };
  }
}

/** Sizes that no picture has are no help to anybody. */
function within({ width, height }: Findings): { width?: number; height?: number } {
  return width && height && Math.max(width, height) <= 65_535 * 16 ? { width, height } : {};
}
