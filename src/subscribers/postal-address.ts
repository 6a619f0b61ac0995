import type { ValidationOptions } from 'class-validator';
import isoCountries from 'i18n-iso-countries/index.js';
import type { FieldError } from '../contract/errors.js';
import { Rule } from '../platform/validation/rule.js';
import { plainTextProblem } from '../platform/validation/text.js';

const provinceMaxLength = 60;

/**
 * ISO 3166-1 alpha-2, and XK for Kosovo, which ISO leaves to its users. Names come from Node's Unicode CLDR: those of
 * the library are partly official long forms ("People's Republic of China").
 */
const countryCodes: ReadonlySet<string> = new Set(Object.keys(isoCountries.getAlpha2Codes()));

/**
 * The two-letter codes of the Italian provinces, metropolitan cities and corresponding units, by name (ISTAT, Codici
 * delle unità amministrative, 2026): 110 with the Sardinian ones of regional law 7/2021, in force since 2025. Four of
 * these are written with their codes of before 2016 (OT, OG, VS, CI; in early 2026 no decree had settled others), while
 * the civil registry ANPR still files their towns under SU or SS: SU is accepted until the registry has changed over.
 */
export const italianProvinces: Readonly<Record<string, string>> = {
  AG: 'Agrigento',
  AL: 'Alessandria',
  AN: 'Ancona',
  AO: 'Aosta',
  AP: 'Ascoli Piceno',
  AQ: 'L’Aquila',
  AR: 'Arezzo',
  AT: 'Asti',
  AV: 'Avellino',
  BA: 'Bari',
  BG: 'Bergamo',
  BI: 'Biella',
  BL: 'Belluno',
  BN: 'Benevento',
  BO: 'Bologna',
  BR: 'Brindisi',
  BS: 'Brescia',
  BT: 'Barletta-Andria-Trani',
  BZ: 'Bolzano',
  CA: 'Cagliari',
  CB: 'Campobasso',
  CE: 'Caserta',
  CH: 'Chieti',
  CI: 'Sulcis Iglesiente',
  CL: 'Caltanissetta',
  CN: 'Cuneo',
  CO: 'Como',
  CR: 'Cremona',
  CS: 'Cosenza',
  CT: 'Catania',
  CZ: 'Catanzaro',
  EN: 'Enna',
  FC: 'Forlì-Cesena',
  FE: 'Ferrara',
  FG: 'Foggia',
  FI: 'Firenze',
  FM: 'Fermo',
  FR: 'Frosinone',
  GE: 'Genova',
  GO: 'Gorizia',
  GR: 'Grosseto',
  IM: 'Imperia',
  IS: 'Isernia',
  KR: 'Crotone',
  LC: 'Lecco',
  LE: 'Lecce',
  LI: 'Livorno',
  LO: 'Lodi',
  LT: 'Latina',
  LU: 'Lucca',
  MB: 'Monza e della Brianza',
  MC: 'Macerata',
  ME: 'Messina',
  MI: 'Milano',
  MN: 'Mantova',
  MO: 'Modena',
  MS: 'Massa-Carrara',
  MT: 'Matera',
  NA: 'Napoli',
  NO: 'Novara',
  NU: 'Nuoro',
  OG: 'Ogliastra',
  OR: 'Oristano',
  OT: 'Gallura Nord-Est Sardegna',
  PA: 'Palermo',
  PC: 'Piacenza',
  PD: 'Padova',
  PE: 'Pescara',
  PG: 'Perugia',
  PI: 'Pisa',
  PN: 'Pordenone',
  PO: 'Prato',
  PR: 'Parma',
  PT: 'Pistoia',
  PU: 'Pesaro e Urbino',
  PV: 'Pavia',
  PZ: 'Potenza',
  RA: 'Ravenna',
  RC: 'Reggio Calabria',
  RE: 'Reggio nell’Emilia',
  RG: 'Ragusa',
  RI: 'Rieti',
  RM: 'Roma',
  RN: 'Rimini',
  RO: 'Rovigo',
  SA: 'Salerno',
  SI: 'Siena',
  SO: 'Sondrio',
  SP: 'La Spezia',
  SR: 'Siracusa',
  SS: 'Sassari',
  SU: 'Sud Sardegna',
  SV: 'Savona',
  TA: 'Taranto',
  TE: 'Teramo',
  TN: 'Trento',
  TO: 'Torino',
  TP: 'Trapani',
  TR: 'Terni',
  TS: 'Trieste',
  TV: 'Treviso',
  UD: 'Udine',
  VA: 'Varese',
  VB: 'Verbano-Cusio-Ossola',
  VC: 'Vercelli',
  VE: 'Venezia',
  VI: 'Vicenza',
  VR: 'Verona',
  VS: 'Medio Campidano',
  VT: 'Viterbo',
  VV: 'Vibo Valentia',
};

export interface PostalAddress {
  /** ISO 3166-1 alpha-2. */
  country: string;
  postcode: string;
  province?: string | null | undefined;
}

export function isCountry(code: unknown): code is string {
  return typeof code === 'string' && countryCodes.has(code);
}

export function IsCountry(options?: ValidationOptions): PropertyDecorator {
  return Rule('isCountry', (value) => (isCountry(value) ? undefined : { code: 'is_country' }), options);
}

/** All countries, sorted by name as the language sorts. */
export function countries(locale: 'it' | 'en'): { code: string; name: string }[] {
  const names = new Intl.DisplayNames(locale, { type: 'region' });
  const { compare } = new Intl.Collator(locale);
  return [...countryCodes]
    .map((code) => ({ code, name: names.of(code) ?? code }))
    .sort((a, b) => compare(a.name, b.name));
}

export function isItalianProvince(code: unknown): boolean {
  return typeof code === 'string' && Object.hasOwn(italianProvinces, code);
}

/**
 * Faults of country, postcode and province, of which the last may be missing or blank. An Italian postcode
 * (CAP) has five digits from 00010 (towns around Rome) to 98168 (Messina), the ends of the list of Poste Italiane;
 * whether it is assigned is not checked. Elsewhere it has 2 to 12 letters, digits, blanks and hyphens, so that "--"
 * can stand for none.
 */
export function addressErrors({ country, postcode, province }: PostalAddress): FieldError[] {
  if (!isCountry(country)) {
    const message = 'The country must be an ISO 3166-1 code, such as IT.';
    return [{ field: 'country', code: 'country_unknown', message }];
  }
  return [postcodeError(country, postcode), provinceError(country, province)].filter((error) => error !== undefined);
}

function postcodeError(country: string, postcode: string): FieldError | undefined {
  const text = postcode.trim();
  if (country === 'IT') {
    if (/^\d{5}$/.test(text) && text >= '00010' && text <= '98168') return undefined;
    const message = 'An Italian postcode must have five digits, from 00010 to 98168.';
    return { field: 'postcode', code: 'postcode_format', message };
  }
  if (/^[A-Za-z0-9 -]{2,12}$/.test(text)) return undefined;
  const message = 'A postcode must have 2 to 12 letters, digits, spaces or hyphens.';
  return { field: 'postcode', code: 'postcode_format', message };
}

function provinceError(country: string, province: string | null | undefined): FieldError | undefined {
  if (!province?.trim()) return undefined;
  if (country === 'IT') {
    if (isItalianProvince(province.trim())) return undefined;
    const message = 'An Italian province must be its two capital letters, such as MI.';
    return { field: 'province', code: 'province_unknown', message };
  }
  const problem = plainTextProblem(province, { min: 1, max: provinceMaxLength });
  return problem ? { field: 'province', code: 'province_text', message: `The province ${problem}.` } : undefined;
}
