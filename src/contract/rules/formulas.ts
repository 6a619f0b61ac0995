/*
 * Positions at which a spreadsheet may begin a cell: the beginning of a text, and behind any character that some program
 * takes for a separator, because a file can be opened with another program than the one that wrote it. Blanks and quotation
 * marks in front do not count.
 */
const blanks = String.raw`[ "\u00A0]*`;
const signs = String.raw`=+\-@＝＋－＠`;
const separators = String.raw`[;,|\t\r\n]`;

const first = new RegExp(String.raw`^${blanks}(?=[${signs}\t\r\n])`, 'u');
const further = new RegExp(`${separators}${blanks}(?=[${signs}])`, 'gu');
const firstDefused = new RegExp(String.raw`^(${blanks})'(?=[${signs}\t\r\n])`, 'u');
const furtherDefused = new RegExp(`(${separators}${blanks})'(?=[${signs}])`, 'gu');

/**
 * Puts an apostrophe in front of whatever a spreadsheet would compute (OWASP, CSV injection): `=1+1` becomes `'=1+1`, and
 * `x;=1+1` becomes `x;'=1+1`.
 */
export function withoutFormulas(text: string): string {
  return text.replace(further, "$&'").replace(first, "$&'");
}

/** Takes these apostrophes away again. */
export function withFormulas(text: string): string {
  return text.replace(firstDefused, '$1').replace(furtherDefused, '$1');
}
