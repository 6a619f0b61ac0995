import { addressesIn, holdsInvisibleAddress } from './addresses.js';

/** Errors of formulas, as spreadsheets write them in English, Italian, German, French and Spanish. */
const formulaErrors = new Set(
  `#n/a #n/d #nv #name? #nome? #nom? #¿nombre? #nombre? #ref! #rif! #bezug! #¡ref! #value! #valore! #wert! #valeur! #¡valor!
  #valor! #div/0! #¡div/0! #num! #zahl! #nombre! #¡num! #null! #nullo! #nul! #¡nulo! #nulo! #spill! #espansione! #überlauf!
  #calc! #calc #error! #errore! #getting_data #field! #campo! #blocked! #connect! #unknown! #####`
    .trim()
    .split(/\s+/),
);

/** A formula that its spreadsheet could not compute, such as a look-up that finds nothing. */
export function isFormulaError(cell: string): boolean {
  return cell.length <= 20 && (formulaErrors.has(cell.toLowerCase()) || /^(?:err:\d{3}|#{3,})$/i.test(cell));
}

/** The name of a mailbox within a company (X.500), which Outlook exports instead of an address: `/O=EXCHANGELABS/OU=…`. */
export const isExchangeName = (cell: string): boolean => /^\/O=[^/]+\/OU=/i.test(cell.trim());

/** An address refused for invisible characters still counts as an address: its line reports that. */
export const isLikeAddress = (cell: string): boolean =>
  addressesIn(cell).length > 0 || holdsInvisibleAddress(cell) || isExchangeName(cell);

const totals =
  /^(?:gran(?:d)? |sub|sotto)?(?:total[ei]?s?|tot|somma|summe|gesamt(?:summe)?|somme|suma)\.?(?: (?:generale|complessivo|general|général|clienti|soci|contatti|righe|records?|rows|customers|contacts))?\s*:?\s*[\d.,]*$/i;
const figures = /^[\d\s.,:;%€$£+()'-]*$/;

/** A line of sums, as spreadsheets have below a list: a word for it, and beside it nothing but figures. */
export function isTotal(values: readonly string[]): boolean {
  const [first, ...others] = values.filter((value) => value !== '').slice(0, 50);
  return (
    first !== undefined &&
    first.length <= 40 &&
    totals.test(first) &&
    others.every((value) => value.length <= 40 && (figures.test(value) || isFormulaError(value)))
  );
}
