import { withDisplayName } from './identities.js';
import type { InterlocutorView } from './interlocutors.dto.js';
import type { StatedInterlocutor } from './interlocutors.service.js';

/** An interlocutor as it sees itself. */
export function interlocutorView(
  id: string,
  username: string,
  { identity, ...segments }: StatedInterlocutor,
): InterlocutorView {
  return { id, username, ...withDisplayName(identity), ...segments };
}
