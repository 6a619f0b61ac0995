import { italianProvinces } from '../subscribers/postal-address.js';

/** A region of Italy. */
export interface ItalianRegion {
  /** ISO 3166-2:IT. */
  code: string;
  name: string;
  provinces: readonly string[];
}

/** The 20 regions (ISTAT; codes of ISO 3166-2:IT) with the two-letter codes of their provinces. */
export const italianRegions: readonly ItalianRegion[] = [
  region('IT-65', 'Abruzzo', 'AQ CH PE TE'),
  region('IT-77', 'Basilicata', 'MT PZ'),
  region('IT-78', 'Calabria', 'CS CZ KR RC VV'),
  region('IT-72', 'Campania', 'AV BN CE NA SA'),
  region('IT-45', 'Emilia-Romagna', 'BO FC FE MO PC PR RA RE RN'),
  region('IT-36', 'Friuli-Venezia Giulia', 'GO PN TS UD'),
  region('IT-62', 'Lazio', 'FR LT RI RM VT'),
  region('IT-42', 'Liguria', 'GE IM SP SV'),
  region('IT-25', 'Lombardia', 'BG BS CO CR LC LO MB MI MN PV SO VA'),
  region('IT-57', 'Marche', 'AN AP FM MC PU'),
  region('IT-67', 'Molise', 'CB IS'),
  region('IT-21', 'Piemonte', 'AL AT BI CN NO TO VB VC'),
  region('IT-75', 'Puglia', 'BA BR BT FG LE TA'),
  region('IT-88', 'Sardegna', 'CA CI NU OG OR OT SS SU VS'),
  region('IT-82', 'Sicilia', 'AG CL CT EN ME PA RG SR TP'),
  region('IT-52', 'Toscana', 'AR FI GR LI LU MS PI PO PT SI'),
  region('IT-32', 'Trentino-Alto Adige', 'BZ TN'),
  region('IT-55', 'Umbria', 'PG TR'),
  region('IT-23', 'Valle d’Aosta', 'AO'),
  region('IT-34', 'Veneto', 'BL PD RO TV VE VI VR'),
];

function region(code: string, name: string, provinces: string): ItalianRegion {
  return { code, name, provinces: provinces.split(' ') };
}

/** Further names, folded, as lists and programs in Italy and abroad write them. */
const provinceAliases: Record<string, string> = {
  aquila: 'AQ',
  'valle d aosta': 'AO',
  'bolzano bozen': 'BZ',
  'alto adige': 'BZ',
  barletta: 'BT',
  florence: 'FI',
  forli: 'FC',
  genoa: 'GE',
  mantua: 'MN',
  massa: 'MS',
  milan: 'MI',
  monza: 'MB',
  'monza brianza': 'MB',
  'monza e brianza': 'MB',
  naples: 'NA',
  padua: 'PD',
  pesaro: 'PU',
  'reggio emilia': 'RE',
  'reggio di calabria': 'RC',
  rome: 'RM',
  turin: 'TO',
  venice: 'VE',
  verbania: 'VB',
};

const regionAliases: Record<string, string> = {
  'aosta valley': 'IT-23',
  apulia: 'IT-75',
  friuli: 'IT-36',
  lombardy: 'IT-25',
  piedmont: 'IT-21',
  sardinia: 'IT-88',
  sicily: 'IT-82',
  'trentino alto adige sudtirol': 'IT-32',
  'trentino sudtirol': 'IT-32',
  'trentino south tyrol': 'IT-32',
  tuscany: 'IT-52',
};

const provinceCodes = new Map<string, string>([
  ...Object.entries(italianProvinces).flatMap(([code, name]): [string, string][] => [
    [folded(code), code],
    [folded(name), code],
  ]),
  ...Object.entries(provinceAliases),
]);

const regionNames = new Map<string, string>(
  italianRegions.flatMap(({ code, name }): [string, string][] => [
    [folded(name), name],
    [folded(code), name],
  ]),
);
for (const [alias, wanted] of Object.entries(regionAliases)) {
  regionNames.set(alias, italianRegions.find(({ code }) => code === wanted)!.name);
}

const provinceWords = /^(?:it |prov(?:incia)? (?:autonoma )?(?:di |del |della |dell |d )?|citta metropolitana di )/;

/** The code of an Italian province that a text names, such as MO for "mo", "Modena", "(MO)" or "Provincia di Modena". */
export function italianProvinceCode(text: string): string | undefined {
  const plain = folded(text);
  const known = provinceCodes.get(plain) ?? provinceCodes.get(plain.replace(provinceWords, ''));
  if (known) return known;
  // "Modena (MO)" and "MO - Modena", as long as both say the same.
  const words = /^(?<first>\w{2}) (?<name>.+)$|^(?<named>.+) (?<last>\w{2})$/.exec(plain)?.groups;
  const code = provinceCodes.get(words?.['first'] ?? words?.['last'] ?? '');
  return code && provinceCodes.get(words?.['name'] ?? words?.['named'] ?? '') === code ? code : undefined;
}

/** The name of an Italian region as ISTAT writes it, such as Emilia-Romagna for "emilia romagna" or "IT-45". */
export function italianRegionName(text: string): string | undefined {
  const plain = folded(text);
  return regionNames.get(plain) ?? regionNames.get(plain.replace(/^regione (?:autonoma )?/, ''));
}

/** Lower case without accents, and every run of other characters a blank. */
function folded(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}
