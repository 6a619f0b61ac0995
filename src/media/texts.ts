import type { Kind } from './kinds.js';
import type { Reader } from './reader.js';

/** Bytes of each end of a text that are looked at. */
const sample = 64 * 1024;

/** Markup that browsers run, anywhere in the beginning of a text. */
const hypertext =
  /<(!doctype\s+html|html|head|body|script|iframe|object|embed|svg|math|style|meta|link|img|base|form|hta:|[a-z]+:script)[\s/>:]/i;
const scriptsInXml =
  /<\?xml-stylesheet|xmlns(:\w+)?\s*=\s*["'][^"']*(xhtml|svg|xslt?|XSL\/Transform|mathml)|<([a-z]+:)?(script|svg|html)[\s>]|<!ENTITY/i;
const mail = /^(from|mime-version|content-type|date|subject|snapshot-content-location|received|return-path):/im;
const mailParts = /^content-type:\s*(multipart|text\/html)/im;
/** Texts that name something to open or to run, by their first words. */
const shortcut =
  /^\s*(\[(InternetShortcut|Desktop Entry|autorun|Shell|ShellClassInfo|\.ShellClassInfo)\]|Windows Registry Editor|REGEDIT4)/i;
const script =
  /^(#!|\s*@echo\s+(off|on)\b|\s*<\?php|\s*<%|\s*<job[\s>]|\s*<package[\s>]|\s*<component[\s>]|\s*<scriptlet)/i;
// Signs that no text has; a form feed, an escape and a bell are met in logs.
const noText = /[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f\ufffe\uffff]/;

/** Judges a file as a text; undefined when it is none. */
export async function textKind(reader: Reader): Promise<Kind | undefined> {
  if (reader.size === 0) return undefined;
  // A copy, because the next reading may move the window.
  const head = Buffer.from(await reader.bytes(0, sample));
  const tail = await reader.bytes(Math.max(sample, reader.size - sample), sample);
  const charset = charsetOf(head, tail, reader.size);
  if (!charset) return undefined;
  const text = decoded(head, charset).replace(/^\ufeff/, '');
  if (noText.test(text)) return undefined;

  const active = (mediaType: string): Kind => ({ mediaType, family: 'other', inline: false, active: true });
  if (shortcut.test(text)) return active('application/x-mswinurl');
  if (script.test(text)) return active('text/x-script');
  const start = text.trimStart();
  if (/^<\?xml|^<!DOCTYPE\s+(?!html)/i.test(start) || /^<[a-z][\w.-]*(:[\w.-]+)?[\s/>]/i.test(start)) {
    if (/<svg[\s>]/i.test(start)) return active('image/svg+xml');
    if (/<html[\s>]/i.test(start) || (hypertext.test(start) && !start.startsWith('<?xml'))) {
      return active(
        /xmlns\s*=\s*["']http:\/\/www\.w3\.org\/1999\/xhtml/.test(start) ? 'application/xhtml+xml' : 'text/html',
      );
    }
    if (scriptsInXml.test(start)) return active('application/xml');
    if (start.startsWith('<?xml')) return { mediaType: 'application/xml', family: 'text', inline: false };
  }
  if (mail.test(text.slice(0, 1024)) && mailParts.test(text)) {
    return { mediaType: 'message/rfc822', family: 'other', inline: false, active: true };
  }
  // Browsers that guess take it for HTML when markup stands at the very beginning; a text about HTML is a text.
  if (/^(<!--|<)/.test(start) && hypertext.test(start.slice(0, 4096))) return active('text/html');
  const mediaType = charset === 'utf-8' ? 'text/plain' : `text/plain; charset=${charset}`;
  return { mediaType, family: 'text', inline: true };
}

function charsetOf(head: Buffer, tail: Buffer, size: number): string | undefined {
  if (head[0] === 0xff && head[1] === 0xfe) return size % 2 === 0 ? 'utf-16le' : undefined;
  if (head[0] === 0xfe && head[1] === 0xff) return size % 2 === 0 ? 'utf-16be' : undefined;
  // UTF-16 without a mark: every other byte of most texts of Europe is zero.
  if (size % 2 === 0 && size >= 8 && head.includes(0)) {
    const pairs = head.length >> 1;
    let [even, odd] = [0, 0];
    for (let at = 0; at + 1 < head.length; at += 2) {
      if (head[at] === 0) even++;
      if (head[at + 1] === 0) odd++;
    }
    if (odd > 0.8 * pairs && even === 0) return 'utf-16le';
    if (even > 0.8 * pairs && odd === 0) return 'utf-16be';
    return undefined;
  }
  if (head.includes(0) || tail.includes(0)) return undefined;
  return isUtf8(head, size > sample) && isUtf8(tail, true) ? 'utf-8' : 'windows-1252';
}

/** Tells if bytes are UTF-8, but for signs that a sample cuts in two at its ends. */
function isUtf8(bytes: Buffer, cut: boolean): boolean {
  let [from, to] = [0, bytes.length];
  while (cut && from < Math.min(3, to) && (bytes[from]! & 0xc0) === 0x80) from++;
  for (let signs = 0; cut && signs < 3 && to > from && (bytes[to - 1]! & 0x80) !== 0; signs++) {
    const last = bytes[--to]!;
    if ((last & 0xc0) === 0xc0) break;
  }
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(from, to));
    return true;
  } catch {
    return false;
  }
}

const decoded = (bytes: Buffer, charset: string) => new TextDecoder(charset).decode(bytes);
