import type { AttachmentView } from '../../src/contract/attachments.js';

/** The pictures that are shown full screen; `Viewer.svelte` shows them. */
class PictureViewer {
  pictures = $state.raw<readonly AttachmentView[]>([]);
  index = $state(0);
  isOpen = $state(false);

  open(pictures: readonly AttachmentView[], index: number): void {
    this.pictures = pictures;
    this.index = index;
    this.isOpen = true;
  }

  close(): void {
    this.isOpen = false;
  }

  go(steps: number): void {
    this.index = Math.min(this.pictures.length - 1, Math.max(0, this.index + steps));
  }
}

export const viewer = new PictureViewer();
