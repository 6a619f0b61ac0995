import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Certificate } from '../contract/erasures.js';
import { signedText } from '../contract/rules/certificate-text.js';
import { fingerprintOf, isSignedBy } from '../platform/vault/signing-key.js';
import type { Command } from './command.js';

export interface Verification {
  valid: boolean;
  lines: string[];
}

/** Verifies the text of a certificate, without a network; with a fingerprint also whose key has signed it. */
export function verifyCertificate(text: string, fingerprint?: string): Verification {
  const certificate = parse(text);
  if (!certificate) return refused(noCertificate);
  const { publicKey, signature } = certificate;
  if (!signature)
    return refused('This certificate is not signed yet: the erasure was still under way. Download it again later.');
  if (!isGenuine(certificate, signature))
    return refused('NOT VALID: the certificate was changed after it had been signed.');
  const own = fingerprintOf(publicKey);
  if (fingerprint !== undefined && plain(fingerprint) !== plain(own))
    return refused(`NOT VALID: it was signed with another key (${own}) than the one you expect.`);
  const { business, contacts, begunAt, unreadableAt, residueUnreadableAt, finishedAt, erased, kept } = certificate;
  // Anybody can sign with a key of their own, and so choose every word of these lines.
  if (!Array.isArray(kept) || typeof erased !== 'object' || erased === null) return refused(noCertificate);
  const counts = Object.entries(erased).filter(([, count]) => count > 0);
  return {
    valid: true,
    lines: [
      `VALID: ${business} erased ${contacts} ${contacts === 1 ? 'contact' : 'contacts'}.`,
      `  begun                ${begunAt}`,
      `  unreadable           ${unreadableAt}`,
      `  residue unreadable   ${residueUnreadableAt}`,
      `  deleted              ${finishedAt}`,
      `  erased               ${counts.map(([kind, count]) => `${kind} ${count}`).join(', ')}`,
      ...kept.map(({ what, law, until }) => `  kept                 ${what} (${law})${until ? ` until ${until}` : ''}`),
      `  key                  ${own}`,
      ...(fingerprint === undefined
        ? ['  Compare the key with the fingerprint at GET /api/erasure-key of the installation, or add --fingerprint.']
        : []),
    ].map(printable),
  };
}

const noCertificate = 'This is no certificate of an erasure: save the answer of GET /api/erasures/:id as it is.';

function isGenuine(certificate: Certificate, signature: string): boolean {
  try {
    return isSignedBy(certificate.publicKey, signedText(certificate), signature);
  } catch (error) {
    // Levels without end.
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** One line, without what a terminal would take for a command or for another line. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, ' ');
}

/** The text of a file in UTF-8 or in UTF-16, as Windows saves what a command has printed. */
function decoded(bytes: Buffer): string {
  const wide = bytes[0] === 0xff && bytes[1] === 0xfe;
  return new TextDecoder(wide ? 'utf-16le' : 'utf-8').decode(bytes);
}

const refused = (line: string): Verification => ({ valid: false, lines: [line] });
const plain = (fingerprint: string) => fingerprint.replace(/[\s:]/g, '').toLowerCase();

function parse(text: string): Certificate | undefined {
  try {
    const certificate = JSON.parse(text) as Certificate;
    const fits = certificate.format === 'colloquio-erasure-1' && typeof certificate.publicKey === 'string';
    return fits ? certificate : undefined;
  } catch {
    return undefined;
  }
}

/** `npm run verify-certificate -- FILE [--fingerprint "…"]`: 0 for a valid one, 1 for one that is not, 2 without one to read. */
export const verifyFile: Command = async (_environment, parameters, { print, complain }) => {
  const { values, positionals } = read(parameters) ?? { values: {}, positionals: [] };
  const [file] = positionals;
  if (file === undefined || positionals.length > 1) {
    complain('Name one certificate: npm run verify-certificate -- FILE [--fingerprint "1234 5678 …"]');
    return 2;
  }
  let text: string;
  try {
    text = decoded(await readFile(file));
  } catch (error) {
    complain(`${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
    return 2;
  }
  const { valid, lines } = verifyCertificate(text, values.fingerprint);
  for (const line of lines) (valid ? print : complain)(line);
  return valid ? 0 : 1;
};

function read(parameters: string[]) {
  try {
    return parseArgs({ args: parameters, options: { fingerprint: { type: 'string' } }, allowPositionals: true });
  } catch {
    return undefined;
  }
}
