import type { InvitationList, InvitationView, NewInvitation } from '../../../src/contract/invitations.js';
import { api, ask } from '../../api/index.js';

/** True for a code that anybody can join with. */
export const isOpen = ({ kind, state }: InvitationView): boolean => kind === 'open' && state === 'active';

export async function listInvitations(query: {
  kind?: 'open' | 'personal';
  state?: 'active';
  cursor?: string;
  limit?: number;
}): Promise<InvitationList> {
  return ask(api.GET('/api/invitations', { params: { query } }));
}

/** Makes an invitation, or gives the one that the person has already. */
export async function makeInvitation(body: NewInvitation): Promise<{ invitation: InvitationView; isNew: boolean }> {
  let status = 0;
  const asked = api.POST('/api/invitations', { body }).then((answer) => {
    status = answer.response.status;
    return answer;
  });
  const invitation = await ask(asked);
  return { invitation, isNew: status === 201 };
}

/** The open invitation for the counter: the one that there is, else a new one. */
export async function counterInvitation(name: string): Promise<InvitationView> {
  const { items } = await listInvitations({ kind: 'open', state: 'active', limit: 200 });
  return items.at(-1) ?? (await makeInvitation({ kind: 'open', name })).invitation;
}
