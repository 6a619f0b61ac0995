import type { Certificate } from '../../../src/contract/erasures.js';
import { signedText } from '../../../src/contract/rules/certificate-text.js';

const bytes = (base64: string) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

/**
 * Checks the signature of a certificate with the key of the service.
 * @returns undefined where the browser cannot
 */
export async function isSigned(certificate: Certificate, publicKey: string): Promise<boolean | undefined> {
  if (certificate.signature === null || certificate.publicKey !== publicKey) return false;
  let key: CryptoKey;
  try {
    key = await crypto.subtle.importKey('raw', bytes(publicKey), { name: 'Ed25519' }, false, ['verify']);
  } catch {
    return undefined;
  }
  const text = new TextEncoder().encode(signedText(certificate));
  return crypto.subtle.verify({ name: 'Ed25519' }, key, bytes(certificate.signature), text);
}
