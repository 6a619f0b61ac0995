import type { Patch } from '../patches.js';

/** Facts that the structure of a picture, a video or a recording shows. */
export interface Findings {
  width?: number;
  height?: number;
  durationMs?: number;
  /** Frames of an animation, of which a still picture has one. */
  frames?: number;
  /** Scans of a JPEG. */
  scans?: number;
  /** The structure breaks off, or goes on in a way that no decoder understands. */
  damaged?: true;
  patches: Patch[];
}

export const zeros = (offset: number, length: number): Patch => ({ offset, length, start: Buffer.alloc(0) });

/** Writes so much of the bytes as fits, and zeros after them. */
export const replaced = (offset: number, length: number, bytes: Buffer): Patch => ({
  offset,
  length,
  start: bytes.length <= length ? bytes : Buffer.alloc(0),
});
