import type { AttachmentView, PictureSize } from '../../src/contract/attachments.js';
import type { IconName } from '../ui/icons.js';
import { talk } from '../words/talk.js';

type Known = Pick<AttachmentView, 'family' | 'state' | 'name'>;

export function iconOf({ family, state }: Pick<AttachmentView, 'family' | 'state'>): IconName {
  if (state === 'pending') return 'hourglass';
  if (state === 'rejected') return 'alert-circle';
  if (family === 'pdf') return 'file-type-pdf';
  if (family === 'image') return 'photo';
  if (family === 'video') return 'video';
  if (family === 'audio') return 'music';
  return family === 'document' || family === 'text' ? 'file-text' : 'file';
}

/** "PDF", "Immagine"; of files without a kind of their own the ending of the name. */
export function kindOf({ family, name }: Known): string {
  const ending = /\.([a-z0-9]{1,5})$/i.exec(name)?.[1];
  return (family === 'other' || family === 'archive' || family === 'document') && ending
    ? ending.toUpperCase()
    : talk.files.kinds[family];
}

/** A picture that can be shown in the thread. */
export const isPicture = ({ family, state, thumbnail, display }: AttachmentView): boolean =>
  family === 'image' && state === 'ready' && (thumbnail !== undefined || display !== undefined);

/** A recording that a browser may play. */
export const isAudio = ({ family, state, inline }: AttachmentView): boolean =>
  family === 'audio' && state === 'ready' && inline;

export const isVideo = ({ family, state, inline }: AttachmentView): boolean =>
  family === 'video' && state === 'ready' && inline;

/** The size for showing a picture, computed from its known dimensions before it has loaded. */
export const measure = ({ display, thumbnail, width, height }: AttachmentView): PictureSize =>
  display ?? thumbnail ?? (width && height ? { width, height } : { width: 4, height: 3 });

/** Shape of a single picture: its own, within what suits a thread. */
export function ratio(picture: AttachmentView): number {
  const { width, height } = measure(picture);
  return Math.min(16 / 9, Math.max(3 / 4, width / height));
}

/** Width of a single picture in a bubble, in pixels. */
export const soloWidth = (picture: AttachmentView): number => Math.round(Math.min(384, ratio(picture) * 300));
