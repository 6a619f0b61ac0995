import type { FileNote } from '../contract/attachments.js';
import type { Rendition } from './inspection.js';

/** Work for the process that opens pictures and PDFs. It gets the file itself over its standard input. */
export type DrawingJob =
  | { kind: 'picture'; size: number; frames: number; display: 'none' | 'still' | 'animated' }
  | { kind: 'pdf facts'; size: number }
  | { kind: 'pdf page'; size: number };

export interface DrawingResult {
  thumbnail?: Rendition;
  display?: Rendition;
  pages?: number;
  /** A PDF that runs scripts or opens something. */
  active?: boolean;
  note?: FileNote;
}
