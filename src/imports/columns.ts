import { type ImportField, importFields } from '../contract/imports.js';
import { italianProvinceCode, italianRegionName } from '../places/italy.js';
import { isFormulaError, isLikeAddress } from './cells.js';
import type { Row } from './csv.js';

/** One column alone stands for it: codes of different columns are different codes. Of other fields the first value counts, of labels and notes all. */
export const singleFields: readonly ImportField[] = ['externalId'];

/**
 * Column names as address books, shops and mail programs write them in Italian, English, German, French and Spanish:
 * folded to small letters without accents, digits and signs. Of two columns for one field the earlier name wins.
 */
const columnNames: Record<ImportField, string> = {
  firstName: `nome nomedibattesimo primonome firstname givenname forename fname vorname prenom nombre
    billingfirstname customerfirstname defaultaddressfirstname nomecontatto firstnamebilling firstnameshipping`,
  surname: `cognome surname lastname familyname lname nachname familienname nomdefamille apellidos apellido primerapellido
    sobrenome billinglastname customerlastname cognomecontatto lastnamebilling lastnameshipping`,
  fullName: `nominativo nominativocliente cognomeenome cognomenome nomeecognome nomecognome nomecompleto nomeintestatario
    fullname displayname nomevisualizzato cliente nomecliente customername clientname contactname customer intestatario
    intestazione destinatario anzeigename vollstandigername nomcomplet nombrecompleto fileas archiviacome`,
  companyName: `ragionesociale ragionesocialecliente ragsociale ragsoc azienda ditta impresa societa denominazione
    nomeazienda nomesocieta nomeditta ente associazione organizzazione company companyname organisation organization
    organizationname organisationname business businessname billingcompany defaultaddresscompany firma unternehmen
    societe entreprise empresa organizacion compania companybilling companyshipping`,
  companyType: `formagiuridica naturagiuridica tiposocieta tipoazienda companytype legalform rechtsform`,
  email: `email mail emailaddress emailvalue postaelettronica indirizzoemail indirizzomail indirizzodipostaelettronica
    indirizzopostaelettronica indirizzodiposta primaryemail secondaryemail emailprimaria emailsecondaria emailprincipale
    emailprimario emailsecondario emailcliente emailclienti emailpersonale emailaziendale emailcontatto emailcasa
    emailufficio emaillavoro emailhome emailwork emailother recapitoemail contattoemail customeremail clientemail useremail billingemail
    contactemail shippingemail homeemail workemail personalemail businessemail emailfatturazione emaildifatturazione
    emailadresse emailadressen adressedemessagerie adresseemail adressemail adresseelectronique courriel correo
    correoelectronico direcciondecorreoelectronico direcciondecorreo direccionemail emaildelcliente emailbilling
    pec emailpec indirizzopec pecaziendale postacertificata postaelettronicacertificata domiciliodigitale`,
  phone: '',
  region: `regione region regionname addressregion bundesland comunidadautonoma`,
  province: `provincia prov siglaprovincia province provincecode provinciaresidenza provinciadiresidenza provinciaab
    provinciacasa provinciauff provinciaufficio provinciaaltro defaultaddressprovincecode billingprovince billingstate
    homestate businessstate state stateprovince stateregion statecodebilling statenamebilling statecodeshipping
    statenameshipping`,
  sector: `settore settoremerceologico settoreattivita attivita sector industry categoria category branche secteur`,
  externalId: `externalid codicecliente codcliente codcli idcliente numerocliente ncliente customerid customercode
    customernumber customerno codicesocio numerosocio nsocio idsocio memberid membernumber memberno matricola tessera
    numerotessera ntessera kundennummer numeroclient codigocliente codice id`,
  labels: `etichette etichetta tags tag labels groupmembership gruppi gruppo groups group customergroup gruppocliente categorie
    categories kategorien categorias`,
  note: `note nota notes annotazioni osservazioni commenti comments remarks remarques notizen notiz notas customernote memo`,
};

const ranks = new Map<string, { field: ImportField; rank: number }>(
  importFields.flatMap((field) =>
    columnNames[field]
      .trim()
      .split(/\s+/)
      .filter(Boolean)
      .map((name, rank): [string, { field: ImportField; rank: number }] => [name, { field, rank }]),
  ),
);

/** Maximum length of a meaningful column name. */
const mostNameCharacters = 1_000;

const phoneWords =
  /cell|mobil|handy|movil|portable|gsm|whatsapp|phone(?!ti[cq])|telefon|telef|^tel(?!evision)|^numeroditel|recapitotel/;
const mobileWords = /cell|mobil|handy|movil|portable|whatsapp/;
const noPhone = /fax|type|tipo|label|etichett|ext|^mobileapp|telex|callback|radio|carrier/;

/** Names that stand for something else depending on the columns beside them. */
const namesAlone = ['name', 'nom'];

/** The field that a column's name alone suggests. */
export function fieldNamed(column: string): { field: ImportField; rank: number } | undefined {
  const name = foldedName(column);
  const known = ranks.get(name);
  if (known) return known;
  if (phoneWords.test(name) && !noPhone.test(name)) {
    return { field: 'phone', rank: name.endsWith('shipping') ? 2 : mobileWords.test(name) ? 0 : 1 };
  }
  return namesAlone.includes(name) ? { field: 'fullName', rank: 99 } : undefined;
}

/** The field of each column, judged by its name and content, or null. */
export function guessFields(columns: readonly string[], sample: readonly Row[]): (ImportField | null)[] {
  const named = columns.map(fieldNamed);
  const mailchimp = columns.some((column) => /^(member_rating|leid|euid)$/i.test(column.trim()));
  const guesses = columns.map((column, index): { field: ImportField; rank: number } | undefined => {
    const guess = named[index];
    if (!guess) return undefined;
    const cells = cellsOf(sample, index);
    const among = (fields: ImportField[]) =>
      named.some((each, other) => other !== index && each && fields.includes(each.field));
    const name = foldedName(column);
    if (name === 'name' || name === 'nom') return { ...guess, field: nameField(columns, among) };
    if (guess.field === 'firstName' && !among(['surname', 'companyName']) && share(cells, isSeveralWords) > 0.5) {
      return { ...guess, field: 'fullName' };
    }
    if (guess.field === 'email' && cells.length > 0 && share(cells, isLikeAddress) < 0.2) return undefined;
    if (guess.field === 'phone' && cells.length > 0 && share(cells, isLikePhone) < 0.5) return undefined;
    if (guess.field === 'region' || guess.field === 'province') {
      // Mailchimp tells where a mail was opened, by numbers.
      if (mailchimp && guess.field === 'region') return undefined;
      const field = placeField(guess.field, cells);
      return field && { ...guess, field };
    }
    return guess;
  });
  const fields = guesses.map((guess, index) => {
    if (!guess) return null;
    if (!singleFields.includes(guess.field)) return guess.field;
    const better = guesses.some(
      (other, place) =>
        other?.field === guess.field &&
        place !== index &&
        (other.rank < guess.rank || (other.rank === guess.rank && place < index)),
    );
    return better ? null : guess.field;
  });
  if (!fields.includes('email')) {
    for (const index of addressColumns(columns, fields, sample)) fields[index] = 'email';
  }
  return fields;
}

/** Columns without a field, most of whose cells are addresses that differ. */
export function addressColumns(
  columns: readonly string[],
  fields: readonly (ImportField | null)[],
  sample: readonly Row[],
): number[] {
  return columns.flatMap((_, index) => {
    if (fields[index] !== null) return [];
    const cells = cellsOf(sample, index);
    const distinct = new Set(cells.map((cell) => cell.toLowerCase())).size;
    return cells.length > 0 && share(cells, isLikeAddress) >= 0.6 && distinct > cells.length / 2 ? index : [];
  });
}

/**
 * The order in which the columns of a field are tried: ordinary mailboxes before certified ones, mobiles first, and
 * otherwise by their names.
 */
export function inOrderOfUse(columns: readonly string[], field: ImportField, indexes: readonly number[]): number[] {
  const rank = (index: number) => {
    const column = columns[index] ?? '';
    if (field === 'email') return /pec|certificata|domiciliodigitale/.test(foldedName(column)) ? 1 : 0;
    if (field === 'labels' || field === 'note') return 0;
    const named = fieldNamed(column);
    return named?.field === field ? named.rank : 0;
  };
  return [...indexes].sort((a, b) => rank(a) - rank(b) || a - b);
}

const displayNames =
  /^(?:email(?:address)?displayname|nomevisualizzato(?:indirizzo)?(?:di)?postaelettronica|emailangezeigtername|nomcompletdel?adressedemessagerie|nombredepantalladecorreo(?:electronico)?)$/;

/** The columns beside those of addresses in which Outlook writes who an address is of, often with another one in brackets. */
export function displayNameColumns(columns: readonly string[]): number[] {
  return columns.flatMap((column, index) => (displayNames.test(foldedName(column)) ? index : []));
}

function nameField(columns: readonly string[], among: (fields: ImportField[]) => boolean): ImportField {
  const folded = columns.map(foldedName);
  // In German "Name" beside "Vorname", in French "Nom" beside "Prénom".
  if (folded.includes('vorname') || folded.includes('prenom')) return 'surname';
  return among(['surname']) && !among(['firstName']) ? 'firstName' : 'fullName';
}

/** A column called "State" or "Region" may hold provinces, and the other way round. */
function placeField(named: 'region' | 'province', cells: readonly string[]): 'region' | 'province' | undefined {
  if (cells.length === 0) return named;
  if (share(cells, (cell) => italianProvinceCode(cell) !== undefined) > 0.5) return 'province';
  if (share(cells, (cell) => italianRegionName(cell) !== undefined) > 0.5) return 'region';
  return share(cells, (cell) => /\p{L}{2}/u.test(cell)) > 0.5 ? named : undefined;
}

/** The name that a column's is compared by; none of one that is longer than names are. */
function foldedName(column: string): string {
  if (column.length > mostNameCharacters) return '';
  return column
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z]/g, '');
}

const looked = 500;

/** Errors of formulas say nothing of what their column holds. */
function cellsOf(sample: readonly Row[], index: number): string[] {
  return sample.slice(0, looked).flatMap(({ values }) => {
    const cell = values[index] ?? '';
    return cell === '' || isFormulaError(cell) ? [] : cell;
  });
}

function share(cells: readonly string[], test: (cell: string) => boolean): number {
  return cells.length === 0 ? 0 : cells.filter(test).length / cells.length;
}

const isLikePhone = (cell: string) => (cell.match(/\d/g)?.length ?? 0) >= 5;
const isSeveralWords = (cell: string) => /^\p{L}[\p{L}'’.-]*(?:\s+\p{L}[\p{L}'’.-]*)+$/u.test(cell);
