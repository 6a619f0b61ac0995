import type { FieldErrorCode, FieldErrorValues } from './field-errors.js';
import type { UnreadableReason } from './imports.js';

/**
 * The catalogue of error codes. `retry` says whether the same request can succeed later:
 * `never`, `later` (wait for `retryAfter`, or a moment) or `after` (something else must happen first; the code says what).
 */
export const errorCatalogue = {
  validation_failed: { status: 400, retry: 'never', title: 'Some fields are not valid' },
  malformed_request: { status: 400, retry: 'never', title: 'The request cannot be read' },
  unauthenticated: { status: 401, retry: 'after', title: 'Sign in first' },
  sign_in_failed: { status: 401, retry: 'never', title: 'Username or password is wrong' },
  origin_refused: { status: 403, retry: 'never', title: 'Requests from this origin are refused' },
  consent_required: { status: 403, retry: 'after', title: 'A policy must be accepted first' },
  registration_closed: { status: 403, retry: 'never', title: 'Registration is closed' },
  registration_code_invalid: { status: 403, retry: 'never', title: 'The registration code is not valid' },
  not_the_sender: { status: 403, retry: 'never', title: 'Only the sender can do this' },
  conversation_restricted: { status: 403, retry: 'after', title: 'The conversation is restricted' },
  subscriber_paused: { status: 403, retry: 'after', title: 'The business has paused' },
  subscriber_closing: { status: 403, retry: 'after', title: 'The business is closing' },
  password_required: { status: 403, retry: 'after', title: 'Enter your password first' },
  password_wrong: { status: 403, retry: 'never', title: 'The current password is wrong' },
  not_found: { status: 404, retry: 'never', title: 'Not found' },
  attachment_not_found: { status: 404, retry: 'never', title: 'Attachment not found' },
  method_not_allowed: { status: 405, retry: 'never', title: 'Method not allowed' },
  request_timeout: { status: 408, retry: 'later', title: 'The request took too long to arrive' },
  username_taken: { status: 409, retry: 'never', title: 'The username is taken' },
  already_a_member: { status: 409, retry: 'never', title: 'This address is already a member or invited' },
  owner_stays: { status: 409, retry: 'never', title: 'The owner cannot be removed' },
  unsent_files_limit: { status: 409, retry: 'after', title: 'The limit of unsent files is reached' },
  members_limit: { status: 409, retry: 'after', title: 'The limit of members is reached' },
  external_id_taken: { status: 409, retry: 'never', title: 'Another contact has this externalId' },
  label_taken: { status: 409, retry: 'never', title: 'A label with this name already exists' },
  address_full: { status: 409, retry: 'after', title: 'The limit of accounts for this address is reached' },
  client_id_reused: { status: 409, retry: 'never', title: 'The clientId was already used for other content' },
  broadcast_over: { status: 409, retry: 'never', title: 'The broadcast has ended' },
  broadcast_begun: { status: 409, retry: 'never', title: 'The broadcast has already started' },
  broadcast_changed: { status: 409, retry: 'after', title: 'The broadcast was changed meanwhile' },
  broadcast_not_held: { status: 409, retry: 'never', title: 'The broadcast is not held' },
  broadcasts_limit: { status: 409, retry: 'after', title: 'The limit of broadcasts is reached' },
  not_reportable: { status: 409, retry: 'never', title: 'This is not a service message of a broadcast' },
  already_a_contact: { status: 409, retry: 'never', title: 'This address is already in the address book' },
  asked_not_to_be_written_to: { status: 409, retry: 'never', title: 'This person asked not to be written to' },
  requests_limit: { status: 409, retry: 'after', title: 'The limit of open requests is reached' },
  request_closed: { status: 409, retry: 'never', title: 'The request has been closed' },
  closing_under_way: { status: 409, retry: 'never', title: 'The business is already being erased' },
  request_extended: { status: 409, retry: 'never', title: 'The deadline cannot be extended' },
  export_under_way: { status: 409, retry: 'later', title: 'An export is in progress' },
  export_not_ready: { status: 409, retry: 'later', title: 'The export is not ready' },
  attachment_pending: { status: 409, retry: 'later', title: 'The file is still being checked' },
  upload_offset_wrong: { status: 409, retry: 'after', title: 'The upload offset is wrong' },
  confirmation_wrong: { status: 409, retry: 'never', title: 'The confirmation does not match' },
  policy_changed: { status: 409, retry: 'after', title: 'The policy text has changed' },
  invitation_revoked: { status: 410, retry: 'never', title: 'The invitation was revoked' },
  invitation_expired: { status: 410, retry: 'never', title: 'The invitation has expired' },
  invitation_stopped: { status: 410, retry: 'never', title: 'The invitation was declined' },
  invitation_used: { status: 410, retry: 'never', title: 'The invitation has been used' },
  import_needs_confirmation: { status: 409, retry: 'never', title: 'The import must be confirmed' },
  attachment_rejected: { status: 410, retry: 'never', title: 'The file was rejected' },
  export_lost: { status: 410, retry: 'never', title: 'The file of the export is lost' },
  attachment_lost: { status: 410, retry: 'never', title: 'The file is lost' },
  link_invalid: { status: 410, retry: 'never', title: 'The link is no longer valid' },
  quota_exceeded: { status: 413, retry: 'after', title: 'The storage quota is reached' },
  tus_version_unknown: { status: 412, retry: 'never', title: 'This version of tus is not supported' },
  too_large: { status: 413, retry: 'never', title: 'The request is too large' },
  media_type_refused: { status: 415, retry: 'never', title: 'This kind of content is not accepted' },
  logo_dimensions: { status: 422, retry: 'never', title: 'The image has too many pixels' },
  logo_unreadable: { status: 422, retry: 'never', title: 'The image cannot be read' },
  file_empty: { status: 422, retry: 'never', title: 'The file is empty' },
  audience_empty: { status: 422, retry: 'after', title: 'The audience is empty' },
  nobody_to_erase: { status: 422, retry: 'never', title: 'No contact matches' },
  import_empty: { status: 422, retry: 'never', title: 'The file contains no people' },
  import_unreadable: { status: 422, retry: 'never', title: 'The file cannot be read as a table' },
  too_many_muted: { status: 422, retry: 'after', title: 'Too many muted conversations' },
  too_many_quick_replies: { status: 422, retry: 'after', title: 'Too many quick replies' },
  too_many_labels: { status: 422, retry: 'never', title: 'Too many labels' },
  receipt_beyond_last: { status: 422, retry: 'after', title: 'The receipt goes beyond the last message' },
  range_not_satisfiable: { status: 416, retry: 'never', title: 'The range is outside the file' },
  headers_too_large: { status: 431, retry: 'never', title: 'The headers are too large' },
  rate_limited: { status: 429, retry: 'later', title: 'Too many requests' },
  unknown_event: { status: 400, retry: 'never', title: 'Unknown event' },
  overloaded: { status: 503, retry: 'later', title: 'The server is busy' },
  internal: { status: 500, retry: 'later', title: 'Something went wrong' },
  storage_full: { status: 507, retry: 'later', title: 'The storage is full' },
  unavailable: { status: 503, retry: 'later', title: 'The service is not ready' },
} as const satisfies Record<string, { status: number; retry: 'never' | 'later' | 'after'; title: string }>;

export type ErrorCode = keyof typeof errorCatalogue;

export interface FieldError {
  /** Path of the field in the request, such as `consents.0.policyId`. */
  field: string;
  /** A code of `fieldErrorCatalogue`, which has a sentence for it in each language. */
  code: FieldErrorCode;
  /** In English. */
  message: string;
  /** Values in the sentence, such as `{ limit: 100 }`. */
  values?: FieldErrorValues;
}

/** RFC 9457 problem details, as HTTP body (`application/problem+json`) and as `error` of a socket acknowledgement. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: ErrorCode;
  detail: string;
  errors?: FieldError[];
  /** Seconds to wait before trying again. */
  retryAfter?: number;
  /** Reason why a file cannot be read as a table, with `import_unreadable`. */
  reason?: UnreadableReason;
  /** The line of the file at fault. */
  line?: number;
  /** The limit that is reached, with `too_many_labels`: that of a contact or that of the business. */
  limit?: number;
  requestId: string;
}
