/** The address that somebody wanted before signing in: only one of the dashboard's own. */
export function wantedFrom(query: URLSearchParams): string {
  const wanted = query.get('next') ?? '/';
  return /^\/(?![/\\])/.test(wanted) && !wanted.startsWith('/sign-in') ? wanted : '/';
}

/** The address for signing in, which leads back to where somebody wanted to go. */
export function signInFor(wanted: string): string {
  return wanted === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(wanted)}`;
}
