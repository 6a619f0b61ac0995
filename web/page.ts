import './ui/tokens.css';
import './ui/base.css';
import { locale } from './words/locale.js';

export type Theme = 'light' | 'dark' | 'system';
const key = 'colloquio-theme';
const dark = matchMedia('(prefers-color-scheme: dark)');

/** The theme that was chosen on this device. */
export function chosenTheme(): Theme {
  try {
    const chosen = localStorage.getItem(key);
    return chosen === 'light' || chosen === 'dark' ? chosen : 'system';
  } catch {
    return 'system';
  }
}

export function chooseTheme(theme: Theme): void {
  try {
    localStorage.setItem(key, theme);
  } catch {
    // It lasts as long as this page.
  }
  show(theme);
}

function show(theme: Theme): void {
  const isDark = theme === 'dark' || (theme === 'system' && dark.matches);
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light';
}

/** Browsers know it since 2023 only; the rules of the contract ask for it. */
function knowWellFormed(): void {
  if ('isWellFormed' in String.prototype) return;
  Object.defineProperty(String.prototype, 'isWellFormed', {
    value(this: string) {
      return !/\p{Surrogate}/u.test(this);
    },
  });
}

/** Makes the page ready for its app: language and theme. Gives the element that the app is shown in. */
export function preparePage(): HTMLElement {
  knowWellFormed();
  document.documentElement.lang = locale;
  show(chosenTheme());
  dark.addEventListener('change', () => show(chosenTheme()));
  const root = document.getElementById('root')!;
  endOpening(root);
  return root;
}

/** Takes the sign that the page opened with away once a screen stands: in the same frame, so that neither is missing. */
function endOpening(root: HTMLElement): void {
  const observer = new MutationObserver(() => {
    // Short notices have a place in the page from the beginning.
    if (!root.querySelector(':scope > :not([popover])')) return;
    observer.disconnect();
    document.getElementById('opening')?.remove();
  });
  observer.observe(root, { childList: true });
}

let titled = '';
let unreadNow = 0;

/** Title of the page, with what is unread before it. */
export function setTitle(title: string, unread = unreadNow): void {
  titled = title;
  unreadNow = unread;
  const product = title === '' ? 'Colloquio' : `${title} · Colloquio`;
  document.title = `${unread > 0 ? `(${unread > 99 ? '99+' : unread}) ` : ''}${product}`;
}

/** Changes what is unread before the title of the page, and on the icon of the installed app. */
export function setUnread(unread: number): void {
  setTitle(titled, unread);
  const { setAppBadge, clearAppBadge } = navigator as Partial<Navigator>;
  const badge = unread > 0 ? setAppBadge?.call(navigator, unread) : clearAppBadge?.call(navigator);
  // Only installed apps have a badge.
  badge?.catch(() => undefined);
}
