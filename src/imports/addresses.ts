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
/** Longest cell that is taken for addresses, or for a name beside one. */
const mostCharacters = 1_000;

/**
 * The addresses in a cell, in their order: "a@x.it; b@x.it", "<a@x.it>", "mailto:a@x.it", "Anna <a@x.it>" and
 * "a@x.it ::: b@x.it" of Google Contacts.
 */
export function addressesIn(cell: string): string[] {
  if (cell.length > mostCharacters || !cell.includes('@')) return [];
  const whole = address(cell);
  if (whole !== undefined) return [whole];
  return piecesOf(cell).flatMap((piece) => address(withoutFinalSigns(piece)) ?? []);
}

/** A text without the dots and colons at its end. */
function withoutFinalSigns(text: string): string {
  let end = text.length;
  while (end > 0 && '.:'.includes(text[end - 1]!)) end--;
  return text.slice(0, end);
}

/** Tells if an address in a cell holds an invisible character; in a name beside the address one is no fault. */
export function holdsInvisibleAddress(cell: string): boolean {
  return cell.length <= mostCharacters && piecesOf(cell).some((piece) => invisibleCharacter(piece) !== undefined);
}

/** Pieces that could be addresses. A byte order mark within one is no blank: the text after it is another address. */
function piecesOf(cell: string): string[] {
  const pieces = cell.split(/:::|(?:[;,|<>"()[\]]|(?!\uFEFF)\s)+|\/(?=[^/]*@)/, 4 * mostPieces);
  return pieces.filter((piece) => piece.includes('@')).slice(0, mostPieces);
}

/** The name in front of an address, as in "Anna Rossi <anna@x.it>". */
export function nameBeside(cell: string): string | undefined {
  if (cell.length > mostCharacters) return undefined;
  const text = cell.trim();
  const opened = text.indexOf('<');
  const within = text.slice(opened + 1, -1);
  if (opened < 1 || !text.endsWith('>') || /[<>]/.test(within) || !within.slice(1, -1).includes('@')) return undefined;
  const before = text.slice(0, opened).trim();
  const name = before.slice(before.startsWith('"') ? 1 : 0, before.endsWith('"') ? -1 : undefined).trim();
  return name === '' || /["@>]/.test(name) ? undefined : name;
}
