import { Uploads } from '../../talk/uploads.svelte.js';

interface Held {
  uploads: Uploads;
  changed: () => void;
}
const all = new Map<string, Held>();

/** The files of a draft, which go on being uploaded while another screen is shown. */
export function uploadsOf(draftId: string, changed: () => void): Uploads {
  const there = all.get(draftId);
  if (there) {
    there.changed = changed;
    return there.uploads;
  }
  const held: Held = { uploads: new Uploads(undefined, () => held.changed()), changed };
  all.set(draftId, held);
  return held.uploads;
}

/** The draft was sent, or deleted. */
export function forgetUploads(draftId: string): void {
  all.delete(draftId);
}
