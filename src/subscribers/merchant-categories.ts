import type { ValidationOptions } from 'class-validator';
import type { Fault } from '../platform/problems/field-error.js';
import { Rule } from '../platform/validation/rule.js';

/** Categories of businesses. Codes are stored and never change their meaning; names may be reworded. */
const categories = [
  { code: 'grocery', it: 'Alimentari, frutta e bevande', en: 'Grocery, fruit and drinks' },
  { code: 'bakery', it: 'Panificio e pasticceria', en: 'Bakery and pastry shop' },
  { code: 'butcher', it: 'Macelleria, pescheria e gastronomia', en: 'Butcher, fishmonger and delicatessen' },
  { code: 'restaurant', it: 'Ristorante e pizzeria', en: 'Restaurant and pizzeria' },
  { code: 'cafe', it: 'Bar e gelateria', en: 'Café and ice-cream parlour' },
  { code: 'clothing', it: 'Abbigliamento e calzature', en: 'Clothing and shoes' },
  { code: 'jewellery', it: 'Gioielleria e orologeria', en: 'Jewellery and watches' },
  { code: 'home', it: 'Casa, arredamento e casalinghi', en: 'Home, furniture and housewares' },
  { code: 'hardware', it: 'Ferramenta e materiali edili', en: 'Hardware and building materials' },
  { code: 'electronics', it: 'Elettronica, telefonia ed elettrodomestici', en: 'Electronics, phones and appliances' },
  { code: 'books', it: 'Libreria, cartoleria e giocattoli', en: 'Books, stationery and toys' },
  { code: 'flowers', it: 'Fiori, piante e giardinaggio', en: 'Flowers, plants and gardening' },
  { code: 'pets', it: 'Animali e veterinari', en: 'Pets and veterinary practice' },
  { code: 'wholesale', it: 'Commercio all’ingrosso', en: 'Wholesale' },
  { code: 'pharmacy', it: 'Farmacia e parafarmacia', en: 'Pharmacy' },
  { code: 'optician', it: 'Ottica e apparecchi acustici', en: 'Optician and hearing aids' },
  { code: 'health', it: 'Studio medico, dentistico e sanitario', en: 'Medical, dental and health practice' },
  { code: 'hairdresser', it: 'Parrucchiere e barbiere', en: 'Hairdresser and barber' },
  { code: 'beauty', it: 'Estetica e benessere', en: 'Beauty and wellness' },
  { code: 'legal', it: 'Studio legale e notarile', en: 'Lawyer and notary' },
  { code: 'accounting', it: 'Commercialista e consulente del lavoro', en: 'Accounting and payroll' },
  { code: 'engineering', it: 'Architettura, ingegneria e geometri', en: 'Architecture, engineering and surveying' },
  {
    code: 'real_estate',
    it: 'Agenzia immobiliare e amministrazione condomini',
    en: 'Real estate and property management',
  },
  { code: 'insurance', it: 'Assicurazioni e servizi finanziari', en: 'Insurance and financial services' },
  { code: 'it', it: 'Informatica e servizi digitali', en: 'IT and digital services' },
  { code: 'communication', it: 'Comunicazione, stampa e fotografia', en: 'Communication, printing and photography' },
  { code: 'building', it: 'Edilizia e impianti', en: 'Building and installation' },
  { code: 'crafts', it: 'Artigianato e laboratori', en: 'Crafts and workshops' },
  { code: 'vehicles', it: 'Auto, moto e officine', en: 'Cars, motorcycles and garages' },
  { code: 'cleaning', it: 'Lavanderia, sartoria e pulizie', en: 'Laundry, tailoring and cleaning' },
  { code: 'manufacturing', it: 'Industria e produzione', en: 'Manufacturing' },
  { code: 'agriculture', it: 'Agricoltura e allevamento', en: 'Agriculture and livestock' },
  { code: 'transport', it: 'Trasporti e logistica', en: 'Transport and logistics' },
  { code: 'travel', it: 'Viaggi e turismo', en: 'Travel and tourism' },
  { code: 'accommodation', it: 'Alberghi e alloggi', en: 'Hotels and accommodation' },
  { code: 'fitness', it: 'Palestra e impianti sportivi', en: 'Gym and sports facilities' },
  { code: 'culture', it: 'Cinema, teatri, musei ed eventi', en: 'Cinemas, theatres, museums and events' },
  { code: 'school', it: 'Scuola, asilo e formazione', en: 'School, nursery and training' },
  { code: 'sports_association', it: 'Associazione sportiva', en: 'Sports association' },
  { code: 'cultural_association', it: 'Associazione culturale', en: 'Cultural association' },
  { code: 'voluntary_association', it: 'Volontariato e terzo settore', en: 'Voluntary and charitable association' },
  { code: 'religious_body', it: 'Parrocchia ed ente religioso', en: 'Parish and religious body' },
  { code: 'trade_association', it: 'Associazione di categoria e sindacato', en: 'Trade association and union' },
  { code: 'public_body', it: 'Ente pubblico', en: 'Public body' },
  { code: 'other', it: 'Altro', en: 'Other' },
] as const;

export type MerchantCategory = (typeof categories)[number]['code'];

const codes: ReadonlySet<string> = new Set(categories.map(({ code }) => code));

/** The categories for a form: sorted by name in the language, `other` last. */
export function merchantCategories(locale: 'it' | 'en'): { code: MerchantCategory; name: string }[] {
  const { compare } = new Intl.Collator(locale);
  return categories
    .map((category) => ({ code: category.code, name: category[locale] }))
    .sort((a, b) => Number(a.code === 'other') - Number(b.code === 'other') || compare(a.name, b.name));
}

/** The name of a category, and of one that is not listed any more that of `other`. */
export function categoryNameOf(code: string, locale: 'it' | 'en'): string {
  return (categories.find((category) => category.code === code) ?? categories.at(-1)!)[locale];
}

export function isMerchantCategory(code: unknown): code is MerchantCategory {
  return typeof code === 'string' && codes.has(code);
}

export function IsMerchantCategory(options?: ValidationOptions): PropertyDecorator {
  const judge = (value: unknown): Fault | undefined =>
    isMerchantCategory(value) ? undefined : { code: 'is_merchant_category' };
  return Rule('isMerchantCategory', judge, options);
}
