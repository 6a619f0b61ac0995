// Starts the built service on fresh temporary data and plays an invented bakery's conversations through it,
// as its clients would: over HTTP and Socket.IO, in both directions, checking every message on the way.
//
//   node demo/play.mjs          plays, then stays up until Ctrl-C
//   node demo/play.mjs --once   plays, then stops: 0 when everything arrived exactly once, 1 otherwise

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { io } from 'socket.io-client';
import { demoFiles } from './files.mjs';
import { FreshService } from './service.mjs';
import shop from './shop.json' with { type: 'json' };
import team from './team.json' with { type: 'json' };

const password = 'pane-burro-e-zucchero';
const shownAtTheEnd = ['giulia.rossi@example.com', 'wang.xiaomei@example.com', 'ordini@merlodistratto.example.com'];
const joiningAtOnce = 6;
const messagesAtOnce = 12;
const secondsToAnswer = 20;

const contacts = readContacts();
const script = linesOf('conversations.jsonl').map((line) => JSON.parse(line));

const service = new FreshService();
let ending;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => end(0));
demo().catch((error) => {
  if (ending) return;
  console.error(`\nThe demo has stopped: ${error.message}`);
  end(1);
});

async function demo() {
  await service.start();

  const began = performance.now();
  const shopToken = await registerShop();
  const colleagues = await gatherTeam(shopToken);
  await letContactsJoin(shopToken);
  await playConversations(shopToken);
  await sendBroadcast(shopToken);
  await claim(colleagues);
  const seconds = (performance.now() - began) / 1000;
  const customer = contacts.find(({ identity }) => identity.email === shownAtTheEnd[0]);
  const links = { shop: await carryLink('/', shopToken), customer: await carryLink('/app', customer.token) };
  printSummary(seconds, links);

  // Whoever has started it as a part of something else, such as the screenshots.
  process.send?.({
    url: service.url,
    dataDir: service.dataDir,
    shop,
    staff: { username: team.staff[0].username, password },
    people: contacts.map(({ username, conversationId, identity }) => ({
      ...identity,
      username,
      password,
      conversationId,
    })),
  });
  process.once('disconnect', () => end(0));
  if (process.argv.includes('--once')) return end(0);
  throw new Error(`the service has ended (${await service.ended})`);
}

async function registerShop() {
  const policies = await call('GET', `/api/policies/current?audience=subscriber&locale=${shop.locale}`);
  const consents = policies.items.map(({ id, purpose }) => ({ policyId: id, purpose }));
  const { session } = await call('POST', '/api/subscribers', { body: { ...shop, consents } });
  return session.token;
}

/** The shop's quick replies, and colleagues who answer too. */
async function gatherTeam(token) {
  await call('PATCH', '/api/me', { token, body: { displayName: team.owner } });
  for (const body of team.quickReplies) await call('POST', '/api/quick-replies', { token, body });
  const tokens = [];
  for (const { email, displayName, username } of team.staff) {
    const { url } = await call('POST', '/api/members', { token, body: { email, displayName } });
    const code = url.split('/').at(-1);
    const { policies } = await call('GET', `/api/members/by-code/${code}?locale=${shop.locale}`);
    const consents = policies.map(({ id, purpose }) => ({ policyId: id, purpose }));
    const body = { displayName, username, password, locale: shop.locale, consents };
    tokens.push((await call('POST', `/api/members/by-code/${code}/acceptance`, { body })).session.token);
  }
  await call('POST', '/api/members', { token, body: team.invited });
  return tokens;
}

/** A colleague takes care of one of the conversations. */
async function claim([token]) {
  const { conversationId } = contacts.find(({ identity }) => identity.email === shownAtTheEnd[2]);
  await call('PUT', `/api/conversations/${conversationId}/claim`, { token });
}

async function letContactsJoin(shopToken) {
  const { code } = await call('POST', '/api/invitations', { token: shopToken, body: { kind: 'open' } });
  await eachAtMost(joiningAtOnce, contacts, async (contact) => {
    const { policies } = await call('GET', `/api/invitations/by-code/${code}?locale=it`);
    const { id: policyId } = policies.find(({ purpose }) => purpose === 'privacy');
    const purposes = contact.promotions ? ['privacy', 'promotions'] : ['privacy'];
    const consents = purposes.map((purpose) => ({ policyId, purpose }));
    const joined = await call('POST', `/api/invitations/by-code/${code}/acceptance`, {
      body: { ...contact.identity, password, ageConfirmed: true, locale: 'it', consents },
    });
    contact.username = joined.interlocutor.username;
    contact.conversationId = joined.contact.id;
    contact.token = joined.session.token;
  });
}

async function playConversations(shopToken) {
  const play = { sent: new Map(), complaints: [], conversations: new Map(), shopToken };
  play.shop = await connect(shopToken, 'subscriber', play);
  const talking = contacts.filter(({ identity }) => script.some((line) => line.with === identity.email));
  await eachAtMost(messagesAtOnce, talking, async ({ identity, conversationId, token }) => {
    const interlocutor = await connect(token, 'interlocutor', play);
    play.conversations.set(identity.email, {
      id: conversationId,
      interlocutor,
      token,
      lastSeq: 0,
      turn: Promise.resolve(),
    });
  });

  // Lines are taken in file order, and each waits for the one before it in its own conversation only.
  await eachAtMost(messagesAtOnce, script, (line) => {
    const conversation = play.conversations.get(line.with);
    return (conversation.turn = conversation.turn.then(() => say(line, conversation, play)));
  });

  await pause(300); // a doubled message would come after the first
  for (const { line, arrivals } of play.sent.values()) {
    if (arrivals !== 1) play.complaints.push(`arrived ${arrivals} times: ${excerpt(line)}`);
  }
  play.shop.close();
  for (const { interlocutor } of play.conversations.values()) interlocutor.close();
  if (play.complaints.length > 0) throw new Error(play.complaints.slice(0, 5).join('\n'));
}

async function say(line, conversation, play) {
  const clientId = randomUUID();
  const received = new Promise((resolve, reject) => {
    play.sent.set(clientId, { line, conversation, arrivals: 0, resolve, reject });
    setTimeout(() => reject(new Error(`never arrived: ${excerpt(line)}`)), secondsToAnswer * 1000).unref();
  });
  received.catch(() => {}); // it may fail before anybody waits for it

  const sender = line.from === 'subscriber' ? play.shop : conversation.interlocutor;
  const token = line.from === 'subscriber' ? play.shopToken : conversation.token;
  const attachmentIds = [];
  for (const file of line.files ?? [])
    attachmentIds.push(await upload(file, { conversationId: conversation.id }, token));
  const content = { clientId, body: line.body, ...(attachmentIds.length > 0 && { attachmentIds }) };
  const { seq } = await ask(sender, 'message.send', { conversationId: conversation.id, ...content });
  conversation.lastSeq += 1;
  if (seq !== conversation.lastSeq) throw new Error(`seq ${seq} instead of ${conversation.lastSeq}: ${excerpt(line)}`);
  const arrived = await received;
  const files = arrived.attachments.map(({ id }) => id).join();
  if (arrived.seq !== seq || arrived.body !== line.body || files !== attachmentIds.join())
    throw new Error(`arrived changed: ${excerpt(line)}`);
}

/** Uploads a file of the demo. */
async function upload(file, purpose, token) {
  const { name, fields, make } = demoFiles[file];
  const form = new FormData();
  for (const [field, value] of Object.entries({ ...purpose, ...fields })) form.append(field, value);
  form.append('file', new Blob([await make()]), name);
  const { id, family, thumbnail } = await call('POST', '/api/attachments', { token, body: form });
  if (family !== 'audio' && !thumbnail) throw new Error(`${name} has no thumbnail`);
  return id;
}

/** Tells everybody that the shop is closed, with a picture. */
async function sendBroadcast(token) {
  const attachmentIds = [await upload('closed', { broadcast: 'true' }, token)];
  const about = { kind: 'service', reason: 'closure', body: 'Lunedì 8 siamo chiusi: il forno riposa, e anche Walter.' };
  const body = { clientId: randomUUID(), ...about, attachmentIds, audience: { all: true } };
  const { id } = await call('POST', '/api/broadcasts', { token, body });
  const deadline = Date.now() + secondsToAnswer * 1000;
  while ((await call('GET', `/api/broadcasts/${id}`, { token })).state !== 'finished') {
    if (Date.now() > deadline) throw new Error('the broadcast was not sent in time');
    await pause(100);
  }
}

function connect(token, party, play) {
  const socket = io(service.url, { auth: { token }, transports: ['websocket'], forceNew: true, reconnection: false });
  socket.on('message.sent', (event) => receive(event, socket, party, play));
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket));
    socket.once('connect_error', (error) => reject(new Error(`Socket.IO refuses ${party}: ${error.message}`)));
  });
}

async function receive({ conversationId, clientId, seq, body, attachments }, socket, party, play) {
  const message = play.sent.get(clientId);
  const expected = message?.conversation.id === conversationId;
  if (!expected || ![play.shop, message.conversation.interlocutor].includes(socket)) {
    return play.complaints.push(`arrived where it should not (${party}, conversation ${conversationId})`);
  }
  if (message.line.from === party) return; // the sender's own devices hear it too
  message.arrivals += 1;

  // Lines marked "seen": false stay unread, so that the first look at the demo has something to open.
  const receipt = { conversationId, deliveredSeq: seq, ...(message.line.seen !== false && { seenSeq: seq }) };
  await ask(socket, 'receipt.send', receipt).then(() => message.resolve({ seq, body, attachments }), message.reject);
}

async function ask(socket, event, payload) {
  const { data, error } = await socket.timeout(secondsToAnswer * 1000).emitWithAck(event, payload);
  if (error) throw new Error(`${event}: ${JSON.stringify(error)}`);
  return data;
}

async function call(method, path, { token, body } = {}) {
  const isForm = body instanceof FormData;
  const headers = {
    ...(!isForm && { 'Content-Type': 'application/json' }),
    ...(token && { Authorization: `Bearer ${token}` }),
  };
  const answer = await fetch(service.url + path, {
    method,
    headers,
    body: isForm ? body : body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.status === 204 ? undefined : answer.json();
}

async function eachAtMost(limit, items, work) {
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}

/** Address that signs in once, with a code that is good for a quarter of an hour. */
async function carryLink(path, token) {
  const { code } = await call('POST', '/api/sessions/carry-codes', { token });
  return `${path}?carry=${encodeURIComponent(code)}`;
}

function printSummary(seconds, links) {
  const { port, dataDir } = service;
  const people = contacts.filter(({ identity }) => shownAtTheEnd.includes(identity.email));
  const width = Math.max(...[shop, ...people].map(({ username }) => username.length));
  const row = (label, username, name) => `  ${label.padEnd(15)}${username.padEnd(width)}  ${name}`;
  const rows = people.map(({ username, identity: { companyName, firstName, surname } }, i) =>
    row(i === 0 ? 'Interlocutors' : '', username, companyName ?? `${firstName} ${surname}`),
  );
  const time = seconds.toLocaleString('en', { maximumFractionDigits: 1 });
  console.log(`
The demo is ready.

  As the shop    http://localhost:${port}${links.shop}
  As a customer  http://localhost:${port}${links.customer}
                 One click signs in, once and within 15 minutes; then with the passwords below.
  API            http://localhost:${port}/api/docs (to read and to try)

${row('Shop', shop.username, shop.businessName)}
                 password: ${shop.password}

${rows.join('\n')}
                 password, for all of them: ${password}

  Played         ${contacts.length} contacts and ${script.length} messages in ${time} seconds,
                 with pictures, a PDF and a voice note, and a broadcast
  Data           ${dataDir} (temporary)

To go on, sign in as the shop (then send the token with each request, as Authorization: Bearer <token>):

  curl -s http://localhost:${port}/api/sessions -H 'Content-Type: application/json' \\
    -d '{ "username": "${shop.username}", "password": "${shop.password}" }'

To see the mails that wait:

  DATA_DIR=${dataDir} npm run outbox

Ctrl-C ends the demo and deletes its data.
`);
}

function end(code) {
  return (ending ??= service.stop().then(() => process.exit(code)));
}

// No value holds a comma or quotes; an empty one is left out.
function readContacts() {
  const [names, ...rows] = linesOf('contacts.csv').map((line) => line.split(','));
  return rows.map((values) => {
    const fields = values.map((value, i) => [names[i], value]).filter(([, value]) => value);
    const { promotions, ...identity } = Object.fromEntries(fields);
    return { identity, promotions: promotions === 'true' };
  });
}

function linesOf(name) {
  return readFileSync(new URL(name, import.meta.url), 'utf8')
    .trim()
    .split(/\r?\n/);
}

function excerpt({ with: email, body }) {
  return `“${body.slice(0, 40)}” (${email})`;
}
