import type { ActionKind } from '../../../src/contract/businesses.js';
import type { Topic } from '../../words/team.js';

/** Topic of each kind of action. */
export const topicOf: Readonly<Record<ActionKind, Topic>> = {
  'broadcast.cancelled': 'broadcasts',
  'broadcast.changed': 'broadcasts',
  'broadcast.exported': 'rights',
  'broadcast.held': 'broadcasts',
  'broadcast.made': 'broadcasts',
  'broadcast.released': 'broadcasts',
  'contact.changed': 'people',
  'contacts.erased': 'rights',
  'contacts.exported': 'rights',
  'contacts.labelled': 'people',
  'conversation.exported': 'rights',
  'erasure.proposed': 'rights',
  'erasure.proposal_withdrawn': 'rights',
  'conversation.restricted': 'rights',
  'conversation.unrestricted': 'rights',
  'export.asked': 'rights',
  'export.downloaded': 'rights',
  'export.removed': 'rights',
  'import.begun': 'people',
  'import.cancelled': 'people',
  'invitation.changed': 'invitations',
  'invitation.made': 'invitations',
  'invitation.revoked': 'invitations',
  'label.changed': 'people',
  'label.made': 'people',
  'label.removed': 'people',
  'member.invited': 'team',
  'member.joined': 'team',
  'member.removed': 'team',
  'message.withdrawn': 'people',
  'profile.changed': 'business',
  'subscriber.closing': 'business',
  'subscriber.closing_withdrawn': 'business',
  'retention.changed': 'business',
  'subscriber.paused': 'business',
  'subscriber.resumed': 'business',
  'request.answered': 'rights',
  'request.extended': 'rights',
  'logo.changed': 'business',
  'logo.removed': 'business',
};

/** Kinds of a topic. */
export const kindsOf = (topic: Topic): ActionKind[] =>
  (Object.keys(topicOf) as ActionKind[]).filter((kind) => topicOf[kind] === topic);

const aboutContacts = ['contact', 'conversation', 'message', 'request', 'erasure'];

/** Thing that the subject of an action is. */
export function subjectOf(kind: ActionKind): 'contact' | 'member' | 'label' | 'broadcast' | 'erasure' | undefined {
  if (kind === 'contacts.erased') return 'erasure';
  const what = kind.slice(0, kind.indexOf('.'));
  if (aboutContacts.includes(what)) return 'contact';
  return what === 'member' || what === 'label' || what === 'broadcast' ? what : undefined;
}
