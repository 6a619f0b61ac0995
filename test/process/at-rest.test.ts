import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { io } from 'socket.io-client';
import { Installation, type Service } from '../support/installation.js';
import { MailServer, tokenIn } from '../support/mail-server.js';
import { type Answer, expectStatus, shops, unique, until } from '../support/world.js';

/**
 * Promise 5: nothing readable at rest. Canaries go in through every input that is to be sealed, also through inputs that are
 * refused and through a failure; then both databases, the whole data directory (PostgreSQL's files and logs in it) and what
 * the service logs are searched for them.
 */

/** Strange enough to occur nowhere else. */
const canaries = {
  firstName: 'Zqxfirst',
  surname: 'Zqxsurname',
  companyName: 'Zqxcompany',
  companyType: 'Zqxtype',
  email: 'zqxemail@mail.example',
  companyEmail: 'zqxcompanymail@mail.example',
  invitedEmail: 'zqxinvited@mail.example',
  importedFirstName: 'Zqximported',
  importedEmail: 'zqximportedmail@mail.example',
  importedCompany: 'Zqximportedcompany',
  importedId: 'Zqx-M-77',
  importedByLetter: 'Zqxbyletter',
  importedNote: 'Zqximportednote',
  importedLabel: 'Zqximportedlabel',
  importedInvalid: 'zqxnoaddress',
  importedColumn: 'Zqxcolumn',
  importedFile: 'Zqxmembers.csv',
  unreadableFile: 'Zqxunreadable',
  username: 'zqxusername',
  ownerUsername: 'zqxowner',
  password: 'zqxpassword-9-drago',
  device: 'Zqxdevice',
  ownerDevice: 'Zqxcounter',
  message: 'Zqxmessage',
  label: 'Zqxlabel',
  invitationName: 'Zqxqrname',
  note: 'Zqxnote',
  externalId: 'Zqxexternal',
  phone: '555 987654321 Zqxphone',
  answer: 'Zqxanswer',
  broadcast: 'Zqxbroadcast',
  personalBroadcast: 'Zqxpersonal',
  audienceRegion: 'Zqxregion',
  refusedBroadcast: 'Zqxnobroadcast',
  previewedBroadcast: 'Zqxpreview',
  searchByGet: 'zqxsearchget',
  searchByPost: 'zqxsearchpost',
  archiveByGet: 'zqxarchiveget',
  archiveByPost: 'zqxarchivepost',
  archiveRefused: 'zqxarchiverefused',
  networkAddress: '203.0.113.77',
  refusedBody: 'Zqxrefused',
  malformed: 'Zqxmalformed',
  unknownField: 'Zqxunknownfield',
  unknownLogin: 'zqxnobody',
  resetLogin: 'zqxforgetful',
  resetAddress: 'zqxforgetful@mail.example',
  resetToken: 'zqxresettoken',
  unknownPath: 'zqxpath',
  unknownCode: 'zqxcode',
  notAnId: 'zqxid',
  reusedId: 'Zqxreused',
  unknownEvent: 'zqxevent',
  failing: 'Zqxfailing',
  staffEmail: 'zqxstaff@mail.example',
  staffInvitedName: 'Zqxstaffinvited',
  staffName: 'Zqxstaffname',
  staffOtherName: 'Zqxstaffother',
  staffUsername: 'zqxstaffuser',
  staffDevice: 'Zqxstaffdevice',
  otherFirstName: 'Zqxotherfirst',
  otherEmail: 'zqxotheremail@mail.example',
  refusedName: 'Zqxrefusedname',
  userAgent: 'Zqxagent',
  fileName: 'Zqxfilename.txt',
  fileText: 'Zqxfiletext',
  cameraName: 'Zqxcamera',
  pictureName: 'Zqxpicture.jpg',
  resumedName: 'Zqxresumed.txt',
  resumedText: 'Zqxresumedtext',
  abandonedText: 'Zqxabandoned',
  refusedFileName: 'Zqxnofile.txt',
};
/** Business data stay in clear: that they are found shows that the search would find the others. */
const inClear = 'Zqxbusiness';

let installation: Installation;
let service: Service;
let mails: MailServer;
let output = '';
let places: Place[] = [];
let suspects: Place[] = [];

/** A place where something could stand, by name, and all that stands there. */
interface Place {
  name: string;
  content: Buffer;
}

beforeAll(async () => {
  installation = await Installation.make();
  const port = String(installation.port);
  mails = await MailServer.open();
  // It takes no mail but the shop's, and quotes the addressee when it refuses: for good, or until later.
  mails.refuse = (address) =>
    address === shops.bakery.email ? undefined : address === canaries.email ? '550 5.1.1 No such user' : 451;
  service = await installation.start({
    LOG_LEVEL: 'debug',
    REGISTRATION: 'open',
    SMTP_URL: mails.url,
    TRUST_PROXY: '1',
    HOST: '127.0.0.1',
    PUBLIC_URL: `http://localhost:${port}`,
  });
  await writeEverywhere();
  places = [await contentOf('colloquio'), await contentOf('colloquio_keyring')];
  await service.stop();
  output = service.stdout + service.stderr;
  places.push({ name: 'what the service logs', content: Buffer.from(output) });
  for (const name of await filesBelow(installation.dataDir)) places.push({ name, content: await readFile(name) });
  // All is searched once for what nearly every canary begins with, and then only where that stands.
  const beginnings = ['Zqx', 'zqx'].flatMap(formsOf);
  suspects = places.filter(({ content }) => beginnings.some((form) => content.includes(form)));
});
afterAll(async () => {
  await installation.remove();
  await mails.close();
});

const ask = (method: string, path: string, body?: unknown, token?: string): Promise<Answer> =>
  service.ask(method, path, {
    token,
    body,
    headers: { 'x-forwarded-for': canaries.networkAddress, 'user-agent': canaries.userAgent },
  });

async function writeEverywhere(): Promise<void> {
  const { password } = canaries;
  const { body: policies } = await ask('GET', '/api/policies/current?audience=subscriber');
  const registered = await ask('POST', '/api/subscribers', {
    ...shops.bakery,
    businessName: inClear,
    username: canaries.ownerUsername,
    password,
    device: canaries.ownerDevice,
    consents: policies.items.map(({ id, purpose }: { id: string; purpose: string }) => ({ policyId: id, purpose })),
  });
  expectStatus(registered, 201);
  const owner: string = registered.body.session.token;
  const token = tokenIn(await mails.mail(shops.bakery.email, /Conferma/));
  expectStatus(await ask('POST', '/api/me/email-verification/confirmation', { token }), 204);
  const invited = await ask('POST', '/api/invitations', { kind: 'personal', email: canaries.invitedEmail }, owner);
  expectStatus(invited, 201);
  const { body: open } = await ask('POST', '/api/invitations', { kind: 'open', name: canaries.invitationName }, owner);
  const { body: opened } = await ask('GET', `/api/invitations/by-code/${open.code}`);
  const consents = [{ policyId: opened.policies[0].id, purpose: 'privacy' }];
  const join = (person: Record<string, unknown>) =>
    ask('POST', `/api/invitations/by-code/${open.code}/acceptance`, {
      password,
      ageConfirmed: true,
      locale: 'it',
      consents,
      ...person,
    });
  const { firstName, surname, email, username, device, companyName, companyType, companyEmail } = canaries;
  const person = await join({ firstName, surname, email, username, device });
  expectStatus(person, 201);
  expectStatus(await join({ companyName, companyType, email: companyEmail }), 201);
  const { session, contact } = person.body;
  const { body: label } = await ask('POST', '/api/labels', { name: canaries.label }, owner);
  const { note, phone, externalId } = canaries;
  const added = { labels: [label.id], note, phone, externalId };
  expectStatus(await ask('PATCH', `/api/contacts/${contact.id}`, added, owner), 200);
  expectStatus(await ask('POST', '/api/labels', { name: canaries.label }, owner), 409);
  expectStatus(await ask('GET', `/api/contacts?externalId=${externalId}&label=${label.id}`, undefined, owner), 200);
  const messages = `/api/conversations/${contact.id}/messages`;
  expectStatus(
    await ask('POST', messages, { clientId: '1', body: `${canaries.message} ${'x'.repeat(5_000)}` }, session.token),
    201,
  );
  expectStatus(await ask('POST', messages, { clientId: '2', body: canaries.answer }, owner), 201);
  expectStatus(await ask('GET', '/api/conversations', undefined, owner), 200);
  expectStatus(await ask('GET', `/api/contacts?query=${canaries.searchByGet}`, undefined, owner), 200);
  expectStatus(await ask('POST', '/api/contacts/search', { query: canaries.searchByPost }, owner), 200);
  expectStatus(await ask('GET', `/api/archive?q=${canaries.archiveByGet}`, undefined, owner), 200);
  expectStatus(await ask('POST', '/api/archive/searches', { q: canaries.archiveByPost }, session.token), 200);
  expectStatus(await ask('POST', '/api/archive/searches', { q: canaries.archiveRefused, has: ['x'] }, owner), 400);
  // What was written is in the index by now, which is searched for it like everything else.
  await until(async () => {
    const { body } = await ask('POST', '/api/archive/searches', { q: canaries.message }, owner);
    return body.items.length === 1;
  }, 'the archive is searched');
  expectStatus(await ask('POST', '/api/sessions', { username, password, device }), 201);
  await writeFiles(session.token, contact.id);
  await writeBroadcasts(owner, session.token, contact.id);
  await writeProfiles(owner, session.token);

  const importFile = async (text: string): Promise<Answer> => {
    const form = new FormData();
    form.set('file', new Blob([text]), canaries.importedFile);
    const response = await fetch(`${service.url}/api/imports`, {
      method: 'POST',
      headers: { authorization: `Bearer ${owner}` },
      body: form,
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  const { importedFirstName, importedEmail, importedCompany, importedId, importedByLetter, importedInvalid } = canaries;
  const begun = await importFile(
    [
      `Nome;Ragione sociale;Email;Codice;${canaries.importedColumn};Note;Etichette`,
      `${importedFirstName};${importedCompany};${importedEmail};${importedId};x;${canaries.importedNote};${canaries.importedLabel}`,
      `${importedByLetter};;;;`,
      `x;;${importedInvalid};;`,
    ].join('\n'),
  );
  expectStatus(begun, 202);
  expectStatus(await importFile(`${canaries.unreadableFile};x@mail.example`), 422);
  await until(async () => {
    const { body } = await ask('GET', `/api/imports/${begun.body.id}`, undefined, owner);
    return body.state === 'finished' && body.counts.invited === 2 && body.counts.invalid === 1;
  }, 'the import ends');
  expectStatus(await ask('GET', `/api/imports/${begun.body.id}/letters`, undefined, owner), 200);
  expectStatus(await ask('GET', '/api/contacts/export', undefined, owner), 200);

  // Mails that wait, for a while or for good, after a server has quoted whom they are for.
  expectStatus(await ask('POST', '/api/password-resets', { login: canaries.resetLogin }), 202);
  expectStatus(await ask('POST', '/api/password-resets', { login: canaries.resetAddress }), 202);
  expectStatus(await ask('POST', '/api/password-resets/confirmation', { token: canaries.resetToken, password }), 410);
  await until(() => waitingHas('smtp_550_5.1.1', 'smtp_451'), 'mails have failed');

  // What is refused is forgotten too.
  expectStatus(await ask('POST', messages, { clientId: '3', body: canaries.refusedBody.repeat(1_100) }, owner), 400);
  expectStatus(await ask('POST', messages, { clientId: '1', body: canaries.reusedId }, session.token), 409);
  expectStatus(await ask('POST', messages, { clientId: '4', body: 'x', [canaries.unknownField]: 1 }, owner), 400);
  expectStatus(await ask('POST', '/api/sessions', { username: canaries.unknownLogin, password }), 401);
  expectStatus(await ask('GET', `/api/${canaries.unknownPath}`, undefined, owner), 404);
  expectStatus(await ask('GET', `/api/conversations/${canaries.notAnId}`, undefined, owner), 404);
  expectStatus(await ask('GET', `/api/invitations/by-code/${canaries.unknownCode}`), 404);
  const malformed = await fetch(`${service.url}/api/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: `{"username": "${canaries.malformed}", `,
  });
  expect(malformed.status).toBe(400);
  const socket = io(service.url, { auth: { token: session.token }, transports: ['websocket'] });
  await socket.timeout(30_000).emitWithAck(canaries.unknownEvent, { body: canaries.message });
  await socket
    .timeout(30_000)
    .emitWithAck('message.send', { conversationId: contact.id, clientId: unique(), body: canaries.message });
  socket.disconnect();

  // A failure inside: the database refuses, and the service logs it.
  await installation.onPostgres(async (database) => {
    await database.query(`ALTER TABLE message ADD CONSTRAINT refuses CHECK (seq < 0) NOT VALID`);
    expectStatus(await ask('POST', messages, { clientId: '5', body: canaries.failing }, owner), 500);
    await database.query('ALTER TABLE message DROP CONSTRAINT refuses');
  });
}

/** A common text, one with fields, one for a region where nobody lives, and one that is refused. */
async function writeBroadcasts(owner: string, interlocutor: string, contactId: string): Promise<void> {
  const common = { kind: 'service', reason: 'other', audience: { all: true } };
  const bodies = [canaries.broadcast, `{{firstName}}: ${canaries.personalBroadcast}`];
  const audiences = [{ all: true }, { regions: [canaries.audienceRegion], contactIds: [contactId] }];
  for (const [index, body] of bodies.entries()) {
    const wanted = { ...common, clientId: unique(), body, audience: audiences[index] };
    expectStatus(await ask('POST', '/api/broadcasts', wanted, owner), 202);
  }
  const refused = { ...common, clientId: unique(), body: `{{${canaries.refusedBroadcast}}}` };
  expectStatus(await ask('POST', '/api/broadcasts', refused, owner), 400);
  const previewed = { ...common, body: canaries.previewedBroadcast, contactId };
  expectStatus(await ask('POST', '/api/broadcasts/preview', previewed, owner), 200);
  await until(async () => {
    const { body } = await ask('GET', `/api/conversations/${contactId}/messages`, undefined, interlocutor);
    const arrived = body.items.map(({ body: text }: { body: string }) => text);
    return [canaries.broadcast, `${canaries.firstName}: ${canaries.personalBroadcast}`].every((text) =>
      arrived.includes(text),
    );
  }, 'the broadcasts arrive');
}

/** A text, a picture with what its camera wrote, an upload that is resumed, one that is left, and one that is refused. */
async function writeFiles(token: string, conversationId: string): Promise<void> {
  const upload = async (bytes: Buffer, name: string, to: string): Promise<Answer> => {
    const form = new FormData();
    form.set('conversationId', to);
    form.set('file', new Blob([new Uint8Array(bytes)]), name);
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${service.url}/api/attachments`, { method: 'POST', headers, body: form });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  const text = await upload(Buffer.from(`${canaries.fileText} `.repeat(20_000)), canaries.fileName, conversationId);
  expectStatus(text, 201);
  const picture = await sharp({ create: { width: 2_500, height: 2_500, channels: 3, background: 'teal' } })
    .withExif({ IFD0: { Make: canaries.cameraName } })
    .jpeg()
    .toBuffer();
  const photo = await upload(picture, canaries.pictureName, conversationId);
  expectStatus(photo, 201);
  expect(photo.body).toMatchObject({ family: 'image', thumbnail: { width: 320 }, display: { width: 2_048 } });
  expectStatus(await upload(Buffer.from('x'), canaries.refusedFileName, contactOfNobody), 404);
  const attachmentIds = [text.body.id, photo.body.id];
  const content = { clientId: unique(), body: canaries.message, attachmentIds };
  expectStatus(await ask('POST', `/api/conversations/${conversationId}/messages`, content, token), 201);

  const tus = (method: string, path: string, headers: Record<string, string>, body?: string) =>
    fetch(service.url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'tus-resumable': '1.0.0', ...headers },
      ...(body !== undefined && { body }),
    });
  const encoded = (value: string) => Buffer.from(value).toString('base64');
  const resumed = canaries.resumedText.repeat(1_000);
  for (const [whole, sent] of [
    [resumed.length, resumed],
    [100_000, canaries.abandonedText.repeat(1_000)],
  ] as const) {
    const begun = await tus('POST', '/api/attachments/uploads', {
      'upload-length': String(whole),
      'upload-metadata': `filename ${encoded(canaries.resumedName)},conversationId ${encoded(conversationId)}`,
    });
    expect(begun.status).toBe(201);
    const stored = await tus(
      'PATCH',
      begun.headers.get('location')!,
      { 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' },
      sent,
    );
    expect(stored.status).toBe(204);
  }
}

const contactOfNobody = '01900000-0000-7000-8000-000000000000';

/** A member is invited, joins and takes another name; an interlocutor corrects its own. */
async function writeProfiles(owner: string, interlocutor: string): Promise<void> {
  const { staffEmail, staffInvitedName, staffName, staffOtherName, staffUsername, staffDevice } = canaries;
  const invite = { email: staffEmail, displayName: staffInvitedName };
  const invited = await ask('POST', '/api/members', invite, owner);
  expectStatus(invited, 201);
  const code = String(invited.body.url).split('/').at(-1)!;
  const { body: opened } = await ask('GET', `/api/members/by-code/${code}`);
  const joined = await ask('POST', `/api/members/by-code/${code}/acceptance`, {
    displayName: staffName,
    username: staffUsername,
    password: canaries.password,
    locale: 'it',
    device: staffDevice,
    consents: [{ policyId: opened.policies[0].id, purpose: 'privacy' }],
  });
  expectStatus(joined, 201);
  const { token } = joined.body.session;
  expectStatus(await ask('PATCH', '/api/me', { displayName: staffOtherName }, token), 200);
  const corrected = {
    firstName: canaries.otherFirstName,
    email: canaries.otherEmail,
    currentPassword: canaries.password,
  };
  expectStatus(await ask('PATCH', '/api/me', corrected, interlocutor), 200);
  const refused = { firstName: canaries.refusedName, email: canaries.refusedName };
  expectStatus(await ask('PATCH', '/api/me', refused, interlocutor), 400);
  expectStatus(await ask('POST', '/api/members', { email: canaries.refusedName }, owner), 400);
}

/** Tells if mails wait that have failed in these ways. */
const waitingHas = (...codes: string[]) =>
  installation.onPostgres(async (database) => {
    const { rows } = await database.query<{ failure: string }>('SELECT DISTINCT failure FROM mail');
    return codes.every((code) => rows.some(({ failure }) => failure === code));
  });

/** Every row of every table of a database, as text. */
async function contentOf(database: string): Promise<Place> {
  const text = await installation.onPostgres(async (client) => {
    const { rows: tables } = await client.query<{ name: string }>(
      `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
       WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`,
    );
    let all = '';
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: string }>(`SELECT t::text AS row FROM ${name} AS t`);
      all += `${name}\n${rows.map(({ row }) => row).join('\n')}\n`;
    }
    return all;
  }, database);
  return { name: `database ${database}`, content: Buffer.from(text) };
}

/** The forms in which a text could stand somewhere. */
function formsOf(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  return [
    bytes,
    Buffer.from(text.toLowerCase()),
    Buffer.from(text, 'utf16le'),
    Buffer.from(bytes.toString('hex')),
    Buffer.from(encodeURIComponent(text)),
  ];
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** The names of the places that hold a text. */
function placesOf(text: string): string[] {
  const forms = formsOf(text);
  const among = /^zqx/i.test(text) ? suspects : places;
  return among.filter(({ content }) => forms.some((form) => content.includes(form))).map(({ name }) => name);
}

describe('nothing readable at rest', () => {
  test('the test finds data that is in clear, in the database and in its files', () => {
    const found = placesOf(inClear);
    expect(found).toContain('database colloquio');
    expect(found.some((name) => name.includes('/pg/base/'))).toBe(true);
    expect(found.some((name) => name.includes('/pg/pg_wal/'))).toBe(true);
    expect(output).toContain('"msg":"request"');
    expect(output).toContain('"msg":"failure"');
  });

  test.each(Object.entries(canaries))('%s stands nowhere', (_, canary) => {
    expect(placesOf(canary)).toEqual([]);
  });

  test('files and their previews are stored, sealed', () => {
    const objects = places.filter(({ name }) => name.includes('/files/'));
    expect(objects.length).toBeGreaterThanOrEqual(6);
    for (const { content } of objects) {
      expect([...content.subarray(0, 2)]).toEqual([1, 1]);
      expect(content.includes('WEBP')).toBe(false);
    }
  });

  test('the log says by code why mails were not sent', () => {
    expect(places[0]!.content.toString()).toContain('smtp_550_5.1.1');
    expect(output).toMatch(/"code":"smtp_550_5.1.1","mails":\d+,"about":"[^"]+","msg":"mail failed"/);
    expect(output).toMatch(/"code":"smtp_451","mails":\d+,"about":"[^"]+","msg":"mail waits"/);
    expect(output).not.toContain('is not wanted here');
  });

  test('the log names routes by their template', () => {
    expect(output).toContain('"route":"/api/conversations/:id/messages"');
    expect(output).not.toMatch(/"(url|path|ip|remoteAddress|headers)"/);
  });
});
