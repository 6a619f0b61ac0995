import type { Certificate } from '../erasures.js';

/** The text of a certificate that is signed: all of it but the signature, as JSON with its fields in the order of their names. */
export function signedText(certificate: Omit<Certificate, 'signature'> & { signature?: unknown }): string {
  const { signature: _, ...signed } = certificate;
  return canonical(signed);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(',')}}`;
}
