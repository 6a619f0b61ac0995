/** Numbers of the visible part of the page, for the page of diagnostics. */
export const seen = $state({ full: 0, visible: 0, offset: 0, scale: 1, isKeyboard: false });

/**
 * Keeps the shell as high as what is visible above a keyboard. Browsers that resize the page for it (interactive-widget) need
 * nothing; Safari reports the height too early (WebKit bug 254861), so it is read in the next frame.
 */
export function watchViewport(): () => void {
  const viewport = window.visualViewport;
  if (!viewport) return () => undefined;
  const { style } = document.documentElement;
  let full = viewport.height;
  let width = viewport.width;
  let frame = 0;

  const later = () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(read);
  };
  // A field that is taken away loses the focus while the page is being changed.
  const forget = () => {
    full = viewport.height;
    width = viewport.width;
    style.removeProperty('--shell-height');
    later();
  };
  const isEditing = () => document.activeElement?.matches('input, textarea, [contenteditable]') ?? false;
  const read = () => {
    // Another width is another screen: turned, or a window that was resized.
    full = viewport.width === width ? Math.max(full, viewport.height) : viewport.height;
    width = viewport.width;
    const isKeyboard = viewport.height < full * 0.75 && viewport.scale === 1 && isEditing();
    if (isKeyboard && viewport.height < innerHeight) {
      style.setProperty('--shell-height', `${viewport.height}px`);
      if (viewport.offsetTop > 0) scrollTo(0, 0);
    } else style.removeProperty('--shell-height');
    Object.assign(seen, {
      full,
      visible: viewport.height,
      offset: viewport.offsetTop,
      scale: viewport.scale,
      isKeyboard,
    });
  };
  viewport.addEventListener('resize', later);
  viewport.addEventListener('scroll', later);
  addEventListener('focusout', forget);
  addEventListener('pageshow', forget);
  read();
  return () => {
    cancelAnimationFrame(frame);
    viewport.removeEventListener('resize', later);
    viewport.removeEventListener('scroll', later);
    removeEventListener('focusout', forget);
    removeEventListener('pageshow', forget);
    style.removeProperty('--shell-height');
  };
}
