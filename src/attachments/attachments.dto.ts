import { Transform, Type } from 'class-transformer';
import { IsIn, IsInt, Max, Min } from 'class-validator';
import {
  type AttachmentState,
  attachmentStates,
  type FileFamily,
  fileFamilies,
  type FileNote,
  fileNotes,
} from '../contract/attachments.js';
import type * as wire from '../contract/index.js';
import { limits } from '../contract/limits.js';
import { IsId, IsList, IsTrue, Optional, ToNumber } from '../platform/validation/fields.js';

/** The form's fields other than `file`. */
export class NewAttachment implements wire.NewAttachment {
  /** The conversation that the file is for. */
  @Optional()
  @IsId()
  conversationId?: string;

  /** `true`: the file is for a broadcast. */
  @Optional()
  @IsTrue()
  broadcast?: true;

  /** Length of a voice note, in milliseconds. */
  @Optional()
  @ToNumber()
  @IsInt()
  @Min(0)
  @Max(limits.statedDuration)
  duration?: number;

  /** JSON: the shape of a voice note, in heights from 0 to 100. */
  @Optional()
  @Transform(({ value }: { value: unknown }) => parsedList(value))
  @IsList({ max: limits.waveformPoints })
  @IsInt({ each: true })
  @Min(0, { each: true })
  @Max(limits.waveformHeight, { each: true })
  waveform?: number[];
}

/** Leaves text that is no JSON as it is, for the rules to refuse. */
function parsedList(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

/** Limits of files, as the host has set them. */
export class AttachmentUsage implements wire.AttachmentUsage {
  /** Maximum size of a file, in bytes. */
  fileBytes: number;
  /** Maximum number of files in a message or broadcast. */
  filesPerMessage: number;
  /** For members: bytes used by the files of the business and its contacts. */
  usedBytes?: number;
  /** For members: the quota for these files, in bytes. */
  allowedBytes?: number;
}

/** Size of a picture, in pixels. */
export class PictureSize implements wire.PictureSize {
  width: number;
  height: number;
}

/** A file of a message, as it is known before its bytes are loaded. */
export class AttachmentView implements wire.AttachmentView {
  id: string;
  /** Name given by the sender. */
  name: string;
  /** Type, determined from the content. */
  mediaType: string;
  @IsIn(fileFamilies)
  family: FileFamily;
  /** In bytes. */
  size: number;
  /** `pending` until the virus scanner has answered; `rejected` if it found a virus, in which case the bytes are erased. */
  @IsIn(attachmentStates)
  state: AttachmentState;
  /** True if a virus scanner has checked it; always false on an installation without a scanner. */
  scanned: boolean;
  /** True if the file may be displayed inline; others are only downloaded. */
  inline: boolean;
  /** Pixels, of an image or a video. */
  width?: number;
  height?: number;
  /** Length of an audio or a video, in milliseconds. */
  duration?: number;
  /** Pages of a PDF. */
  pages?: number;
  /** Waveform of a voice note, from its sender's client: heights from 0 to 100. */
  waveform?: number[];
  /** Size of the thumbnail at `…/thumbnail`, if there is one. */
  @Type(() => PictureSize)
  thumbnail?: PictureSize;
  /** Size of the picture for the screen at `…/display`; without one, show the file itself. */
  @Type(() => PictureSize)
  display?: PictureSize;
  /** Reason why the file lacks a preview or inline display, such as `damaged` or `active_content`. */
  @IsIn(fileNotes)
  note?: FileNote;
}
