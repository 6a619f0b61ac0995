import { tick } from 'svelte';

/** A screen for addresses of a shape such as `/conversations/:id`. */
export interface Route<Screen> {
  path: string;
  screen: Screen;
}

export interface Place<Screen> {
  route: Route<Screen> | undefined;
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  path: string;
}

/**
 * Addresses of an app, by the History API. Links are real `<a href>`; those within the app change the screen without loading
 * the page. Each entry of the history remembers how far its screen was scrolled.
 */
export class Router<Screen> {
  place = $state.raw<Place<Screen>>({ route: undefined, params: {}, query: new URLSearchParams(), path: '/' });
  /** Asked before the screen is left; false stays. */
  private guards = new Set<() => boolean>();
  private readonly scopes: readonly string[];

  constructor(
    private readonly base: string,
    private readonly routes: readonly Route<Screen>[],
    /** Addresses below the base that belong to another app. */
    elsewhere: readonly string[] = [],
  ) {
    this.scopes = elsewhere;
  }

  start(): void {
    history.scrollRestoration = 'manual';
    addEventListener('popstate', () => void this.show());
    document.addEventListener('click', (event) => this.clicked(event));
    this.place = this.find();
  }

  /** True when there is a screen at an address. */
  has(path: string): boolean {
    return this.routes.some((route) => matches(route.path, path) !== undefined);
  }

  /** Goes to an address of the app. */
  go(href: string, { replace = false, focus = true } = {}): void {
    if (!this.mayLeave()) return;
    if (replace) history.replaceState(null, '', href);
    else {
      history.replaceState({ ...(history.state as object), scrolled: scrollY }, '');
      history.pushState(null, '', href);
    }
    void this.show(focus);
  }

  back(fallback: string): void {
    if (history.length > 1 && history.state !== null) history.back();
    else this.go(fallback, { replace: true });
  }

  /** Has a question asked before the screen changes, while something would be lost. Gives the function that ends it. */
  guard(ask: () => boolean): () => void {
    this.guards.add(ask);
    return () => void this.guards.delete(ask);
  }

  private mayLeave(): boolean {
    return [...this.guards].every((ask) => ask());
  }

  private async show(focus = true): Promise<void> {
    const before = this.place;
    this.place = this.find();
    await tick();
    const state = history.state as { scrolled?: number } | null;
    scrollTo(0, state?.scrolled ?? 0);
    // Screen readers go on at the new screen.
    if (focus && before.route !== this.place.route) document.querySelector<HTMLElement>('h1')?.focus();
  }

  private find(): Place<Screen> {
    const { pathname, search } = location;
    const path = pathname.length > 1 ? pathname.replace(/\/+$/, '') || '/' : pathname;
    const query = new URLSearchParams(search);
    for (const route of this.routes) {
      const params = matches(route.path, path);
      if (params) return { route, params, query, path };
    }
    return { route: undefined, params: {}, query, path };
  }

  private clicked(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element).closest('a');
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    const { pathname } = link;
    const within = (scope: string) =>
      pathname === scope || pathname.startsWith(scope.endsWith('/') ? scope : `${scope}/`);
    if (!within(this.base) || this.scopes.some(within)) return;
    event.preventDefault();
    if (link.href !== location.href) this.go(link.href);
  }
}

function matches(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    if (part.startsWith(':')) params[part.slice(1)] = decoded(given[index]!);
    else if (part !== given[index]) return undefined;
  }
  return params;
}

/** A text of an address that is no valid encoding stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
