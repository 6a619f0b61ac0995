/**
 * The codes of field errors (`errors[].code` of a problem), with the names of the values that come with each and a sentence in
 * English and Italian. To show an error, a client replaces `{field}` with its own name of the field, and each `{name}` with
 * `values[name]`. Codes are only ever added.
 *
 * If one item of a list is wrong, `field` is the list and `values.item` the index of the item, from 0.
 */
export const fieldErrorCatalogue = {
  required: { values: [], en: '{field} is missing.', it: 'Manca {field}.' },
  unknown_field: { values: [], en: 'There is no field {field}.', it: 'Il campo {field} non esiste.' },
  exclusive: {
    values: [],
    en: '{field} cannot be combined with the other fields.',
    it: '{field} non si può combinare con gli altri campi.',
  },

  not_text: { values: [], en: '{field} must be text.', it: '{field} deve essere un testo.' },
  not_a_number: { values: [], en: '{field} must be a whole number.', it: '{field} deve essere un numero intero.' },
  not_boolean: { values: [], en: '{field} must be true or false.', it: '{field} deve essere vero o falso.' },
  not_a_list: { values: [], en: '{field} must be a list.', it: '{field} deve essere un elenco.' },
  not_an_object: {
    values: [],
    en: '{field} must be an object.',
    it: '{field} deve essere un oggetto.',
  },
  not_an_id: { values: [], en: '{field} must be an id (a UUID).', it: '{field} deve essere un identificativo (UUID).' },
  not_a_time: {
    values: [],
    en: '{field} must be a time such as 2026-01-31T09:30:00Z.',
    it: '{field} deve essere un orario come 2026-01-31T09:30:00Z.',
  },
  not_one_of: {
    values: ['allowed'],
    en: '{field} must be one of: {allowed}.',
    it: '{field} deve essere uno di questi valori: {allowed}.',
  },

  empty: { values: [], en: '{field} is empty.', it: '{field} è vuoto.' },
  no_words: {
    values: [],
    en: '{field} contains no word to search for.',
    it: '{field} non contiene parole da cercare.',
  },
  too_short: {
    values: ['limit'],
    en: '{field} must have at least {limit} characters.',
    it: '{field} deve avere almeno {limit} caratteri.',
  },
  too_long: {
    values: ['limit'],
    en: '{field} can have at most {limit} characters.',
    it: '{field} può avere al massimo {limit} caratteri.',
  },
  too_small: { values: ['limit'], en: '{field} must be at least {limit}.', it: '{field} deve essere almeno {limit}.' },
  too_large: {
    values: ['limit'],
    en: '{field} can be at most {limit}.',
    it: '{field} può essere al massimo {limit}.',
  },
  too_many: {
    values: ['limit'],
    en: '{field} can have at most {limit} entries.',
    it: '{field} può avere al massimo {limit} voci.',
  },
  not_unique: {
    values: [],
    en: '{field} contains the same entry twice.',
    it: '{field} contiene due volte la stessa voce.',
  },
  invalid_unicode: {
    values: [],
    en: '{field} contains an invalid character (a lone surrogate).',
    it: '{field} contiene un carattere non valido.',
  },
  invalid_characters: {
    values: [],
    en: '{field} contains characters that are not allowed.',
    it: '{field} contiene caratteri non ammessi.',
  },
  invalid_format: {
    values: [],
    en: '{field} has the wrong format.',
    it: '{field} non è nel formato giusto.',
  },
  unknown_attachment: {
    values: [],
    en: '{field} names a file that you cannot send here.',
    it: '{field} indica un file che qui non puoi inviare.',
  },
  unknown_placeholder: {
    values: ['allowed'],
    en: '{field} contains "{{" or "}}" outside of a placeholder; the placeholders are {allowed}.',
    it: '{field} contiene "{{" o "}}" fuori da un segnaposto; i segnaposto sono {allowed}.',
  },

  is_email_address: {
    values: ['limit'],
    en: '{field} must be an email address of at most {limit} characters.',
    it: '{field} deve essere un indirizzo email di al massimo {limit} caratteri.',
  },
  invisible_characters: {
    values: ['character'],
    en: '{field} contains an invisible character ({character}). Type the address instead of pasting it.',
    it: '{field} contiene un carattere invisibile ({character}). Scrivi l’indirizzo invece di incollarlo.',
  },
  at_sign: {
    values: [],
    en: '{field} contains a character that looks like @ but is a different one. Type the address with a plain @.',
    it: '{field} contiene un carattere che sembra @ ma non lo è. Scrivi l’indirizzo con una @ normale.',
  },
  domain_label: {
    values: ['label'],
    en: 'The domain of {field} contains an invalid part ({label}). Check the address.',
    it: 'Il dominio di {field} contiene una parte non valida ({label}). Controlla l’indirizzo.',
  },
  is_phone: {
    values: ['limit'],
    en: '{field} must be a phone number of at most {limit} characters.',
    it: '{field} deve essere un numero di telefono di al massimo {limit} caratteri.',
  },
  is_country: {
    values: [],
    en: '{field} must be an ISO 3166-1 country code, such as IT.',
    it: '{field} deve essere un codice paese ISO 3166-1, come IT.',
  },
  is_merchant_category: {
    values: [],
    en: '{field} must be the code of a merchant category.',
    it: '{field} deve essere il codice di una categoria merceologica.',
  },
  is_time_zone: {
    values: [],
    en: '{field} must be a time zone such as Europe/Rome.',
    it: '{field} deve essere un fuso orario come Europe/Rome.',
  },

  username_too_short: {
    values: ['limit'],
    en: 'A username must have at least {limit} characters.',
    it: 'Un nome utente deve avere almeno {limit} caratteri.',
  },
  username_too_long: {
    values: ['limit'],
    en: 'A username can have at most {limit} characters.',
    it: 'Un nome utente può avere al massimo {limit} caratteri.',
  },
  username_characters: {
    values: [],
    en: 'A username can contain only lower-case letters a to z, digits, full stops, hyphens and underscores.',
    it: 'Un nome utente può contenere solo lettere minuscole dalla a alla z, cifre, punti, trattini e trattini bassi.',
  },
  username_punctuation: {
    values: [],
    en: 'A username must begin and end with a letter or digit, without two punctuation marks in a row.',
    it: 'Un nome utente deve cominciare e finire con una lettera o una cifra, senza due segni di seguito.',
  },
  username_taken: {
    values: [],
    en: 'This username is taken; choose another.',
    it: 'Questo nome utente è già preso: scegline un altro.',
  },
  password_too_short: {
    values: ['limit'],
    en: 'A password must have at least {limit} characters.',
    it: 'Una password deve avere almeno {limit} caratteri.',
  },
  /** The limit counts bytes: accented letters take two or more. */
  password_too_long: {
    values: ['limit'],
    en: 'A password can have at most {limit} bytes; accented letters take two or more.',
    it: 'Una password può avere al massimo {limit} byte; le lettere accentate ne occupano due o più.',
  },
  password_characters: {
    values: [],
    en: 'A password must be valid Unicode without the character U+0000.',
    it: 'Una password deve essere Unicode valido senza il carattere U+0000.',
  },
  password_common: {
    values: [],
    en: 'This password is too easy to guess.',
    it: 'Questa password è troppo facile da indovinare.',
  },
  password_personal: {
    values: [],
    en: 'The password must not contain your username, email address or name.',
    it: 'La password non deve contenere il tuo nome utente, indirizzo email o nome.',
  },
  password_wrong: {
    values: [],
    en: 'The current password is wrong.',
    it: 'La password attuale è sbagliata.',
  },

  country_unknown: {
    values: [],
    en: 'The country must be an ISO 3166-1 code, such as IT.',
    it: 'Il paese deve essere un codice ISO 3166-1, come IT.',
  },
  postcode_format: {
    values: [],
    en: 'This is not a valid postcode for this country.',
    it: 'Questo non è un codice postale valido per questo paese.',
  },
  province_unknown: {
    values: [],
    en: 'An Italian province must be its two capital letters, such as MI.',
    it: 'Una provincia italiana si indica con la sigla di due lettere maiuscole, come MI.',
  },
  province_text: {
    values: [],
    en: 'The province is too long, or contains characters that are not allowed.',
    it: 'La provincia è troppo lunga o contiene caratteri non ammessi.',
  },
  vat_number_format: {
    values: [],
    en: 'This is not a valid VAT number for this country.',
    it: 'Questa non è una partita IVA valida per questo paese.',
  },
  vat_number_check_digit: {
    values: [],
    en: 'The check digit of the VAT number is wrong. Check for a typing mistake.',
    it: 'La cifra di controllo della partita IVA è sbagliata. Controlla se c’è un errore di battitura.',
  },
  vat_number_country: {
    values: [],
    en: 'The VAT number belongs to a different country than the business.',
    it: 'La partita IVA è di un paese diverso da quello dell’impresa.',
  },
  tax_code_format: {
    values: [],
    en: 'This is not a valid tax code for this country.',
    it: 'Questo non è un codice fiscale valido per questo paese.',
  },
  tax_code_check_digit: {
    values: [],
    en: 'The check character of the tax code is wrong. Check for a typing mistake.',
    it: 'Il carattere di controllo del codice fiscale è sbagliato. Controlla se c’è un errore di battitura.',
  },
  tax_identity_required: {
    values: [],
    en: 'Enter the VAT number or the tax code of the business.',
    it: 'Inserisci la partita IVA o il codice fiscale dell’impresa.',
  },

  registration_code_invalid: {
    values: [],
    en: 'The registration code is unknown, already used or expired.',
    it: 'Il codice di registrazione è sconosciuto, già usato o scaduto.',
  },
  consent_required: {
    values: [],
    en: 'Accept the policies in force.',
    it: 'Accetta i documenti in vigore.',
  },
  acceptance_required: {
    values: [],
    en: 'You need this acceptance to use the service. To withdraw it, ask for the deletion of your data.',
    it: 'Questa accettazione è necessaria per usare il servizio. Per ritirarla, chiedi la cancellazione dei tuoi dati.',
  },
  cursor: { values: [], en: 'This is not a cursor of this list.', it: 'Questo non è un cursore di questo elenco.' },
  cursor_differs: {
    values: [],
    en: 'The list was started with a different {field}. Leave it out, or start again without a cursor.',
    it: 'L’elenco era iniziato con un altro valore di {field}. Non indicarlo, oppure ricomincia senza cursore.',
  },
  taken: { values: [], en: '{field} is taken.', it: '{field} è già in uso.' },
  unknown_label: {
    values: [],
    en: 'One of these labels does not exist.',
    it: 'Una di queste etichette non esiste.',
  },
  unknown_broadcast: {
    values: [],
    en: 'This broadcast does not exist.',
    it: 'Questa comunicazione non esiste.',
  },
  seen_times_off: {
    values: [],
    en: 'The business has turned seen times off, so it cannot know who has not seen a broadcast.',
    it: 'L’attività ha disattivato gli orari di lettura, quindi non si può sapere chi non ha visto una comunicazione.',
  },
  mapping: {
    values: [],
    en: 'The mapping does not match the columns of the file.',
    it: 'L’abbinamento non corrisponde alle colonne del file.',
  },
  header_row: {
    values: [],
    en: 'This line of the file is empty. Enter the number of the line with the column names.',
    it: 'Questa riga del file è vuota. Indica il numero della riga con i nomi delle colonne.',
  },
  sheet: {
    values: ['sheets'],
    en: 'The file has no such sheet. Its sheets are: {sheets}.',
    it: 'Il file non ha questo foglio. I fogli sono: {sheets}.',
  },
  labels: {
    values: ['labels', 'limit'],
    en: 'Enter at most {labels} labels of 1 to {limit} characters, separated by commas.',
    it: 'Indica al massimo {labels} etichette da 1 a {limit} caratteri, separate da virgole.',
  },
  not_for_interlocutors: {
    values: [],
    en: 'Only members of the business can use {field}.',
    it: 'Solo i collaboratori dell’attività possono usare {field}.',
  },
  not_for_members: {
    values: [],
    en: 'Only interlocutors can use {field}.',
    it: 'Solo gli interlocutori possono usare {field}.',
  },
  too_early: {
    values: ['limit'],
    en: '{field} must be at least {limit} minutes after the time of sending.',
    it: '{field} deve essere almeno {limit} minuti dopo l’orario di invio.',
  },
  not_a_push_service: {
    values: [],
    en: '{field} must be the https address of a public push service.',
    it: '{field} deve essere l’indirizzo https di un servizio di notifiche pubblico.',
  },
  in_the_past: { values: [], en: '{field} is in the past.', it: '{field} è nel passato.' },
  /** The next four are about `sendAt` of a broadcast. */
  past: {
    values: [],
    en: 'This time has passed. Leave it out to send now.',
    it: 'Questo orario è passato. Lascialo vuoto per inviare subito.',
  },
  too_far: {
    values: ['limit'],
    en: 'You can schedule a broadcast at most {limit} days ahead.',
    it: 'Un invio si può programmare al massimo {limit} giorni prima.',
  },
  time: {
    values: [],
    en: 'This is not a time such as 2026-12-24T09:00 or 2026-12-24T08:00:00Z.',
    it: 'Questo non è un orario come 2026-12-24T09:00 o 2026-12-24T08:00:00Z.',
  },
  skipped: {
    values: [],
    en: 'This time does not exist, because the clocks go forward.',
    it: 'Questo orario non esiste, perché le lancette vanno avanti di un’ora.',
  },
} as const satisfies Record<string, { values: readonly string[]; en: string; it: string }>;

export type FieldErrorCode = keyof typeof fieldErrorCatalogue;

type Scalar = string | number | boolean | null;
/** The values of a field error by name, such as `{ limit: 100 }`. */
export type FieldErrorValues = Readonly<Record<string, Scalar | readonly Scalar[]>>;
