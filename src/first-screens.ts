import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file of the built web apps, as Vite lists them by their sources. */
interface Built {
  file: string;
  imports?: string[];
  css?: string[];
}

/** The first page and screen for signed-out visitors, by the beginning of the address. */
const firstScreens = [
  { address: /^\/app\/join\/./, page: 'app/index.html', screen: 'app/joining/Join.svelte' },
  { address: /^\/app(\/|$)/, page: 'app/index.html', screen: 'app/SignIn.svelte' },
  { address: /^\//, page: 'index.html', screen: 'dashboard/SignIn.svelte' },
];
const font = /\/inter-latin-wght-normal-[^/]*\.woff2$/;

/**
 * Reads what was built, and gives the `Link` header (RFC 8288) of a page: what its first screen needs beyond the page's own
 * scripts, which the browser would otherwise hear of only once these have run.
 */
export function firstScreenLinks(folder: string): (path: string) => string {
  const built = JSON.parse(readFileSync(join(folder, '.vite/manifest.json'), 'utf8')) as Record<string, Built>;
  const letters = Object.values(built).flatMap(({ file }) => (font.test(file) ? [file] : []));
  const links = firstScreens.map(({ address, page, screen }) => {
    const known = filesOf(built, page);
    const files = [...filesOf(built, screen)].filter((file) => !known.has(file));
    return { address, header: [...files, ...letters].map(link).join(', ') };
  });
  return (path) => links.find(({ address }) => address.test(path))?.header ?? '';
}

function filesOf(built: Record<string, Built>, source: string, found = new Set<string>()): Set<string> {
  const { file, imports = [], css = [] } = built[source]!;
  if (found.has(file)) return found;
  for (const each of [file, ...css]) found.add(each);
  for (const each of imports) filesOf(built, each, found);
  return found;
}

function link(file: string): string {
  if (file.endsWith('.js')) return `</${file}>; rel=modulepreload`;
  return `</${file}>; rel=preload; as=${file.endsWith('.css') ? 'style' : 'font'}; crossorigin`;
}
