import { isIPv4 } from 'node:net';
import { domainToASCII } from 'node:url';

export interface Sender {
  /** Empty where there is none. */
  name: string;
  /** Its domain as the DNS has it. */
  address: string;
}

/**
 * The name and address of MAIL_FROM, read here because nodemailer takes `:` and `()` in a name for parts of the grammar of
 * RFC 5322. Undefined for what is neither `Name <address>` nor an address.
 */
export function readSender(text: string): Sender | undefined {
  const [, named, bracketed, bare] = /^(?:([^<>\p{Cc}]*)<([^<>\s]+)>|([^<>\s]+))$/u.exec(text.trim()) ?? [];
  const parts = /^([^\s@"]+)@([^\s@]+)$/.exec(bracketed ?? bare ?? '');
  if (!parts || (bracketed !== undefined && !named?.trim())) return undefined;
  const [, local, domain] = parts as unknown as [string, string, string];
  // A local part beyond ASCII reaches only servers that speak SMTPUTF8.
  if (!/^[\x21-\x7e]+$/.test(local) || /[()<>,;:\\[\]]/.test(local)) return undefined;
  const ascii = domain.startsWith('[') ? domain : domainToASCII(domain);
  if (!ascii) return undefined;
  const name = (named ?? '').trim().replace(/^"(.*)"$/, '$1');
  return { name, address: `${local}@${ascii}` };
}

/**
 * The name by which this host greets a mail server (RFC 5321, section 4.1.1.1). Undefined while PUBLIC_URL is this
 * machine: nodemailer then says its own name.
 */
export function greetingName({ hostname }: URL): string | undefined {
  if (hostname === 'localhost' || hostname.endsWith('.localhost')) return undefined;
  if (hostname.startsWith('[')) return `[IPv6:${hostname.slice(1, -1)}]`;
  return isIPv4(hostname) ? `[${hostname}]` : hostname;
}
