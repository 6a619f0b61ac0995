// Screens of which pictures are made. `look` names the picture of the design; `ready` waits for what is to be seen.

import demoShop from '../demo/shop.json' with { type: 'json' };

const conversationOf = (scene, name) => scene.people.find(({ firstName }) => firstName === name).conversationId;

/** Code of an open invitation of the demo's shop. */
async function invitationCode(scene, context) {
  const answer = await context.request.get('/api/invitations', { headers: { 'X-Colloquio-App': 'dashboard' } });
  const { items } = await answer.json();
  return items.find(({ kind }) => kind === 'open').code;
}

const messages = (page) => page.getByRole('article').or(page.locator('[data-seq]')).first().waitFor();

/** The latest broadcast of the demo's shop that is over. */
async function lastBroadcast(_scene, context) {
  const answer = await context.request.get('/api/broadcasts?stage=over&limit=1', {
    headers: { 'X-Colloquio-App': 'dashboard' },
  });
  const { items } = await answer.json();
  return `/broadcasts/${items[0].id}`;
}

/** Writes a promotion as far as the number on the button. */
async function writing(page) {
  await page.getByRole('radio', { name: /^(Promozionale|Promotional)/ }).check();
  await page.getByRole('textbox', { name: /^(Testo|Text)$/ }).fill('Buongiorno {{Nome}}! I panettoni sono pronti.');
  await page.getByRole('button', { name: /^(Invia a|Send to) \d/ }).waitFor();
}

/** The settings of notifications on a device, in each state in which they are not on. */
const withoutNotifications = (name, path) =>
  ['off', 'denied', 'unsupported', 'ios'].map((state) => ({
    name: `${name}-${state}`,
    path,
    notifications: state,
    ready: heading,
  }));

/** Screens about newer policies, each at the stage at which they are published so. */
const policyScreens = [
  { name: 'gate', stage: 'gate', path: '/', ready: banded },
  { name: 'gate-open', stage: 'gate', path: '/', ready: openGate },
  { name: 'gate-staff', stage: 'gate', path: '/', as: (scene) => ({ dashboard: scene.staff }), ready: banded },
  { name: 'app-gate', stage: 'gate', path: '/app', ready: banded },
  {
    name: 'app-gate-open',
    stage: 'gate',
    path: (scene) => `/app/privacy/policy/${conversationOf(scene, 'Giulia')}`,
    ready: (page) => page.getByRole('button', { name: /^(Accetta|Accept)/ }).waitFor(),
  },
  {
    name: 'app-gate-thread',
    stage: 'gate',
    path: (scene) => `/app/c/${conversationOf(scene, 'Giulia')}`,
    ready: writeAtGate,
  },
  { name: 'announced', stage: 'announced', path: '/', ready: banded },
  { name: 'announced-text', stage: 'announced', path: '/settings/agreed', ready: comes, whole: true },
  { name: 'app-announced', stage: 'announced', path: '/app', ready: banded },
  {
    name: 'app-announced-text',
    stage: 'announced',
    path: (scene) => `/app/privacy/agreed/${conversationOf(scene, 'Giulia')}`,
    ready: comes,
  },
  {
    name: 'app-announced-join',
    stage: 'announced',
    path: joining,
    stranger: true,
    ready: (page) => forwards(page, 1),
  },
  {
    name: 'app-announced-join-open',
    stage: 'announced',
    path: joining,
    stranger: true,
    ready: async (page) => {
      await forwards(page, 1);
      await readNext(page);
    },
  },
  {
    name: 'announced-register',
    stage: 'announced',
    path: '/register',
    stranger: true,
    before: openRegistration,
    ready: registering,
    whole: true,
  },
  { name: 'announced-team', stage: 'announced', path: teamInvitation, stranger: true, ready: comesNext, whole: true },
];

export const screens = [
  { name: 'broadcasts', path: '/broadcasts', ready: heading },
  { name: 'broadcast-new', path: '/broadcasts/new', look: 'broadcast-new', ready: writing },
  { name: 'broadcast-results', path: lastBroadcast, look: 'broadcast-results', ready: heading, whole: true },
  {
    name: 'register',
    path: '/register',
    look: 'register',
    stranger: true,
    before: openRegistration,
    ready: (page) => page.locator('[name=businessName]').waitFor(),
  },
  { name: 'register-closed', path: '/register', stranger: true, ready: heading },
  { name: 'sign-in', path: '/sign-in', look: 'sign-in', stranger: true, ready: heading },
  { name: 'reset', path: '/reset', stranger: true, ready: heading },
  { name: 'cookies', path: '/cookies', stranger: true, ready: heading, whole: true },
  { name: 'who-can-read', path: '/who-can-read', stranger: true, ready: heading, whole: true },
  { name: 'first-run', path: '/welcome', look: 'first-run', ready: heading },
  { name: 'conversations', path: '/', look: 'conversations', ready: heading },
  {
    name: 'thread',
    path: (scene) => `/conversations/${conversationOf(scene, 'Giulia')}`,
    look: 'conversations',
    ready: messages,
  },
  { name: 'address-book', path: '/address-book', look: 'address-book', ready: contacts },
  {
    name: 'contact',
    path: (scene) => `/address-book/${conversationOf(scene, 'Giulia')}`,
    look: 'address-book',
    ready: (page) => page.getByRole('heading', { name: /^(Storia e consensi|History and consents)$/ }).waitFor(),
  },
  { name: 'address-book-invited', path: '/address-book/invited', look: 'address-book-invited', ready: heading },
  { name: 'address-book-labels', path: '/address-book/labels', ready: heading },
  { name: 'import-file', path: '/address-book/import', ready: heading },
  { name: 'import', path: '/address-book/import', look: 'import', ready: tryImport },
  {
    name: 'thread-quick',
    path: (scene) => `/conversations/${conversationOf(scene, 'Giulia')}`,
    look: 'conversations-quick',
    ready: quickReplies,
  },
  { name: 'archive', path: '/archive#q=torta', look: 'archive', ready: firstHit },
  { name: 'archive-start', path: '/archive', look: 'archive', ready: heading },
  {
    name: 'erase',
    path: (scene) => `/erase?contacts=${conversationOf(scene, 'Giulia')}`,
    look: 'erase-confirm',
    ready: heading,
  },
  { name: 'erasures', path: '/erasures', ready: heading },
  {
    name: 'erasure',
    path: erasure,
    look: 'erase-certificate',
    ready: (page) => page.locator('article').waitFor({ timeout: 90_000 }),
  },
  { name: 'invite', path: '/invite', look: 'invite', ready: heading },
  { name: 'requests', path: '/requests', ready: heading },
  { name: 'settings', path: '/settings', ready: heading },
  { name: 'settings-business', path: '/settings/business', ready: heading },
  { name: 'settings-profile', path: '/settings/profile', ready: heading },
  { name: 'settings-data', path: '/settings/data', ready: heading },
  {
    name: 'settings-notifications',
    path: '/settings/notifications',
    before: (_page, { scene, context }) => quietAndMuted(scene, context, 'dashboard'),
    notifications: 'on',
    ready: triedOut,
    whole: true,
  },
  ...withoutNotifications('settings-notifications', '/settings/notifications'),
  {
    name: 'thread-ask',
    path: (scene) => `/conversations/${conversationOf(scene, 'Giulia')}`,
    notifications: 'off',
    ready: asked,
  },
  {
    name: 'thread-mute',
    path: (scene) => `/conversations/${conversationOf(scene, 'Giulia')}`,
    ready: muting,
  },
  {
    name: 'settings-devices',
    path: '/settings/devices',
    look: 'settings-devices',
    before: withNotifiedDevices,
    notifications: 'on',
    ready: (page) =>
      page
        .getByText(/(Ultima notifica|Last notification)/)
        .first()
        .waitFor(),
  },
  { name: 'settings-appearance', path: '/settings/appearance', ready: heading },
  { name: 'settings-quick-replies', path: '/settings/quick-replies', ready: heading },
  { name: 'settings-quick-reply', path: '/settings/quick-replies?new=1', ready: heading },
  { name: 'settings-team', path: '/settings/team', look: 'settings-team', ready: heading },
  { name: 'settings-receipts', path: '/settings/receipts', ready: heading },
  { name: 'settings-retention', path: '/settings/retention', ready: heading },
  { name: 'settings-storage', path: '/settings/storage', ready: heading },
  { name: 'settings-agreed', path: '/settings/agreed', ready: heading },
  { name: 'settings-agreed-text', path: '/settings/agreed', ready: readAgreed },
  {
    name: 'settings-activity',
    path: '/settings/activity',
    ready: (page) => page.locator('time').first().waitFor(),
  },
  {
    name: 'proof',
    path: (scene) => `/address-book/${conversationOf(scene, 'Giulia')}/proof`,
    ready: (page) => page.locator('article').waitFor(),
    whole: true,
  },
  ...['proof', 'figures'].map((name) => ({
    name: `${name}-printed`,
    path: (scene) =>
      name === 'proof' ? `/address-book/${conversationOf(scene, 'Giulia')}/proof` : '/settings/figures',
    media: 'print',
    ready: (page) => page.locator('article').waitFor(),
    whole: true,
    devices: ['desktop'],
  })),
  { name: 'mail-stop', path: '/mail-stop/x', stranger: true, ready: heading },
  { name: 'mail-stop-done', path: '/mail-stop/x', stranger: true, before: stopsMails, ready: stop },
  { name: 'mail-stop-none', path: '/mail-stop/x', stranger: true, ready: stop },
  { name: 'signed-out', path: '/settings', as: () => ({}), ready: leave },
  {
    name: 'settings-figures',
    path: '/settings/figures',
    ready: (page) => page.locator('article').waitFor(),
    whole: true,
  },
  { name: 'app-join-1', path: joining, look: 'app-join-1', stranger: true, ready: heading },
  {
    name: 'app-join-2',
    path: joining,
    look: 'app-join-2',
    stranger: true,
    ready: (page) => forwards(page, 1),
  },
  {
    name: 'app-join-3',
    path: joining,
    look: 'app-join-3',
    stranger: true,
    ready: (page) => forwards(page, 2),
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
  {
    name: 'app-activity',
    path: '/app/privacy/activity',
    ready: (page) => page.locator('time').first().waitFor(),
  },
  { name: 'app-cookies', path: '/app/cookies', ready: heading, whole: true },
  { name: 'app-agreed-all', path: '/app/privacy/agreed', ready: heading },
  {
    name: 'app-agreed',
    path: (scene) => `/app/privacy/agreed/${conversationOf(scene, 'Giulia')}`,
    look: 'app-agreed',
    ready: (page) => page.getByRole('switch').waitFor(),
  },
  { name: 'app-leave', path: '/app/privacy/leave', look: 'app-leave', ready: heading },
  { name: 'app-requests', path: '/app/privacy/requests', ready: heading },
  { name: 'app-search', path: '/app/search#q=torta', ready: (page) => page.locator('a.hit').first().waitFor() },
  { name: 'app-mine', path: '/app/privacy/mine', ready: heading },
  { name: 'app-copy', path: '/app/privacy/copy', ready: heading },
  { name: 'app-more', path: '/app/more', ready: heading },
  {
    name: 'app-notifications',
    path: '/app/notifications',
    look: 'app-notifications',
    before: (_page, { scene, context }) => quietAndMuted(scene, context, 'app'),
    notifications: 'on',
    ready: triedOut,
  },
  {
    name: 'app-notifications-end',
    path: '/app/notifications',
    before: (_page, { scene, context }) => quietAndMuted(scene, context, 'app'),
    notifications: 'on',
    ready: toTheEnd,
  },
  ...withoutNotifications('app-notifications', '/app/notifications'),
  {
    name: 'app-thread-ask',
    path: (scene) => `/app/c/${conversationOf(scene, 'Francesca')}`,
    as: (scene) => ({ app: scene.people.find(({ firstName }) => firstName === 'Francesca') }),
    notifications: 'off',
    ready: asked,
  },
  {
    name: 'app-thread-mute',
    path: (scene) => `/app/c/${conversationOf(scene, 'Giulia')}`,
    before: (_page, { scene, context }) => unmute(scene, context, 'app'),
    ready: muting,
  },
  {
    name: 'app-devices',
    path: '/app/devices',
    before: withNotifiedDevices,
    notifications: 'on',
    ready: (page) =>
      page
        .getByText(/(Ultima notifica|Last notification)/)
        .first()
        .waitFor(),
  },
  { name: 'app-mail-stop', path: '/app/mail-stop/x', stranger: true, ready: heading },
  { name: 'app-mail-stop-done', path: '/app/mail-stop/x', stranger: true, before: stopsMails, ready: stop },
  { name: 'app-mail-stop-none', path: '/app/mail-stop/x', stranger: true, ready: stop },
  { name: 'app-signed-out', path: '/app/more', as: () => ({}), look: 'app-signed-out', ready: leave },
  { name: 'app-install', path: '/app/install', ready: heading },
  { name: 'app-who-can-read', path: '/app/who-can-read', ready: heading, whole: true },
  ...policyScreens,
].map((screen) => (screen.name.startsWith('app-') ? { devices: ['phone'], ...screen } : screen));

async function joining(scene, context) {
  return `/join/${await invitationCode(scene, context)}`;
}

/** The certificate of an erasure; the first picture of it erases somebody. */
async function erasure(scene, context) {
  const headers = { 'X-Colloquio-App': 'dashboard', origin: scene.url };
  const known = await (await context.request.get('/api/erasures', { headers })).json();
  if (known.items.length > 0) return `/erasures/${known.items[0].id}`;
  const { conversationId } = scene.people.at(-1);
  const begun = await (await context.request.delete(`/api/contacts/${conversationId}`, { headers })).json();
  return `/erasures/${begun.erasureId}`;
}

/** Hits of a search, the first one in its place where there is room for it. */
async function firstHit(page, { device }) {
  const hit = page.locator('a.hit').first();
  await hit.waitFor();
  if (device !== 'desktop') return;
  await hit.click();
  await messages(page);
}

/** Goes on in the steps of joining. */
async function forwards(page, times) {
  for (let time = 0; time < times; time++) {
    await page
      .getByRole('button', { name: /^(Continua|Accetta e continua|Entra|Continue|Accept and continue|Join)$/ })
      .click();
  }
  await heading(page);
}

function contacts(page) {
  return page.locator('main a[href^="/address-book/0"]').first().waitFor();
}

/** Shows the trial of a list. */
async function tryImport(page) {
  const lines = [
    'Cod.;Nominativo;PR;E-mail;Cellulare;Note ordini',
    '417;Tecla Montuschi;RA;tecla.montuschi@example.com;333 000 0000;paga a fine mese',
    '418;Ristorante Il Glicine;RA;ordini@ilglicine.example.com;;',
    '419;Gilberto Sansavini;FC;gilberto@;;',
    '420;Adelmo Farolfi;RA;;;',
  ];
  const buffer = Buffer.from(lines.join('\r\n'));
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: 'clienti-negozio-2026.csv', mimeType: 'text/csv', buffer });
  await page.getByRole('heading', { name: /^(Ecco che cosa succederebbe|This is what would happen)$/ }).waitFor();
}

function heading(page) {
  return page.locator('h1').first().waitFor();
}

/** Opens the quick replies of the composer. */
async function quickReplies(page) {
  await messages(page);
  await page.getByRole('textbox', { name: /^(Scrivi a|Write to) / }).fill('/');
  await page.getByRole('option').first().waitFor();
}

/** Hours of silence, and a conversation that is muted. */
async function quietAndMuted({ url }, { request }, app) {
  const headers = { 'X-Colloquio-App': app, origin: url };
  const quietHours = { from: 22 * 60, to: 7 * 60, timeZone: 'Europe/Rome' };
  await request.put('/api/notification-settings', { headers, data: { quietHours } });
  const { items } = await (await request.get('/api/conversations', { headers })).json();
  await request.put(`/api/conversations/${items.at(-1).id}/mute`, { headers, data: { until: null } });
}

async function unmute(scene, { request }, app) {
  const headers = { 'X-Colloquio-App': app, origin: scene.url };
  await request.delete(`/api/conversations/${conversationOf(scene, 'Giulia')}/mute`, { headers });
}

/** Asks for a notification on trial. */
async function triedOut(page) {
  await page.getByRole('button', { name: /^(Invia una notifica di prova|Send a test notification)$/ }).click();
  await page.getByText(/^(Consegnata al servizio|Handed to your browser)/).waitFor();
}

/** Scrolls to what stands last. */
async function toTheEnd(page) {
  const last = page.getByRole('button', { name: /^(Riattiva|Unmute) / }).last();
  await last.scrollIntoViewIfNeeded();
}

/** Waits for the question whether to be notified. */
function asked(page) {
  return page.getByRole('button', { name: /^(Attiva le notifiche|Turn on notifications)$/ }).waitFor();
}

/** Opens the question for how long to mute a conversation. */
async function muting(page) {
  await messages(page);
  const menu = page.getByRole('button', { name: /^(Altro|More)( su questa conversazione| about this conversation)?$/ });
  await menu.first().click();
  await page.getByRole('menuitem', { name: /^(Silenzia|Mute)/ }).click();
  await page.getByRole('dialog').getByRole('radio').first().waitFor();
}

/** Devices of which some have had notifications: a push service that hands them over is not there. */
async function withNotifiedDevices(page) {
  await page.route(/\/api\/sessions(\?|$)/, async (route) => {
    const answer = await route.fetch();
    const { items, nextCursor } = await answer.json();
    const pushes = [
      { lastHandedOverAt: new Date(Date.now() - 3_600_000).toISOString() },
      { lastHandedOverAt: null },
      null,
    ];
    const notified = items.map((each, at) => ({ ...each, push: pushes[at % pushes.length] }));
    await route.fulfill({ response: answer, json: { items: notified, nextCursor } });
  });
}

/** Reads the text that was agreed to first. */
async function readAgreed(page) {
  await page
    .getByRole('button', { name: /^(Rileggi il testo|Read the text)/ })
    .first()
    .click();
  await page.locator('blockquote').waitFor();
}

async function stopsMails(page) {
  await page.route('**/api/mail-stops/*', (route) => route.fulfill({ status: 204 }));
}

/** Stops mails about unread messages. */
async function stop(page) {
  await page.getByRole('button', { name: /^(Non mandarmele più|Send me no more)$/ }).click();
  await page.getByRole('link', { name: /^(Apri le conversazioni|Open the conversations)$/ }).waitFor();
}

/** Logs out of the device. */
async function leave(page) {
  await page.getByRole('button', { name: /^(Esci|Log out)/ }).click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /^(Esci|Log out)$/ })
    .click();
  await page.getByRole('heading', { level: 1 }).waitFor();
}

/** Waits for the band about a policy. */
async function banded(page) {
  await page.getByRole('status').filter({ hasText: policyWords }).first().waitFor();
  await page.locator('a[href*="/c"]').first().waitFor();
}

const policyWords = /(informativa|testo nuovo|cambia|privacy notice|new text|Changing|terms)/i;

async function openGate(page) {
  await page.getByRole('button', { name: /^(Leggi e accetta|Read and accept)$/ }).click();
  await page.getByRole('dialog').waitFor();
}

/** Writes what has to wait for the newer policy. */
async function writeAtGate(page) {
  await messages(page);
  await page.getByRole('textbox', { name: /^(Scrivi a|Write to) / }).fill('Passo alle sei, va bene?');
  await page.getByRole('button', { name: /^(Invia|Send)$/ }).click();
  await page.getByRole('button', { name: /^(Leggi e accetta|Accetta|Read and accept|Accept)/ }).waitFor();
}

/** Waits for a text that is announced. */
async function comes(page) {
  await page
    .getByRole('heading', { name: /^(Il testo che viene|The text to come)$/ })
    .first()
    .waitFor();
}

/** Waits for the line about a text that will take the place of the one that is accepted. */
function comesNext(page) {
  return page.getByRole('button', { name: nextRead }).first().waitFor();
}

const nextRead = /^(Leggi il testo nuovo|Read the new text)$/;

async function readNext(page) {
  await page.getByRole('button', { name: nextRead }).first().click();
  await page.getByRole('heading', { name: /^(Che cosa cambia|What changes)$/ }).waitFor();
}

/** Lets another business register, for which the demo has no place. */
async function openRegistration(page) {
  await page.route('**/api/registration', (route) => route.fulfill({ json: { state: 'open' } }));
}

/** Fills in a registration as far as its last step. */
async function registering(page) {
  const { username, password, ...business } = { ...demoShop, username: 'un.altro.forno' };
  await page.evaluate((draft) => sessionStorage.setItem('colloquio-register', draft), JSON.stringify(business));
  await page.goto('/register?step=access');
  await page.locator('[name=username]').fill(username);
  await page.locator('[name=password]').fill(password);
  await page.locator('button[type=submit]').click();
  await comesNext(page);
}

/** Invites somebody into the team, and leads to what that person sees. */
async function teamInvitation({ url }, { request }) {
  const headers = { 'X-Colloquio-App': 'dashboard', origin: url };
  const data = { email: `ermelinda.${Date.now()}@ziaermelinda.example.com`, displayName: 'Ermelinda' };
  const invitation = await (await request.post('/api/members', { headers, data })).json();
  return new URL(invitation.url).pathname;
}
