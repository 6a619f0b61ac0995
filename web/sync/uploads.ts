import { Refused, Unanswered } from '../../client/index.js';
import type { AttachmentView } from '../../src/contract/attachments.js';
import type { Problem } from '../../src/contract/errors.js';
import { appName } from '../api/index.js';

/** Time without any progress after which an upload is given up, in milliseconds. */
const stalledAfter = 60_000;

export interface Upload {
  /** Missing for a file of a broadcast. */
  conversationId: string | undefined;
  file: File | Blob;
  /** Length in milliseconds and waveform of a voice note. */
  recording?: { duration: number; waveform: number[] };
  /** Hears the part that has gone out, from 0 to 1. */
  onProgress?: (part: number) => void;
  signal?: AbortSignal;
}

/**
 * Uploads a file by a form.
 * @throws Refused with the problem of the service; Unanswered when the network failed, stalled, or was told to stop
 */
export function upload({ conversationId, file, recording, onProgress, signal }: Upload): Promise<AttachmentView> {
  const form = new FormData();
  // Before the file, so that one that is not allowed is refused before it has been sent.
  if (conversationId === undefined) form.append('broadcast', 'true');
  else form.append('conversationId', conversationId);
  if (recording) {
    form.append('duration', String(recording.duration));
    form.append('waveform', JSON.stringify(recording.waveform));
  }
  form.append('file', file, file instanceof File ? file.name : 'file');
  // fetch tells nothing of what has gone out.
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    let stall: ReturnType<typeof setTimeout> | undefined;
    const alive = () => {
      clearTimeout(stall);
      stall = setTimeout(() => request.abort(), stalledAfter);
    };
    const end = (settle: () => void) => () => {
      clearTimeout(stall);
      settle();
    };
    const fail = (why: string) => end(() => reject(new Unanswered(why)));
    request.open('POST', '/api/attachments');
    request.setRequestHeader('X-Colloquio-App', appName);
    request.upload.addEventListener('progress', ({ loaded, total }) => {
      alive();
      onProgress?.(total > 0 ? loaded / total : 0);
    });
    request.addEventListener('error', fail('the network failed'));
    request.addEventListener('abort', fail('it was given up'));
    request.addEventListener(
      'load',
      end(() => {
        const answer = read(request.responseText);
        if (request.status === 201) resolve(answer as AttachmentView);
        else if (typeof (answer as Partial<Problem> | undefined)?.code === 'string')
          reject(new Refused(answer as Problem));
        else reject(new Unanswered('this is no answer of the service'));
      }),
    );
    signal?.addEventListener('abort', () => request.abort());
    alive();
    request.send(form);
  });
}

/** Plain data by which a file is shown while it waits in the outbox. */
export interface AboutFile {
  name: string;
  size: number;
  type: string;
  recording?: { duration: number; waveform: number[] };
}

/** Uploads a file that has waited in the outbox. */
export async function uploadQueued(conversationId: string, file: unknown, about: unknown): Promise<string> {
  const { recording } = about as Partial<AboutFile>;
  const { id } = await upload({ conversationId, file: file as File, ...(recording && { recording }) });
  return id;
}

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
