import {
  bareAddress,
  invisibleCharacter,
  isEmailAddress,
  normalisedEmail,
} from '../platform/validation/email-addresses.js';

/** An address as imports keep it; the one place where they normalise one. */
function address(text: string): string | undefined {
  const normalised = normalisedEmail(bareAddress(text));
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
  return piecesOf(cell).flatMap((piece) => address(piece.replace(/^mailto:|[.:]+$/gi, '')) ?? []);
}

/** Whether an address in a cell holds a character that cannot be seen; in a name beside it that is no fault. */
export function holdsInvisibleAddress(cell: string): boolean {
  return piecesOf(cell).some((piece) => invisibleCharacter(piece) !== undefined);
}

/** What could be addresses. A byte order mark within one is no blank: what stands after it is another address. */
function piecesOf(cell: string): string[] {
  const pieces = cell.split(/:::|(?:[;,|<>"()[\]]|(?!\uFEFF)\s)+|\/(?=[^/]*@)/, 4 * mostPieces);
  return pieces.filter((piece) => piece.includes('@')).slice(0, mostPieces);
}

/** The name in front of an address, as in "Anna Rossi <anna@x.it>". */
export function nameBeside(cell: string): string | undefined {
  const name = /^"?([^"<>@]+?)"?\s*<[^<>]+@[^<>]+>$/.exec(cell.trim())?.[1]?.trim();
  return name === '' ? undefined : name;
}
