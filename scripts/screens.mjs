// Screens of which pictures are made. `look` names the picture of the design; `ready` waits for what is to be seen.

const conversationOf = (scene, name) => scene.people.find(({ firstName }) => firstName === name).conversationId;

/** Code of an open invitation of the demo's shop. */
async function invitationCode(scene, context) {
  const answer = await context.request.get('/api/invitations', { headers: { 'X-Colloquio-App': 'dashboard' } });
  const { items } = await answer.json();
  return items.find(({ kind }) => kind === 'open').code;
}

const messages = (page) => page.getByRole('article').or(page.locator('[data-seq]')).first().waitFor();

export const screens = [
  { name: 'register', path: '/register', look: 'register', stranger: true, ready: heading },
  { name: 'sign-in', path: '/sign-in', look: 'sign-in', stranger: true, ready: heading },
  { name: 'first-run', path: '/welcome', look: 'first-run', ready: heading },
  { name: 'conversations', path: '/', look: 'conversations', ready: heading },
  {
    name: 'thread',
    path: (scene) => `/conversations/${conversationOf(scene, 'Giulia')}`,
    look: 'conversations-thread',
    ready: messages,
  },
  { name: 'invite', path: '/invite', look: 'invite', ready: heading },
  { name: 'settings', path: '/settings', look: 'settings-devices', ready: heading },
  { name: 'settings-devices', path: '/settings/devices', look: 'settings-devices', ready: heading },
  {
    name: 'app-join',
    path: async (scene, context) => `/join/${await invitationCode(scene, context)}`,
    look: 'app-join-1',
    stranger: true,
    ready: heading,
  },
  { name: 'app-sign-in', path: '/app/sign-in', look: 'app-signed-out', stranger: true, ready: heading },
  { name: 'app-conversations', path: '/app', look: 'app-conversations', ready: heading },
  {
    name: 'app-thread',
    path: (scene) => `/app/c/${conversationOf(scene, 'Giulia')}`,
    look: 'app-thread',
    ready: messages,
  },
  { name: 'app-privacy', path: '/app/privacy', look: 'app-privacy', ready: heading },
];

function heading(page) {
  return page.locator('h1').first().waitFor();
}
