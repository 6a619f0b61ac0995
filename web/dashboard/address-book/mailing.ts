import type { InvitationMailing } from '../../../src/contract/invitations.js';
import { b } from '../../words/address-book.js';
import { date } from '../../words/forms.js';

/** Mails of invitations that wait, in words. */
export function queuedInWords({ queued, perDay, lastBy }: InvitationMailing): string {
  return lastBy && queued > perDay ? b.notYet.queued(queued, perDay, date(lastBy)) : b.notYet.queuedToday(queued);
}
