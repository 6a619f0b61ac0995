import type { ErrorCode, FieldError, Problem } from '../../src/contract/errors.js';
import { limits } from '../../src/contract/limits.js';
import { fieldErrorText } from '../../src/contract/rules/field-error-texts.js';
import { Refused, Unanswered } from '../api/index.js';
import { counted } from './forms.js';
import { type Locale, locale } from './locale.js';

type Sentences = Record<ErrorCode, string | ((problem: Problem) => string)>;

const it: Sentences = {
  validation_failed: 'Qualcosa non va in quello che hai scritto. Guarda i campi segnati.',
  malformed_request: 'La richiesta non si capisce. Ricarica la pagina e riprova.',
  unauthenticated: 'La sessione è finita. Entra di nuovo.',
  sign_in_failed: 'Nome utente o password non sono giusti. Controlla e riprova.',
  origin_refused: 'Questa pagina è aperta da un indirizzo che il servizio non riconosce. Usa l’indirizzo ufficiale.',
  consent_required: 'Prima c’è una nuova informativa da leggere e accettare.',
  registration_closed: 'Qui la registrazione è chiusa.',
  registration_code_invalid:
    'Questo codice di registrazione non vale. Controllalo, o chiedilo di nuovo a chi gestisce il servizio.',
  not_the_sender: 'Puoi ritirare solo i messaggi che hai mandato tu.',
  conversation_restricted: 'La conversazione è limitata: si legge, ma per ora non si scrive.',
  subscriber_paused: 'L’attività è in pausa: per ora non si manda e non si riceve niente.',
  subscriber_closing: 'L’attività sta chiudendo: si può leggere ed esportare, ma non scrivere.',
  password_required: 'Per continuare serve la tua password.',
  password_wrong: 'La password attuale non è giusta.',
  not_found: 'Non c’è, o non c’è più.',
  attachment_not_found: 'Uno dei file non c’è più. Caricalo di nuovo.',
  method_not_allowed: 'Questo qui non si può fare.',
  request_timeout: 'La rete è troppo lenta: la richiesta non è arrivata intera. Riprova.',
  username_taken: 'Questo nome utente è già preso. Scegline un altro.',
  already_a_member: 'Questa persona è già un collaboratore, o è già invitata.',
  owner_stays: 'Il titolare non si può togliere.',
  unsent_files_limit: () =>
    `Hai già ${limits.unsentFilesPerAccount} file caricati e non inviati. Invia o togli qualcosa, poi riprova.`,
  members_limit: 'Hai già il numero massimo di collaboratori. Togline uno, poi riprova.',
  external_id_taken: 'Questo codice è già di un altro contatto.',
  label_taken: 'C’è già un’etichetta con questo nome.',
  address_full: 'Questo indirizzo è già confermato da troppi account. Usane un altro.',
  client_id_reused: 'Questo messaggio risulta già inviato con un altro testo. Scrivilo di nuovo.',
  broadcast_over: 'La comunicazione è già arrivata a tutti.',
  broadcast_begun: 'La comunicazione è già partita.',
  broadcast_changed: 'Qualcun altro ha cambiato la comunicazione intanto.',
  broadcast_not_held: 'La comunicazione non è in attesa.',
  broadcasts_limit: 'Ci sono già troppe comunicazioni programmate o in corso.',
  not_reportable: 'Si possono segnalare solo le comunicazioni di servizio.',
  already_a_contact: 'Questa persona è già in rubrica.',
  asked_not_to_be_written_to: 'Questa persona ha chiesto di non ricevere inviti.',
  requests_limit: 'Hai già troppe richieste aperte con questa attività. Aspetta una risposta o ritirane una.',
  request_closed: 'La richiesta è già chiusa.',
  closing_under_way: 'La cancellazione dell’attività è già iniziata.',
  request_extended: 'Il tempo per rispondere non si può allungare ancora.',
  export_under_way: 'Una copia dei tuoi dati è già in preparazione.',
  export_not_ready: 'La copia non è ancora pronta.',
  attachment_pending: 'Il file è ancora in controllo. Riprova fra un momento.',
  upload_offset_wrong: 'Il caricamento si è interrotto. Riprova.',
  confirmation_wrong: 'La conferma non corrisponde. Non è stato cancellato niente.',
  policy_changed: 'Il testo è cambiato mentre lo leggevi. Leggi la versione nuova e riprova.',
  invitation_revoked: 'Questo invito è stato ritirato.',
  invitation_expired: 'Questo invito è scaduto. Chiedine uno nuovo.',
  invitation_stopped: 'Hai chiesto di non ricevere altri inviti.',
  invitation_used: 'Questo invito è già stato usato.',
  import_needs_confirmation: 'L’importazione ha bisogno di una conferma.',
  attachment_rejected: 'L’antivirus ha rifiutato questo file, che è stato cancellato.',
  export_lost: 'La copia non si può più leggere. Chiedine un’altra.',
  attachment_lost: 'Il file è andato perso. Chiedi di mandarlo di nuovo.',
  link_invalid: 'Questo link è già stato usato o è scaduto. Chiedine uno nuovo.',
  quota_exceeded: 'Lo spazio per i file è finito. Ritira qualche messaggio con file che non servono più.',
  tus_version_unknown: 'Questa pagina è troppo vecchia. Ricaricala.',
  too_large: 'È troppo grande.',
  media_type_refused: 'Questo tipo di file non si può usare qui.',
  logo_dimensions: () =>
    `L’immagine ha troppi pixel: al massimo ${counted(limits.logoPixels / 1e6, { one: 'megapixel', other: 'megapixel' })}.`,
  logo_unreadable: 'Questa immagine non si riesce a leggere. Provane una JPEG o PNG.',
  file_empty: 'Il file è vuoto.',
  audience_empty: 'Con queste scelte non la riceve nessuno.',
  nobody_to_erase: 'Con queste scelte non c’è nessuno da cancellare.',
  import_empty: 'Nel file non c’è nessuno.',
  import_unreadable: 'Questo file non si riesce a leggere come tabella.',
  too_many_muted: () => `Puoi silenziare al massimo ${limits.conversationsMuted} conversazioni. Prima riattivane una.`,
  too_many_quick_replies: () => `Ci sono già ${limits.quickRepliesPerSubscriber} risposte pronte. Prima eliminane una.`,
  too_many_labels: ({ limit }) =>
    limit === limits.labelsPerSubscriber
      ? `Potete avere al massimo ${limit} etichette. Prima eliminane qualcuna.`
      : `Un contatto può avere al massimo ${limits.labelsPerContact} etichette.`,
  receipt_beyond_last: 'Qualcosa non torna. Ricarica la pagina.',
  range_not_satisfiable: 'Questa parte del file non c’è.',
  headers_too_large: 'La richiesta è troppo grande. Ricarica la pagina e riprova.',
  rate_limited: ({ retryAfter }) => `Troppe richieste in poco tempo. Riprova ${soonIt(retryAfter)}.`,
  unknown_event: 'Questa pagina è troppo vecchia. Ricaricala.',
  overloaded: 'Il servizio è molto occupato. Riprova fra poco.',
  internal: 'Qualcosa è andato storto da parte nostra. Riprova fra poco.',
  storage_full: 'Lo spazio del servizio è finito. Avvisa chi lo gestisce.',
  unavailable: 'Il servizio non è pronto. Riprova fra poco.',
};

const en: Sentences = {
  validation_failed: 'Something you entered is not right. Check the marked fields.',
  malformed_request: 'We could not understand the request. Reload the page and try again.',
  unauthenticated: 'Your session has ended. Sign in again.',
  sign_in_failed: 'The username or password is wrong. Check both and try again.',
  origin_refused: 'You opened this page at an address that the service does not know. Use the official address.',
  consent_required: 'There is a new policy to read and accept first.',
  registration_closed: 'Registration is closed here.',
  registration_code_invalid: 'This registration code is not valid. Check it, or ask the host for another one.',
  not_the_sender: 'You can withdraw only messages that you sent.',
  conversation_restricted: 'The conversation is restricted: you can read it, but not write for now.',
  subscriber_paused: 'The business has paused: you cannot send or receive anything for now.',
  subscriber_closing: 'The business is closing: you can read and export, but not write.',
  password_required: 'Enter your password to continue.',
  password_wrong: 'The current password is wrong.',
  not_found: 'This does not exist, or no longer exists.',
  attachment_not_found: 'One of the files is gone. Upload it again.',
  method_not_allowed: 'You cannot do this here.',
  request_timeout: 'The network is too slow, and the request did not arrive completely. Try again.',
  username_taken: 'This username is taken. Choose another one.',
  already_a_member: 'This person is already a member or invited.',
  owner_stays: 'The owner cannot be removed.',
  unsent_files_limit: () =>
    `You have ${limits.unsentFilesPerAccount} uploaded files that you have not sent. Send or remove some, then try again.`,
  members_limit: 'The team has reached its maximum size. Remove a member, then try again.',
  external_id_taken: 'Another contact already has this code.',
  label_taken: 'A label with this name already exists.',
  address_full: 'Too many accounts have confirmed this address. Use another one.',
  client_id_reused: 'This message was already sent with a different text. Write it again.',
  broadcast_over: 'This broadcast has already been sent to everyone.',
  broadcast_begun: 'This broadcast has already started.',
  broadcast_changed: 'Somebody else has changed this broadcast meanwhile.',
  broadcast_not_held: 'This broadcast is not on hold.',
  broadcasts_limit: 'Too many broadcasts are scheduled or in progress.',
  not_reportable: 'Only service messages can be reported.',
  already_a_contact: 'This person is already in your address book.',
  asked_not_to_be_written_to: 'This person has asked not to get invitations.',
  requests_limit: 'You have too many open requests to this business. Wait for an answer, or take one back.',
  request_closed: 'This request is already closed.',
  closing_under_way: 'The business is already being erased.',
  request_extended: 'You cannot extend the deadline again.',
  export_under_way: 'A copy of your data is already being prepared.',
  export_not_ready: 'The copy is not ready yet.',
  attachment_pending: 'The file is still being checked. Try again in a moment.',
  upload_offset_wrong: 'The upload was interrupted. Try again.',
  confirmation_wrong: 'The confirmation does not match. Nothing was erased.',
  policy_changed: 'The text changed while you were reading it. Read the new version and try again.',
  invitation_revoked: 'This invitation was revoked.',
  invitation_expired: 'This invitation has expired. Ask for a new one.',
  invitation_stopped: 'You have asked not to get any more invitations.',
  invitation_used: 'This invitation has already been used.',
  import_needs_confirmation: 'Please confirm this import.',
  attachment_rejected: 'The virus scanner rejected this file, so it was erased.',
  export_lost: 'The copy can no longer be read. Ask for another one.',
  attachment_lost: 'The file is lost. Ask the sender to send it again.',
  link_invalid: 'This link has been used or has expired. Ask for a new one.',
  quota_exceeded: 'The space for files is full. Withdraw messages with files that you no longer need.',
  tus_version_unknown: 'This page is too old. Reload it.',
  too_large: 'It is too large.',
  media_type_refused: 'You cannot use this kind of file here.',
  logo_dimensions: () =>
    `The picture has too many pixels: at most ${counted(limits.logoPixels / 1e6, { one: 'megapixel', other: 'megapixels' })}.`,
  logo_unreadable: 'This picture cannot be read. Try a JPEG or PNG.',
  file_empty: 'The file is empty.',
  audience_empty: 'With these choices, nobody would get it.',
  nobody_to_erase: 'No contact matches these choices.',
  import_empty: 'The file contains no people.',
  import_unreadable: 'This file cannot be read as a table.',
  too_many_muted: () => `You can mute at most ${limits.conversationsMuted} conversations. Unmute one first.`,
  too_many_quick_replies: () => `You already have ${limits.quickRepliesPerSubscriber} quick replies. Delete one first.`,
  too_many_labels: ({ limit }) =>
    limit === limits.labelsPerSubscriber
      ? `You can have at most ${limit} labels. Delete some first.`
      : `A contact can have at most ${limits.labelsPerContact} labels.`,
  receipt_beyond_last: 'Something does not match. Reload the page.',
  range_not_satisfiable: 'This part of the file does not exist.',
  headers_too_large: 'The request is too large. Reload the page and try again.',
  rate_limited: ({ retryAfter }) => `Too many requests in a short time. Try again ${soonEn(retryAfter)}.`,
  unknown_event: 'This page is too old. Reload it.',
  overloaded: 'The service is busy. Try again soon.',
  internal: 'Something went wrong on our side. Try again soon.',
  storage_full: 'The service has run out of space. Tell the host.',
  unavailable: 'The service is not ready. Try again soon.',
};

const unanswered: Record<Locale, string> = {
  it: 'Il servizio non risponde. Controlla la rete e riprova.',
  en: 'The service is not responding. Check your network and try again.',
};

const minutes = (seconds: number) => Math.ceil(seconds / 60);
const soonIt = (seconds = 0) =>
  seconds > 60 ? `fra ${counted(minutes(seconds), { one: 'minuto', other: 'minuti' })}` : 'fra un minuto';
const soonEn = (seconds = 0) =>
  seconds > 60 ? `in ${counted(minutes(seconds), { one: 'minute', other: 'minutes' })}` : 'in a minute';

const sentences: Record<Locale, Sentences> = { it, en };

/** An error as a sentence for the reader. A code of a newer service is said by its own English words. */
export function inWords(error: unknown): string {
  if (!(error instanceof Refused)) return error instanceof Unanswered ? unanswered[locale] : say(internal);
  return say(error.problem);
}

/** The problem of a message that was not sent, as a sentence. */
export const problemInWords = (problem: Problem): string => say(problem);

/**
 * The errors of fields by their paths, each as a sentence in the reader's language.
 * @param names of the fields as the reader knows them; "this field" for the others
 */
export function fieldErrors(error: unknown, names: Readonly<Record<string, string>> = {}): Record<string, string> {
  const errors: readonly FieldError[] = (error instanceof Refused && error.problem.errors) || [];
  return Object.fromEntries(
    errors.map((each) => [each.field, capital(fieldErrorText(each, locale, names[each.field] ?? thisField[locale]))]),
  );
}

/** A fault that this page has found in a field, as a sentence in the reader's language. */
export const faultInWords = ({ code, values = {} }: Pick<FieldError, 'code' | 'values'>, name: string): string =>
  capital(fieldErrorText({ field: name, code, values, message: '' }, locale, name));

/** True when an error is about a code. */
export const isProblem = (error: unknown, ...codes: ErrorCode[]): error is Refused =>
  error instanceof Refused && codes.includes(error.problem.code);

const thisField: Record<Locale, string> = { it: 'questo campo', en: 'this field' };
const internal = { code: 'internal', detail: '' } as Problem;

function say(problem: Problem): string {
  const sentence = (sentences[locale] as Partial<Sentences>)[problem.code];
  if (sentence === undefined) return problem.detail;
  return typeof sentence === 'string' ? sentence : sentence(problem);
}

const capital = (text: string) => text.charAt(0).toLocaleUpperCase(locale) + text.slice(1);
