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

/** Further names, folded, as lists and programs in Italy and abroad write them, and codes that have changed. */
const provinceAliases: Record<string, string> = {
  AO: 'aoste, valle d aosta, vallee d aoste',
  AP: 'ascoli',
  AQ: 'aquila',
  BT: 'andria, barletta, bat, trani',
  BZ: 'alto adige, bolzano alto adige, bolzano bozen, bozen, bozen bolzano, sudtirol',
  CI: 'carbonia, carbonia iglesias, iglesias',
  FC: 'cesena, fo, forli',
  FI: 'florence, florenz',
  GE: 'genoa, genua',
  MB: 'brianza, monza, monza brianza, monza e brianza',
  MI: 'mailand, milan',
  MN: 'mantua',
  MS: 'carrara, massa',
  NA: 'naples, neapel',
  OT: 'gallura, olbia, olbia tempio',
  PD: 'padua',
  PU: 'pesaro, pesaro urbino, ps, urbino',
  RC: 'reggio di calabria',
  RE: 'reggio emilia',
  RM: 'roma capitale, rome',
  SP: 'spezia',
  TN: 'trentino, trient',
  TO: 'turin',
  VB: 'vco, verbania',
  VE: 'venedig, venice, venise',
  VV: 'vibo',
};

const regionAliases: Record<string, string> = {
  'IT-21': 'piedmont, piemont',
  'IT-23': 'aosta, aosta valley, aostatal, val d aosta, valle d aosta vallee d aoste, vallee d aoste, vda',
  'IT-25': 'lombardei, lombardie, lombardy',
  'IT-32':
    'alto adige, sudtirol, trentino, trentino alto adige sudtirol, trentino south tyrol, trentino sudtirol, trentin haut adige',
  'IT-34': 'venetien, venetie',
  'IT-36': 'friuli, friuli v g, friuli vg, friaul julisch venetien, frioul venetie julienne, fvg, venezia giulia',
  'IT-42': 'ligurie, ligurien',
  'IT-45': 'e romagna, emilia, emilia r, emilie romagne, romagna',
  'IT-52': 'toscane, toskana, tuscany',
  'IT-55': 'ombrie, umbrien',
  'IT-57': 'le marche',
  'IT-62': 'latium',
  'IT-65': 'abruzzen, abruzzes, abruzzi',
  'IT-72': 'campanie, kampanien',
  'IT-75': 'apulia, apulien, pouilles, puglie',
  'IT-77': 'lucania',
  'IT-78': 'calabre, kalabrien',
  'IT-82': 'sicile, sicily, sizilien',
  'IT-88': 'sardaigne, sardigna, sardinia, sardinien',
};

const provinces = namesOf(Object.entries(italianProvinces), provinceAliases);
const regions = namesOf(
  italianRegions.map(({ code, name }) => [code, name]),
  regionAliases,
);

const provinceWords =
  /^(?:(?:it )?prov(?:incia)? (?:aut(?:onoma)? )?(?:di |de |del |della |dell |d )?|it |citta metr(?:opolitana)? (?:di )?|libero consorzio (?:comunale )?(?:di )?)/;
const regionWords = /^regione (?:autonoma )?(?:della |dell |del |di )?/;
const country = / (?:italia|italien|italie|italy|it)$/;

/** The code of an Italian province that a text names, such as MO for "mo", "Modena", "(MO)" or "Provincia di Modena". */
export function italianProvinceCode(text: string): string | undefined {
  const whole = folded(text);
  const known = provinces(whole);
  if (known) return known;
  const plain = whole.replace(country, '').replace(provinceWords, '');
  // "Modena (MO)" and "MO - Modena", as long as both say the same.
  const { first, name, named, last } =
    /^(?<first>\w{2}) (?<name>.+)$|^(?<named>.+) (?<last>\w{2})$/.exec(plain)?.groups ?? {};
  const code = provinces(first ?? last ?? '');
  return provinces(plain) ?? (code && provinces(name ?? named ?? '') === code ? code : undefined);
}

/** The name of an Italian region as ISTAT writes it, such as Emilia-Romagna for "emilia romagna", "Emilia" or "IT-45". */
export function italianRegionName(text: string): string | undefined {
  const plain = folded(text);
  const code = regions(plain) ?? regions(plain.replace(country, '').replace(regionWords, ''));
  return code && regionNames.get(code);
}

const regionNames = new Map(italianRegions.map(({ code, name }) => [code, name]));

/** Finds the code of a folded name, also of one that is written together: "laquila", "forlicesena". */
function namesOf(
  names: readonly (readonly [code: string, name: string])[],
  aliases: Record<string, string>,
): (name: string) => string | undefined {
  const codes = new Map<string, string>();
  const joined = new Map<string, string>();
  const further = Object.entries(aliases).flatMap(([code, list]) =>
    list.split(', ').map((name) => [code, name] as const),
  );
  for (const [code, name] of [...names, ...further]) {
    codes.set(folded(code), code).set(folded(name), code);
    joined.set(folded(name).replaceAll(' ', ''), code);
  }
  return (name) => {
    const known = codes.get(name);
    if (known) return known;
    const together = name.replaceAll(' ', '');
    // "n/a" is not NA.
    return together.length < fewestJoined ? undefined : joined.get(together);
  };
}

/** No name of a place that is written in parts is shorter. */
const fewestJoined = 5;

/** Lower case without accents, and every run of other characters a blank. */
function folded(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}
