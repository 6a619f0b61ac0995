import type { MessageView } from '../events.js';

/** A message once it is deleted because of its age: nothing else is known of it. */
export function expiredMessage(
  { seq, sender, sentAt, author }: Pick<MessageView, 'seq' | 'sender' | 'sentAt' | 'author'>,
  { revision, expiredAt }: { revision: number; expiredAt: string },
): MessageView {
  return {
    ...{ seq, revision, sender },
    ...(author !== undefined && { author: null }),
    ...{ clientId: '', body: '', attachments: [], sentAt, expiredAt },
  };
}
