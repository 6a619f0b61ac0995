/** A link written by somebody else, about to be opened. */
export interface AskedLink {
  href: string;
  host: string;
}

/** The question before a link is opened; `LinkQuestion.svelte` shows it. */
class OpenedLink {
  asked = $state.raw<AskedLink>();

  ask(link: AskedLink): void {
    this.asked = link;
  }

  open(): void {
    const link = this.asked;
    this.asked = undefined;
    if (link) window.open(link.href, '_blank', 'noopener,noreferrer');
  }

  close(): void {
    this.asked = undefined;
  }
}

export const openedLink = new OpenedLink();
