import { isEmailAddress, normalisedEmail } from '../platform/validation/text.js';

/** An address as imports keep it; the one place where they normalise one. */
function address(text: string): string | undefined {
  const normalised = normalisedEmail(text);
  return isEmailAddress(normalised) ? normalised : undefined;
}

const mostPieces = 10;

/**
 * The addresses in a cell, in their order: "a@x.it; b@x.it", "<a@x.it>", "mailto:a@x.it", "Anna <a@x.it>" and
 * "a@x.it ::: b@x.it" of Google Contacts.
 */
export function addressesIn(cell: string): string[] {
  if (!cell.includes('@')) return [];
  const whole = address(cell);
  if (whole !== undefined) return [whole];
  const pieces = cell.split(/:::|[;,\s|<>"()[\]]+|\/(?=[^/]*@)/, 4 * mostPieces).filter((piece) => piece.includes('@'));
  return pieces.slice(0, mostPieces).flatMap((piece) => address(piece.replace(/^mailto:|[.:]+$/gi, '')) ?? []);
}

/** The name in front of an address, as in "Anna Rossi <anna@x.it>". */
export function nameBeside(cell: string): string | undefined {
  const name = /^"?([^"<>@]+?)"?\s*<[^<>]+@[^<>]+>$/.exec(cell.trim())?.[1]?.trim();
  return name === '' ? undefined : name;
}
