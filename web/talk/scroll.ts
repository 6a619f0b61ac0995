/** Distance from the end within which a thread counts as being there, in pixels. */
const nearEnd = 80;

/** A row that is seen, with its distance from the upper edge of what scrolls. */
type Anchor = [key: string, top: number];

const isIos =
  /iP(hone|ad|od)/.test(navigator.userAgent) || (navigator.userAgent.includes('Mac') && navigator.maxTouchPoints > 1);

/**
 * Keeps the place in a thread while its rows, its width or its height change: the end while it follows, else the first row
 * that is seen and stays. The anchors of browsers are switched off, for not all of them have such.
 */
export class Scroll {
  /** Only a person changes it: scrolling, searching in the page, moving the focus; never a change of the layout. */
  isFollowing = true;
  private anchors: Anchor[] = [];
  /** The measures that this has seen or made last; any other place has been chosen by a person. */
  private known = { top: 0, height: 0, whole: 0 };

  constructor(
    private readonly box: HTMLElement,
    private readonly told: { moved: () => void; followed: (isFollowing: boolean) => void },
  ) {}

  /** The box has scrolled, for whatever reason. */
  scrolled(): void {
    const isSameLayout = this.judge();
    // While the layout changes beneath, the place is put right before it is painted.
    if (isSameLayout || !this.isFollowing) this.record();
    this.told.moved();
  }

  /** Finds out whether somebody has chosen another place. Gives true while the layout is the one that is known. */
  private judge(): boolean {
    const { scrollTop, clientHeight, scrollHeight } = this.box;
    const isSameLayout = this.known.height === clientHeight && this.known.whole === scrollHeight;
    const isOwn = Math.abs(this.known.top - scrollTop) < 1;
    if (isSameLayout && !isOwn) {
      this.isFollowing = scrollHeight - clientHeight - scrollTop < nearEnd;
      this.told.followed(this.isFollowing);
    }
    return isSameLayout;
  }

  /** Remembers what is seen now, before something changes. */
  record(): void {
    // The event of a scroll may come after the change.
    this.judge();
    this.note();
    const edge = this.box.getBoundingClientRect();
    const rows = this.box.querySelectorAll<HTMLElement>('[data-key]');
    // The first row that reaches into what is seen; rows are in order.
    let [low, high] = [0, rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rows[middle]!.getBoundingClientRect().bottom > edge.top) high = middle;
      else low = middle + 1;
    }
    this.anchors = [];
    for (let index = low; index < rows.length; index++) {
      const { top } = rows[index]!.getBoundingClientRect();
      if (top > edge.bottom) break;
      this.anchors.push([rows[index]!.dataset.key!, top - edge.top]);
    }
  }

  /** Puts what was seen back into its place. */
  restore(): void {
    const { box } = this;
    if (this.isFollowing) return this.toEnd();
    const edge = box.getBoundingClientRect();
    for (const [key, before] of this.anchors) {
      const row = box.querySelector(`[data-key="${CSS.escape(key)}"]`);
      if (!row) continue;
      const moved = row.getBoundingClientRect().top - edge.top - before;
      if (Math.abs(moved) >= 0.5) this.place(box.scrollTop + moved);
      break;
    }
    this.note();
  }

  toEnd(): void {
    const { scrollHeight, clientHeight } = this.box;
    if (scrollHeight - clientHeight - this.box.scrollTop > 0.5) this.place(scrollHeight - clientHeight);
    this.isFollowing = true;
    this.note();
  }

  /** Brings a row into view, so far below the upper edge. */
  show(row: Element, below: number): void {
    this.isFollowing = false;
    const offset = row.getBoundingClientRect().top - this.box.getBoundingClientRect().top;
    this.place(this.box.scrollTop + offset - below);
    this.record();
  }

  /** Inertia of iOS would override a place that is set while it goes on. */
  private place(top: number): void {
    const { style } = this.box;
    if (isIos) {
      style.overflowY = 'hidden';
      requestAnimationFrame(() => (style.overflowY = ''));
    }
    this.box.scrollTop = top;
  }

  private note(): void {
    const { scrollTop, clientHeight, scrollHeight } = this.box;
    this.known = { top: scrollTop, height: clientHeight, whole: scrollHeight };
  }
}
