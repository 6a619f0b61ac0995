import type { Patch } from './patches.js';

export const families = ['image', 'audio', 'video', 'pdf', 'document', 'text', 'archive', 'other'] as const;

export type Family = (typeof families)[number];

/** Reasons why less is made of a file than of others of its kind. */
export const notes = {
  active_content: 'The file could run something when it is opened, so it is only ever downloaded.',
  damaged: 'The file is damaged or incomplete.',
  encrypted: 'The file can be opened only with a password.',
  no_preview: 'There is no preview of files of this kind.',
  preview_failed: 'A preview could not be made of this file.',
  too_large: 'The file is too large for a preview.',
  too_complex: 'The file has too many parts for a preview.',
} as const;

export type Note = keyof typeof notes;

/** A file as its content shows it; its name has no say in it. */
export interface Inspection {
  /** The true type, for views; it is not what the bytes are sent as. */
  mediaType: string;
  /** The header `Content-Type` to send the bytes with: `application/octet-stream` for what a browser could run. */
  contentType: string;
  family: Family;
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
  note?: Note;
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
  note?: Note;
}
