import type { IconName } from '../ui/icons.js';
import { d } from '../words/dashboard.js';

export interface Place {
  href: string;
  name: string;
  icon: IconName;
}

/** Places that large letters drive from the bar of a phone, the first one last; then they stand on the page of further places. */
const yielding: readonly (Place & { room: number })[] = [
  { href: '/broadcasts', name: d.rail.broadcasts, icon: 'speakerphone', room: 14.6 },
  { href: '/archive', name: d.rail.archive, icon: 'archive', room: 17.6 },
];

/** The bar of a phone. Its width in letters says which places it has room for. */
class Bar {
  /** Width in pixels; 0 while it stands at the side. */
  width = $state(0);
  readonly without = $derived.by<readonly Place[]>(() => {
    if (this.width === 0) return [];
    const rems = this.width / parseFloat(getComputedStyle(document.documentElement).fontSize);
    return yielding.filter(({ room }) => rems < room);
  });
}

export const bar = new Bar();
