type Styles = Record<string, string | undefined>;

/** Sets styles that are computed, through the element itself: the policy of the pages refuses style attributes. */
export function styled(element: HTMLElement | SVGElement, styles: Styles): { update: (styles: Styles) => void } {
  const update = (next: Styles) => {
    for (const [name, value] of Object.entries(next)) {
      if (value === undefined) element.style.removeProperty(name);
      else element.style.setProperty(name, value);
    }
  };
  update(styles);
  return { update };
}
