import { LinkifyIt } from 'linkify-it';

export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly href: string; readonly host: string | undefined };

// Endings that people write without "https://"; any other address is found with its scheme.
const tlds =
  'com org net edu gov mil int info biz name pro app dev shop store online site blog eu io me tv it ch de fr es at uk us sm va';
const finder = new LinkifyIt({ fuzzyLink: true, tlds: tlds.split(' ') }).add('ftp:', null).add('//', null);

/** Splits a text at its links. Addresses of the web and of mail become links. */
export function linkPieces(text: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const { index, lastIndex, schema, url, text: shown } of finder.match(text) ?? []) {
    // An address without a scheme is opened by https.
    const href = safe(schema === '' ? url.replace(/^http:/, 'https:') : url);
    if (!href) continue;
    if (index > at) pieces.push({ kind: 'text', text: text.slice(at, index) });
    pieces.push({ kind: 'link', text: shown, href: href.href, host: href.host || undefined });
    at = lastIndex;
  }
  if (at < text.length) pieces.push({ kind: 'text', text: text.slice(at) });
  return pieces;
}

/** Nothing but the web and mail is opened. */
function safe(address: string): URL | undefined {
  try {
    const url = new URL(address);
    return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url : undefined;
  } catch {
    return undefined;
  }
}

const oneEmoji =
  '(?:\\p{RI}\\p{RI}|[#*0-9]\\uFE0F\\u20E3|\\p{Extended_Pictographic}(?:\\p{EMod}|\\uFE0F)?(?:\\u200D\\p{Extended_Pictographic}(?:\\p{EMod}|\\uFE0F)?)*[\\u{E0020}-\\u{E007F}]*)';
const emojiAlone = new RegExp(`^(?:${oneEmoji}\\s*){1,3}$`, 'u');

/** A text of one to three emoji and nothing else, which is shown larger. */
export const isEmojiOnly = (text: string): boolean => text.length <= 100 && emojiAlone.test(text.trim());
