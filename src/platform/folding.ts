/**
 * The one folding by which texts are compared: in searches, as names of labels, in audiences, as usernames. A table and
 * Unicode's own decompositions do; a library of transliteration would take Latin, Greek and Cyrillic names for each other.
 */

/** Letters whose mark is part of them, so that Unicode does not decompose them. */
const letters: Record<string, string> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ł: 'l',
  ħ: 'h',
  ı: 'i',
  ĸ: 'k',
  ŋ: 'n',
  ŧ: 't',
  ƀ: 'b',
  ɨ: 'i',
  ʉ: 'u',
  ς: 'σ',
};
const undecomposed = new RegExp(`[${Object.keys(letters).join('')}]`, 'g');

/** The same letters as some languages write them out: German ä, ö, ü, Danish and Norwegian ø, å. */
const writtenOut: Record<string, string> = { ä: 'ae', ö: 'oe', ü: 'ue', ø: 'oe', å: 'aa' };

const ignorable = /\p{Default_Ignorable_Code_Point}/gu;
const apostrophes =
  /['\u2018\u2019\u201A\u201B\u02B9\u02BB\u02BC\u02BD\u02BE\u02BF\u02C8\u2032\u2035\u0060\u00B4\uFF07\uA78C]/gu;
const dashes = /[\p{Pd}\u2212\u02D7]/gu;
/**
 * Marks that change how a letter sounds or is stressed. The vowel signs of Indic scripts and the voicing marks of
 * Japanese are letters in all but name, and stay.
 */
const accents =
  /(?![\u3099\u309A])(?=\p{M})[\p{Script=Inherited}\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Cyrillic}]/gu;

/**
 * A text without regard to case, accents, width, ligatures, kinds of apostrophes, dashes and blanks, and to characters that
 * are not seen: `Łódź`, `łódź` and `Lodz` are one. What folds alike is the same name. Folding what is folded changes nothing.
 */
export function fold(text: string): string {
  return folded(plain(text));
}

/**
 * The forms by which a text is found: folded, and, where it has ä, ö, ü, ø or å, as it is written out without them.
 * `Müller` is found as `muller` and as `mueller`.
 */
export function foldings(text: string): string[] {
  const letterwise = plain(text).normalize('NFC').toLowerCase();
  const long = letterwise.replace(/[äöüøå]/g, (letter) => writtenOut[letter]!);
  const short = folded(letterwise);
  return long === letterwise ? [short] : [short, folded(long)];
}

/**
 * The forms for comparing names of places and trades: `Emilia-Romagna` is `Emilia Romagna`, `Valle d’Aosta` is `Valle d'Aosta`.
 * A name without letters and digits is compared unchanged.
 */
export function foldedWords(text: string): string[] {
  return foldings(text).map((form) => form.split(separators).filter(Boolean).join(' ') || form);
}

/** Separators between words. */
export const separators = /[^\p{L}\p{M}\p{N}]+/u;

function plain(text: string): string {
  return text
    .replace(ignorable, '')
    .replace(apostrophes, "'")
    .replace(dashes, '-')
    .replace(/\p{White_Space}+/gu, ' ')
    .trim();
}

function folded(text: string): string {
  const letterwise = text
    .normalize('NFKD')
    .replace(accents, '')
    .toLowerCase()
    .replace(undecomposed, (letter) => letters[letter]!)
    .normalize('NFKC');
  // A decomposition may itself contain an apostrophe or a space.
  return plain(letterwise);
}
