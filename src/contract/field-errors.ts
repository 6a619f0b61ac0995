/**
 * The codes of field errors (`errors[].code` of a problem), with the names of the values that come with each and a sentence in
 * English and Italian. A client says an error in its user's language by replacing `{field}` with its own name of the field, and
 * each `{name}` with `values[name]`. Codes are only ever added.
 *
 * When one item of a list is meant, `values.item` says which, counted from 0; `field` is then the list.
 */
export const fieldErrorCatalogue = {
  required: { values: [], en: '{field} is missing.', it: 'Manca {field}.' },
  unknown_field: { values: [], en: 'There is no field {field}.', it: 'Il campo {field} non esiste.' },
  exclusive: {
    values: [],
    en: '{field} does not go together with the rest.',
    it: '{field} non va insieme al resto.',
  },

  not_text: { values: [], en: '{field} must be a text.', it: '{field} deve essere un testo.' },
  not_a_number: { values: [], en: '{field} must be a whole number.', it: '{field} deve essere un numero intero.' },
  not_boolean: { values: [], en: '{field} must be true or false.', it: '{field} deve essere vero o falso.' },
  not_a_list: { values: [], en: '{field} must be a list.', it: '{field} deve essere un elenco.' },
  not_an_object: {
    values: [],
    en: '{field} must be an object with fields of its own.',
    it: '{field} deve essere un oggetto con campi propri.',
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
    en: '{field} holds no word to search for.',
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
    en: '{field} holds the same entry twice.',
    it: '{field} contiene due volte la stessa voce.',
  },
  invalid_unicode: {
    values: [],
    en: '{field} holds a broken character (a lone surrogate).',
    it: '{field} contiene un carattere danneggiato.',
  },
  invalid_characters: {
    values: [],
    en: '{field} holds characters that are not possible there.',
    it: '{field} contiene caratteri non ammessi.',
  },
  invalid_format: {
    values: [],
    en: '{field} is not written as it should be.',
    it: '{field} non è scritto nella forma giusta.',
  },
  unknown_attachment: {
    values: [],
    en: '{field} names a file that you cannot send here.',
    it: '{field} indica un file che qui non puoi inviare.',
  },
  unknown_placeholder: {
    values: ['allowed'],
    en: '{field} holds "{{" or "}}" that is no placeholder; there are {allowed}.',
    it: '{field} contiene "{{" o "}}" che non è un segnaposto; ci sono {allowed}.',
  },

  is_email_address: {
    values: ['limit'],
    en: '{field} must be an email address of at most {limit} characters.',
    it: '{field} deve essere un indirizzo email di al massimo {limit} caratteri.',
  },
  invisible_characters: {
    values: ['character'],
    en: '{field} holds a character that cannot be seen ({character}). Type the address instead of copying it.',
    it: '{field} contiene un carattere che non si vede ({character}). Scrivi l’indirizzo invece di copiarlo.',
  },
  at_sign: {
    values: [],
    en: '{field} has a sign that looks like @ and is another character. Type the address with a plain @.',
    it: '{field} contiene un segno che sembra @ ma è un altro carattere. Scrivi l’indirizzo con una @ normale.',
  },
  domain_label: {
    values: ['label'],
    en: '{field} has a domain with a part that stands for no name ({label}). Check the address.',
    it: '{field} ha un dominio con una parte che non corrisponde a nessun nome ({label}). Controlla l’indirizzo.',
  },
  is_phone: {
    values: ['limit'],
    en: '{field} must be a telephone number of at most {limit} characters.',
    it: '{field} deve essere un numero di telefono di al massimo {limit} caratteri.',
  },
  is_country: {
    values: [],
    en: '{field} must be a country code of ISO 3166-1, such as IT.',
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
    en: 'A username has at least {limit} characters.',
    it: 'Un nome utente ha almeno {limit} caratteri.',
  },
  username_too_long: {
    values: ['limit'],
    en: 'A username has at most {limit} characters.',
    it: 'Un nome utente ha al massimo {limit} caratteri.',
  },
  username_characters: {
    values: [],
    en: 'A username is made of lower-case letters a to z, digits, full stops, hyphens and underscores.',
    it: 'Un nome utente è fatto di lettere minuscole dalla a alla z, cifre, punti, trattini e trattini bassi.',
  },
  username_punctuation: {
    values: [],
    en: 'A username begins and ends with a letter or digit and has no two signs in a row.',
    it: 'Un nome utente comincia e finisce con una lettera o una cifra e non ha due segni di seguito.',
  },
  username_taken: {
    values: [],
    en: 'This username is taken; choose another.',
    it: 'Questo nome utente è già preso: scegline un altro.',
  },
  password_too_short: {
    values: ['limit'],
    en: 'A password has at least {limit} characters.',
    it: 'Una password ha almeno {limit} caratteri.',
  },
  /** The limit counts bytes: accented letters take two or more. */
  password_too_long: {
    values: ['limit'],
    en: 'A password has at most {limit} bytes; accented letters take two or more.',
    it: 'Una password ha al massimo {limit} byte; le lettere accentate ne occupano due o più.',
  },
  password_characters: {
    values: [],
    en: 'A password is valid Unicode without the character U+0000.',
    it: 'Una password è Unicode valido senza il carattere U+0000.',
  },
  password_common: {
    values: [],
    en: 'This password is among those that are guessed first.',
    it: 'Questa password è tra quelle che si indovinano per prime.',
  },
  password_personal: {
    values: [],
    en: 'A password does not hold the username, the email address or the name of its owner.',
    it: 'Una password non contiene il nome utente, l’indirizzo email o il nome di chi la usa.',
  },
  password_wrong: {
    values: [],
    en: 'The current password is wrong.',
    it: 'La password attuale è sbagliata.',
  },

  country_unknown: {
    values: [],
    en: 'The country must be a code of ISO 3166-1, such as IT.',
    it: 'Il paese deve essere un codice ISO 3166-1, come IT.',
  },
  postcode_format: {
    values: [],
    en: 'This is not how a postcode of this country is written.',
    it: 'Un codice postale di questo paese non si scrive così.',
  },
  province_unknown: {
    values: [],
    en: 'An Italian province is given by its two capital letters, such as MI.',
    it: 'Una provincia italiana si indica con le due lettere maiuscole, come MI.',
  },
  province_text: {
    values: [],
    en: 'The province is too long, or holds characters that are not possible there.',
    it: 'La provincia è troppo lunga o contiene caratteri non ammessi.',
  },
  vat_number_format: {
    values: [],
    en: 'This is not how a VAT number of this country is written.',
    it: 'Una partita IVA di questo paese non si scrive così.',
  },
  vat_number_check_digit: {
    values: [],
    en: 'The check digit of the VAT number is wrong: please look for a slip.',
    it: 'La cifra di controllo della partita IVA è sbagliata: cerca un errore di battitura.',
  },
  vat_number_country: {
    values: [],
    en: 'The VAT number belongs to another country than the business.',
    it: 'La partita IVA è di un paese diverso da quello dell’impresa.',
  },
  tax_code_format: {
    values: [],
    en: 'This is not how a tax code of this country is written.',
    it: 'Un codice fiscale di questo paese non si scrive così.',
  },
  tax_code_check_digit: {
    values: [],
    en: 'The check character of the tax code is wrong: please look for a slip.',
    it: 'Il carattere di controllo del codice fiscale è sbagliato: cerca un errore di battitura.',
  },
  tax_identity_required: {
    values: [],
    en: 'Please give the VAT number or the tax code of the business.',
    it: 'Indica la partita IVA o il codice fiscale dell’impresa.',
  },

  registration_code_invalid: {
    values: [],
    en: 'The registration code is unknown, used or out of date.',
    it: 'Il codice di registrazione è sconosciuto, usato o scaduto.',
  },
  consent_required: {
    values: [],
    en: 'Accept the policies in force.',
    it: 'Accetta i documenti in vigore.',
  },
  acceptance_required: {
    values: [],
    en: 'This acceptance is needed to take part; to withdraw it, ask for your deletion.',
    it: 'Questa accettazione è necessaria per partecipare; per ritirarla, chiedi la tua cancellazione.',
  },
  cursor: { values: [], en: 'This is not a cursor of this list.', it: 'Questo non è un cursore di questo elenco.' },
  cursor_differs: {
    values: [],
    en: 'The list was begun with another {field}. Leave it out, or begin anew without a cursor.',
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
    en: 'The business has switched seen-times off, so nobody is told who has not seen a broadcast.',
    it: 'L’attività ha disattivato gli orari di lettura, quindi non si può sapere chi non ha visto una comunicazione.',
  },
  mapping: {
    values: [],
    en: 'The mapping does not fit the columns of the file.',
    it: 'L’abbinamento non corrisponde alle colonne del file.',
  },
  header_row: {
    values: [],
    en: 'The file has nothing in this line. Give the number of the line that names the columns.',
    it: 'Il file non ha nulla in questa riga. Indica il numero della riga che dà il nome alle colonne.',
  },
  sheet: {
    values: ['sheets'],
    en: 'The file has no such sheet. It has: {sheets}.',
    it: 'Il file non ha questo foglio. Ha: {sheets}.',
  },
  labels: {
    values: ['labels', 'limit'],
    en: 'Name at most {labels} labels of 1 to {limit} characters, between commas.',
    it: 'Indica al massimo {labels} etichette da 1 a {limit} caratteri, separate da virgole.',
  },
  not_for_interlocutors: {
    values: [],
    en: 'Only members of the business can ask for {field}.',
    it: 'Solo i collaboratori dell’attività possono indicare {field}.',
  },
  not_for_members: {
    values: [],
    en: 'Only interlocutors can ask for {field}.',
    it: 'Solo gli interlocutori possono indicare {field}.',
  },
  too_early: {
    values: ['limit'],
    en: '{field} must lie at least {limit} minutes after the time of sending.',
    it: '{field} deve essere almeno {limit} minuti dopo l’orario di invio.',
  },
  not_a_push_service: {
    values: [],
    en: '{field} must be the https address of a public push service.',
    it: '{field} deve essere l’indirizzo https di un servizio di notifiche pubblico.',
  },
  in_the_past: { values: [], en: '{field} is in the past.', it: '{field} è nel passato.' },
  /** The next four are said of `sendAt` of a broadcast. */
  past: {
    values: [],
    en: 'This time has passed. Leave it out to send now.',
    it: 'Questo orario è passato. Lascialo vuoto per inviare subito.',
  },
  too_far: {
    values: ['limit'],
    en: 'A broadcast can be planned at most {limit} days ahead.',
    it: 'Un invio si può programmare al massimo {limit} giorni prima.',
  },
  time: {
    values: [],
    en: 'This is not a time such as 2026-12-24T09:00 or 2026-12-24T08:00:00Z.',
    it: 'Questo non è un orario come 2026-12-24T09:00 o 2026-12-24T08:00:00Z.',
  },
  skipped: {
    values: [],
    en: 'There is no such time: the clocks are put forward over it.',
    it: 'Questo orario non esiste: le lancette vengono spostate avanti.',
  },
} as const satisfies Record<string, { values: readonly string[]; en: string; it: string }>;

export type FieldErrorCode = keyof typeof fieldErrorCatalogue;

type Scalar = string | number | boolean | null;
/** The values of a field error by name, such as `{ limit: 100 }`. */
export type FieldErrorValues = Readonly<Record<string, Scalar | readonly Scalar[]>>;
