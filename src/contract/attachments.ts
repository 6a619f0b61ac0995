/** Kinds of files, determined from their content, never from their names. */
export const fileFamilies = ['image', 'audio', 'video', 'pdf', 'document', 'text', 'archive', 'other'] as const;
export type FileFamily = (typeof fileFamilies)[number];

/** `pending`: the virus scanner has not said anything yet; `rejected`: it found something, and the bytes are erased. */
export const attachmentStates = ['pending', 'ready', 'rejected'] as const;
export type AttachmentState = (typeof attachmentStates)[number];

/** Reasons for which less is made of a file than of others of its kind. */
export const fileNotes = [
  /** It could run something when it is opened, so it is only ever downloaded. */
  'active_content',
  /** It is damaged or incomplete. */
  'damaged',
  /** It opens only with a password. */
  'encrypted',
  /** There are no previews of files of this type. */
  'no_preview',
  /** A preview could not be made. */
  'preview_failed',
  /** It has too many parts to be looked through. */
  'too_complex',
  /** It is too large for a preview. */
  'too_large',
] as const;
export type FileNote = (typeof fileNotes)[number];

/** Fields are described at the DTO classes, which implement these types completely, and in openapi.json. */
export interface PictureSize {
  width: number;
  height: number;
}

export interface AttachmentView {
  id: string;
  name: string;
  mediaType: string;
  family: FileFamily;
  size: number;
  state: AttachmentState;
  scanned: boolean;
  inline: boolean;
  width?: number;
  height?: number;
  duration?: number;
  pages?: number;
  waveform?: number[];
  thumbnail?: PictureSize;
  display?: PictureSize;
  note?: FileNote;
}

export interface NewAttachment {
  conversationId?: string;
  broadcast?: boolean;
  duration?: number;
  waveform?: number[];
}

export interface AttachmentUsage {
  fileBytes: number;
  filesPerMessage: number;
  usedBytes?: number;
  allowedBytes?: number;
}
