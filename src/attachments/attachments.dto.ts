import { Type } from 'class-transformer';
import { IsIn } from 'class-validator';
import { type AttachmentState, attachmentStates, type FileFamily, fileFamilies } from '../contract/attachments.js';
import type * as wire from '../contract/index.js';

/** Size of a picture, in pixels. */
export class PictureSize implements wire.PictureSize {
  width: number;
  height: number;
}

/** A file of a message, as it is known before its bytes are loaded. */
export class AttachmentView implements wire.AttachmentView {
  id: string;
  /** Name that its sender gave it. */
  name: string;
  /** Type found in the content. */
  mediaType: string;
  @IsIn(fileFamilies)
  family: FileFamily;
  /** In bytes. */
  size: number;
  /** `pending` until the virus scanner has answered; `rejected` once it found something, and the bytes are erased. */
  @IsIn(attachmentStates)
  state: AttachmentState;
  /** True if a virus scanner has looked at it; an installation without one has none that is. */
  scanned: boolean;
  /** True if the file may be shown in its place; others are only downloaded. */
  inline: boolean;
  /** Pixels, of an image or a video. */
  width?: number;
  height?: number;
  /** Length of an audio or a video, in milliseconds. */
  duration?: number;
  /** Pages of a PDF. */
  pages?: number;
  /** Shape of a voice note, from its sender's client: heights from 0 to 100. */
  waveform?: number[];
  /** There is a small picture at `…/thumbnail`, of this size. */
  @Type(() => PictureSize)
  thumbnail?: PictureSize;
  /** There is a picture for the screen at `…/display`, of this size; without it, show the file itself. */
  @Type(() => PictureSize)
  display?: PictureSize;
  /** Reason for which less is made of the file than of others of its kind, such as `damaged` or `active_content`. */
  note?: string;
}
