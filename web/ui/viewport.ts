/*
 * The keyboard of phones. Most browsers make the page smaller for it (`interactive-widget=resizes-content`); iOS lays it over the
 * page and moves that, so the shell is given the height that is left. Shells are `position: fixed; inset: 0 0 auto;
 * height: var(--shell-height, 100%)`, and only what is inside them scrolls.
 */

/** A keyboard takes at least this part of the height; bars of the browser take less. */
const keyboardFrom = 0.25;

/** Finds out how much of a page is left beside a keyboard; undefined when there is none. */
export class KeyboardSense {
  private full: { width: number; height: number } | undefined;

  /** @param isTyping a field has the focus that opens a keyboard */
  left(
    { width, height, scale }: { width: number; height: number; scale: number },
    isTyping: boolean,
  ): number | undefined {
    // Fingers that zoom make the visible part smaller too.
    if (Math.abs(scale - 1) > 0.01) return undefined;
    if (this.full?.width !== width || height > this.full.height) this.full = { width, height };
    const isCovered = isTyping && height < this.full.height * (1 - keyboardFrom);
    return isCovered ? height : undefined;
  }

  /** The page was turned, or comes back: its full height is measured anew. */
  forget(): void {
    this.full = undefined;
  }
}

const editable =
  'textarea, input:not([type=checkbox], [type=radio], [type=range], [type=file], [type=button]), [contenteditable]';

/**
 * Keeps `--shell-height` of the page right while a keyboard is open. Gives the function that ends it.
 * @param measured told after every measurement whether a keyboard was found
 */
export function watchViewport(measured?: (isKeyboard: boolean) => void): () => void {
  const { visualViewport } = window;
  if (!visualViewport) return () => undefined;
  const sense = new KeyboardSense();
  const root = document.documentElement;
  let frame = 0;
  const measure = () => {
    const { width, height, scale, offsetTop } = visualViewport;
    const left = sense.left({ width, height, scale }, document.activeElement?.matches(editable) ?? false);
    if (left === undefined) root.style.removeProperty('--shell-height');
    else root.style.setProperty('--shell-height', `${left}px`);
    root.toggleAttribute('data-keyboard', left !== undefined);
    // iOS pushes the page up to show the field; the shell does that itself.
    if (left !== undefined && offsetTop > 0) scrollTo(0, 0);
    measured?.(left !== undefined);
  };
  const soon = () => {
    // WebKit tells of a change before the height is right.
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(measure);
  };
  const anew = () => {
    sense.forget();
    soon();
  };
  visualViewport.addEventListener('resize', soon);
  visualViewport.addEventListener('scroll', soon);
  document.addEventListener('focusin', soon);
  document.addEventListener('focusout', soon);
  addEventListener('pageshow', anew);
  addEventListener('orientationchange', anew);
  soon();
  return () => {
    cancelAnimationFrame(frame);
    visualViewport.removeEventListener('resize', soon);
    visualViewport.removeEventListener('scroll', soon);
    document.removeEventListener('focusin', soon);
    document.removeEventListener('focusout', soon);
    removeEventListener('pageshow', anew);
    removeEventListener('orientationchange', anew);
    root.style.removeProperty('--shell-height');
    root.removeAttribute('data-keyboard');
  };
}
