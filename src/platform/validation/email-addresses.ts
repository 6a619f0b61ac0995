import { domainToASCII, domainToUnicode } from 'node:url';
import { isEmail } from 'class-validator';
import { limits } from '../../contract/limits.js';

/**
 * The canonical form of an address that identifies a mailbox, only for comparing and hashing. The address as typed is the one
 * that is shown and written to.
 */
export type CanonicalAddress = string & { readonly canonical: unique symbol };

/** Characters that show nothing by themselves, or change those around them: two addresses that differ in one look the same. */
const invisible = /[\p{Default_Ignorable_Code_Point}\p{Cf}\u2800]/u;
const allInvisible = new RegExp(invisible.source, 'gu');

/** Printable ASCII alone, which is canonical in lower case. */
const plain = /^[\x21-\x7E]*$/;
/** Signs that look like the @, and are none. */
const atSignsOfOthers = /[\uFE6B\uFF20]/;
/** Characters that a domain may hold. The parser behind `domainToASCII` would take the rest for a port, a path or an escape. */
const domainCharacters = /^[a-z0-9.\-\u0080-\u{10FFFF}]*$/iu;

/** The invisible character of an address that comes first, as "U+200B"; undefined when it has none. */
export function invisibleCharacter(address: string): string | undefined {
  const [found] = invisible.exec(address) ?? [];
  return found && `U+${found.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Tells whether a text has a full-width or small @ and no other: what it means is plain, but no mail server takes it. */
export function lacksPlainAt(address: string): boolean {
  return !address.includes('@') && atSignsOfOthers.test(address);
}

/** The first label of a domain that is written in ASCII (`xn--…`, RFC 5890) and stands for no name. */
export function undecodableLabel(domain: string): string | undefined {
  if (domain.length > limits.emailLength || !/xn--/i.test(domain)) return undefined;
  return domain.split('.').find((label) => /^xn--/i.test(label) && /^(?:xn--.*)?$/i.test(domainToUnicode(label)));
}

/** The part of an address behind its last @. */
export const domainOf = (address: string): string => parts(address)[1];

/**
 * An address of at most 254 bytes (RFC 5321, 4.5.3.1.3, less the angle brackets) without display name and invisible
 * characters. The part before the @ has to be ASCII, because few mail servers take others (RFC 6531), and unquoted, because a
 * quoted one may hold line breaks that end up in mail headers.
 */
export function isEmailAddress(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > limits.emailLength || !value.isWellFormed() || invisible.test(value))
    return false;
  const [local, domain] = parts(value);
  if (undecodableLabel(domain) !== undefined) return false;
  const ascii = `${local}@${plain.test(domain) ? domain : asciiDomain(domain)}`;
  return (
    Buffer.byteLength(value) <= limits.emailLength &&
    ascii.length <= limits.emailLength &&
    isEmail(ascii, { allow_display_name: false, allow_utf8_local_part: false, blacklisted_chars: '"' })
  );
}

/**
 * An address as it is kept and shown: without blanks around it, its domain in lower case, composed and without a final dot.
 * Only the domain is certain to ignore case (RFC 5321, 2.4).
 */
export function normalisedEmail(address: string): string {
  const text = address.trim();
  const at = text.lastIndexOf('@') + 1;
  // A full-width @ would become a plain one.
  if (at === 0) return text.toLowerCase();
  const domain = text
    .slice(at)
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFC')
    .replace(/[\u3002]/g, '.');
  return text.slice(0, at) + (domain.length > 1 ? domain.replace(/\.$/, '') : domain);
}

/** The address within `<…>` or after `mailto:`, as lists that were exported or copied have them. */
export function bareAddress(text: string): string {
  const [, within] = /^<([^<>]*)>$/.exec(text.trim()) ?? [];
  const bare = (within ?? text).trim();
  return /^mailto:/i.test(bare) ? bare.slice('mailto:'.length).split('?', 1)[0]!.trim() : bare;
}

/**
 * The canonical form: in lower case, the domain in ASCII (UTS #46), nothing invisible. Dots and `+tags` stay, because other
 * servers deliver them to others. What is refused today is folded all the same: addresses were kept before that.
 */
export function canonicalAddress(address: string): CanonicalAddress {
  const text = address.trim();
  if (plain.test(text)) {
    return text.slice(0, text.includes('@') && text.endsWith('.') ? -1 : undefined).toLowerCase() as CanonicalAddress;
  }
  const [local, domain] = parts(text.replace(allInvisible, ''));
  if (domain === '') return local.toLowerCase() as CanonicalAddress;
  const ascii = asciiDomain(domain) || normalisedEmail(`@${domain}`).slice(1);
  return `${local.toLowerCase()}@${ascii}` as CanonicalAddress;
}

export const sameMailbox = (one: string, other: string): boolean => canonicalAddress(one) === canonicalAddress(other);

/** The address with its domain as mail servers know it. */
export function mailableAddress(address: string): string {
  if (plain.test(address)) return address;
  const [local, domain] = parts(address);
  return `${local}@${asciiDomain(domain) || domain}`;
}

/**
 * The spellings that earlier versions kept apart, which compared addresses in lower case alone. Hashes of them stand, such
 * as those of who asked not to be written to, and a hash cannot be made anew.
 */
export function formerSpellings(address: string): string[] {
  const canonical = canonicalAddress(address);
  const [local, domain] = parts(canonical);
  const typed = address.trim().toLowerCase();
  const unicode = domain.includes('xn--') ? domainToUnicode(domain) : domain;
  const spellings = [typed, ...[unicode.normalize('NFC'), unicode.normalize('NFD')].map((each) => `${local}@${each}`)];
  return [...new Set(spellings)].filter((each) => each !== canonical);
}

/** The parts before and after the last @; the domain is empty where there is none. */
function parts(address: string): [local: string, domain: string] {
  const at = address.lastIndexOf('@');
  return at < 0 ? [address, ''] : [address.slice(0, at), address.slice(at + 1)];
}

/** @returns the empty text for what is no domain */
function asciiDomain(domain: string): string {
  return domainCharacters.test(domain) ? domainToASCII(domain).replace(/\.$/, '') : '';
}
