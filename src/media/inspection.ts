import type { FileFamily, FileNote } from '../contract/attachments.js';
import type { Patch } from './patches.js';

/** A file as its content shows it; its name has no say in it. */
export interface Inspection {
  mediaType: string;
  family: FileFamily;
  /** A browser may show it in its place; everything else is only downloaded. */
  inline: boolean;
  /** Pixels, upright as it is shown; images and videos. */
  width?: number;
  height?: number;
  /** Audio and video. */
  durationMs?: number;
  /** PDF. */
  pages?: number;
  /** Overwrites what tells of places, cameras and programs, and what hides behind a picture; in order, none over another. */
  patches: Patch[];
  note?: FileNote;
}

export interface Rendition {
  bytes: Buffer;
  mediaType: string;
  /** Pixels. */
  width: number;
  height: number;
}

export interface Renditions {
  /** At most 320 pixels a side. */
  thumbnail?: Rendition;
  /** At most 2,048 pixels a side; absent where the file itself is shown. */
  display?: Rendition;
  /** The reason why there is none. */
  note?: FileNote;
}
