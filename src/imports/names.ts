/** The names of an invited person or business, as far as a cell that holds them all tells them apart. */
export interface SplitName {
  firstName?: string;
  surname?: string;
  companyName?: string;
}

const companyForms =
  /(?:^|[\s,])(?:s\.?r\.?l\.?s?|s\.?p\.?a|s\.?n\.?c|s\.?a\.?s|s\.?s\.?d|a\.?s\.?d|s\.?c\.?a?\.?r\.?l|onlus|o\.?d\.?v|a\.?p\.?s|gmbh|ltd|llc|inc|sarl|s\.?l)\.?$|&\s*(?:c\.?|figli|co\.?)(?=\s|$)/iu;
const companyWords =
  /^(?:bar|ristorante|trattoria|osteria|pizzeria|hotel|albergo|ditta|societ[aà]|azienda|impresa|studio|farmacia|panificio|officina|autofficina|associazione|comune|parrocchia|cooperativa|condominio|caff[eè]|macelleria|gelateria|pasticceria|salone|centro|istituto|scuola)\b/iu;
/** Words that begin a surname, such as De Luca and van Dijk. */
const particles =
  /^(?:d[aei]|de[ilr]?|dell[aoe]?|degli|dal(?:la)?|lo|la|li|van|von|der|den|du|le|san(?:ta)?|mac|el|al)$/iu;

/**
 * Splits a whole name. A form such as "S.r.l." or a word such as "Bar" makes it a company's; a comma comes after the
 * surname; otherwise the first word is the given name, or with `surnameFirst` the surname with its particles.
 */
export function splitName(text: string, { surnameFirst = false } = {}): SplitName {
  const name = text.trim().replace(/\s+/g, ' ');
  if (companyForms.test(name) || companyWords.test(name.replace(/^"/, ''))) return { companyName: name };
  const [before, after, ...more] = name.split(',').map((part) => part.trim());
  if (before && after && more.length === 0) return { firstName: after, surname: before };
  const words = name.split(' ');
  if (words.length === 1) return { firstName: name };
  if (!surnameFirst) return { firstName: words[0]!, surname: words.slice(1).join(' ') };
  let length = 1;
  while (length < words.length - 1 && particles.test(words[length - 1]!)) length++;
  return { firstName: words.slice(length).join(' '), surname: words.slice(0, length).join(' ') };
}

/** Longest name of a column that is looked at, because the pattern goes over it once for each word that it begins with. */
const mostColumnCharacters = 200;

/** Tells if a column's name says that surnames come first in it. */
export function isSurnameFirst(column: string): boolean {
  return (
    column.length <= mostColumnCharacters &&
    /cognome.*nome|surname.*first|last.*first|nachname.*vorname|nominativo/i.test(column)
  );
}
