import { createHash } from 'node:crypto';
import type { Locale } from '../contract/common.js';

/** Looks of every page of an export: as simple as can be, light and dark, and fit to be printed. */
const style = `
:root { color-scheme: light dark; --back: #f6f5f2; --text: #1c1b19; --quiet: #66625b; --other: #fff; --own: #dcebe0; --line: #d9d5cc; }
@media (prefers-color-scheme: dark) {
  :root { --back: #171715; --text: #eceae4; --quiet: #a39e94; --other: #24231f; --own: #22382a; --line: #3a3833; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 46rem; padding: 1.5rem 1rem 4rem; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.4rem; }
h2 { margin: 2rem 0 .75rem; font-size: .85rem; font-weight: 600; text-align: center; color: var(--quiet); }
.quiet { margin: 0; color: var(--quiet); font-size: .85rem; }
article { margin: .5rem 15% .5rem 0; padding: .6rem .9rem; border: 1px solid var(--line); border-radius: .8rem; background: var(--other); break-inside: avoid; }
article.own { margin: .5rem 0 .5rem 15%; background: var(--own); }
article.record { margin: .5rem 0; }
article p { margin: .2rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: minmax(8rem, 14rem) 1fr; gap: .15rem .9rem; margin: 0; }
dt { color: var(--quiet); font-size: .85rem; overflow-wrap: anywhere; }
dd { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
dd dl { grid-template-columns: minmax(5rem, 9rem) 1fr; }
nav li { margin: .3rem 0; }
.withdrawn { font-style: italic; color: var(--quiet); }
img, video { display: block; max-width: 100%; height: auto; margin: .4rem 0; border-radius: .4rem; }
img:not([height]), video:not([height]) { max-height: 30rem; }
audio { display: block; width: 100%; margin: .4rem 0; }
a { color: inherit; overflow-wrap: anywhere; white-space: normal; }
@media print {
  :root { color-scheme: light; --back: #fff; --text: #000; --quiet: #444; --other: #fff; --own: #fff; --line: #999; }
  body { max-width: none; padding: 0; }
  h2 { break-after: avoid; }
  audio, video { display: none; }
}`;

// A page from the disk has no origin, so its files are named by their scheme.
const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "img-src 'self' file:",
  "media-src 'self' file:",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** Title and language of a page. */
export interface PageHead {
  locale: Locale;
  title: string;
  /** A line under the title. */
  about: string;
}

/** The beginning of a page, which runs nothing and loads nothing but its files; {@link pageEnd} is its end. */
export const pageBegin = ({ locale, title, about }: PageHead): string => `<!doctype html>
<html lang="${locale}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${escaped(title)}</h1>
<p class="quiet">${escaped(about)}</p>
</header>
<main>
`;

export const pageEnd = '</main>\n</body>\n</html>\n';

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export const escaped = (text: string) => text.replace(/[&<>"']/g, (sign) => entities[sign]!);

/** The address of a file of the zip, as an attribute. */
export const addressOf = (path: string) =>
  escaped(
    path
      .split('/')
      .map((part) => (part === '..' ? part : encodeURIComponent(part)))
      .join('/'),
  );

export const languageOf = (locale: Locale) => (locale === 'it' ? 'it' : 'en-GB');
