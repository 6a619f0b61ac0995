// Screens of which pictures are made. `look` names the picture of the design; `ready` waits for what is to be seen.

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

export const screens = [
  { name: 'broadcasts', path: '/broadcasts', ready: heading },
  { name: 'broadcast-new', path: '/broadcasts/new', look: 'broadcast-new', ready: writing },
  { name: 'broadcast-results', path: lastBroadcast, look: 'broadcast-results', ready: heading, whole: true },
  { name: 'register', path: '/register', look: 'register', stranger: true, ready: heading },
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
  { name: 'settings-notifications', path: '/settings/notifications', ready: heading },
  { name: 'settings-devices', path: '/settings/devices', look: 'settings-devices', ready: heading },
  { name: 'settings-appearance', path: '/settings/appearance', ready: heading },
  { name: 'settings-quick-replies', path: '/settings/quick-replies', ready: heading },
  { name: 'settings-quick-reply', path: '/settings/quick-replies?new=1', ready: heading },
  { name: 'settings-team', path: '/settings/team', look: 'settings-team', ready: heading },
  { name: 'settings-receipts', path: '/settings/receipts', ready: heading },
  { name: 'settings-retention', path: '/settings/retention', ready: heading },
  { name: 'settings-storage', path: '/settings/storage', ready: heading },
  { name: 'settings-agreed', path: '/settings/agreed', ready: heading },
  { name: 'settings-activity', path: '/settings/activity', ready: heading },
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
  { name: 'app-activity', path: '/app/privacy/activity', ready: heading },
  { name: 'app-cookies', path: '/app/cookies', ready: heading, whole: true },
  { name: 'app-agreed', path: '/app/privacy/agreed', look: 'app-agreed', ready: heading },
  { name: 'app-leave', path: '/app/privacy/leave', look: 'app-leave', ready: heading },
  { name: 'app-requests', path: '/app/privacy/requests', ready: heading },
  { name: 'app-search', path: '/app/search#q=torta', ready: (page) => page.locator('a.hit').first().waitFor() },
  { name: 'app-mine', path: '/app/privacy/mine', ready: heading },
  { name: 'app-copy', path: '/app/privacy/copy', ready: heading },
  { name: 'app-more', path: '/app/more', ready: heading },
  { name: 'app-notifications', path: '/app/notifications', ready: heading },
  { name: 'app-devices', path: '/app/devices', ready: heading },
  { name: 'app-install', path: '/app/install', ready: heading },
  { name: 'app-who-can-read', path: '/app/who-can-read', ready: heading, whole: true },
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
