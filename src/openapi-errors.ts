import type { ErrorCode } from './contract/errors.js';

const invitation: ErrorCode[] = [
  'invitation_revoked',
  'invitation_expired',
  'invitation_stopped',
  'invitation_used',
  'rate_limited',
];
const image: ErrorCode[] = ['too_large', 'media_type_refused', 'logo_unreadable'];
const writing: ErrorCode[] = ['consent_required', 'conversation_restricted', 'rate_limited', 'overloaded'];

const attachment: ErrorCode[] = [
  'attachment_lost',
  'attachment_pending',
  'attachment_rejected',
  'range_not_satisfiable',
  'rate_limited',
  'unavailable',
];

/** Beginning an upload, of a form or of tus. */
const uploading: ErrorCode[] = [
  'consent_required',
  'conversation_restricted',
  'not_found',
  'quota_exceeded',
  'rate_limited',
  'too_large',
  'unsent_files_limit',
];
/** Bytes that come in, and the end of an upload. */
const storing: ErrorCode[] = ['overloaded', 'rate_limited', 'storage_full', 'too_large', 'unavailable'];

/** The codes with which an operation refuses, beside those that follow from its session, its path and its body. */
export const operationErrors: Record<string, ErrorCode[]> = {
  'Archive.find': ['rate_limited', 'overloaded'],
  'Archive.search': ['rate_limited', 'overloaded'],
  'Attachments.content': attachment,
  'Attachments.display': attachment,
  'Attachments.thumbnail': attachment,
  'Attachments.upload': [...uploading, ...storing, 'file_empty', 'media_type_refused', 'unauthenticated'],
  'Broadcasts.cancel': ['broadcast_over'],
  'Broadcasts.change': ['broadcast_begun', 'audience_empty', 'consent_required'],
  'Broadcasts.make': [
    'attachment_not_found',
    'attachment_pending',
    'audience_empty',
    'consent_required',
    'client_id_reused',
    'broadcasts_limit',
    'not_found',
  ],
  'Broadcasts.preview': ['consent_required', 'not_found'],
  'Broadcasts.release': ['broadcast_not_held'],
  'Broadcasts.report': ['not_reportable', 'conversation_restricted'],
  'Business.logo': ['not_found'],
  'Business.edit': ['password_wrong', 'rate_limited'],
  'Business.setLogo': image,
  'Consents.change': ['policy_changed', 'not_found', 'rate_limited'],
  'Consents.current': ['not_found', 'unauthenticated'],
  'Contacts.change': ['external_id_taken'],
  'Contacts.label': ['too_many_labels'],
  'Conversations.receipt': ['receipt_beyond_last', 'conversation_restricted', 'rate_limited', 'overloaded'],
  'Conversations.send': ['attachment_not_found', 'client_id_reused', ...writing],
  'Conversations.withdraw': ['not_the_sender', 'conversation_restricted', 'rate_limited'],
  'Credentials.askReset': ['rate_limited'],
  'Credentials.askVerification': ['rate_limited'],
  'Credentials.changePassword': ['password_wrong', 'rate_limited'],
  'Credentials.reset': ['link_invalid'],
  'Credentials.verify': ['link_invalid', 'address_full'],
  'Health.ready': ['unavailable'],
  'ConsentProofs.search': ['rate_limited'],
  'Erasures.erase': ['confirmation_wrong', 'nobody_to_erase'],
  'Exports.conversation': ['rate_limited'],
  'Imports.begin': ['consent_required', 'import_empty', 'import_needs_confirmation', 'import_unreadable', 'too_large'],
  'Invitations.create': ['rate_limited', 'consent_required', 'already_a_contact', 'asked_not_to_be_written_to'],
  'Joining.accept': ['client_id_reused', 'consent_required', 'policy_changed', 'already_a_contact', ...invitation],
  'Joining.askWhetherToStop': ['rate_limited'],
  'Joining.logo': invitation,
  'Joining.open': invitation,
  'Joining.stop': ['rate_limited'],
  'Labels.change': ['label_taken'],
  'Labels.create': ['label_taken', 'too_many_labels'],
  'Members.accept': ['username_taken', 'policy_changed', 'consent_required', ...invitation],
  'Members.invite': ['rate_limited', 'consent_required', 'members_limit', 'already_a_member'],
  'Members.logo': invitation,
  'Members.open': invitation,
  'Members.remove': ['owner_stays'],
  'Profiles.edit': ['password_wrong', 'rate_limited'],
  'Registration.register': [
    'registration_closed',
    'registration_code_invalid',
    'username_taken',
    'policy_changed',
    'consent_required',
    'rate_limited',
  ],
  'ResumableUploads.append': [...storing, 'tus_version_unknown', 'upload_offset_wrong'],
  'ResumableUploads.begin': [...uploading, 'file_empty', 'tus_version_unknown'],
  'ResumableUploads.progress': [...storing, 'tus_version_unknown', 'unauthenticated'],
  'ResumableUploads.remove': ['tus_version_unknown'],
  'Sessions.signIn': ['sign_in_failed', 'rate_limited'],
};
