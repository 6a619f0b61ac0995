import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PolicyAnnouncements } from '../src/consents/policy-announcements.service.js';
import { limits } from '../src/contract/limits.js';
import { askToUpload, bytesOf } from './support/files.js';
import { MailServer } from './support/mail-server.js';
import {
  changesOf,
  dayAhead,
  policiesFolder,
  publish,
  refreshed,
  takesEffect,
  writeVersion,
} from './support/policies.js';
import {
  type Answer,
  type Device,
  expectStatus,
  type Person,
  type Shop,
  type Staff,
  unique,
  until,
  World,
} from './support/world.js';

/** A new version of a policy: published by the host, announced, and then in force. One story, told in order. */

let policies: string;
let mails: MailServer;
let world: World;
let shop: Shop;
let staff: Staff;
let anna: Person;
let bruno: Person;
let scheduled: string;

beforeAll(async () => {
  policies = await policiesFolder();
  mails = await MailServer.open();
  world = await World.open({ POLICIES_DIR: policies, SMTP_URL: mails.url });
  shop = await world.shop('bakery');
  staff = await world.staff(shop);
  anna = await world.join(shop, 'anna');
  bruno = await world.join(shop, 'bruno', { locale: 'en' });
  scheduled = (await shop.owner.ask('POST', '/api/broadcasts', { ...broadcast(), sendAt: tomorrow() })).body.id;
});
afterAll(async () => {
  await world.close();
  await mails.close();
  await rm(policies, { recursive: true, force: true });
});

const tomorrow = () => new Date(Date.now() + 86_400_000).toISOString();
const broadcast = () => ({
  clientId: unique(),
  kind: 'service',
  reason: 'closure',
  body: 'Lunedì siamo chiusi',
  audience: { all: true },
});

function list(): FormData {
  const form = new FormData();
  form.set('file', new Blob([`Nome;Cognome\nDora;Neri ${unique()}\n`]), 'soci.csv');
  form.set('confirm', 'letters');
  return form;
}

/** Everything that a business or a person sends, and so waits for an acceptance. The matrix of isolation lists the same routes. */
const messages = () => `/api/conversations/${anna.contactId}/messages`;
const sends: Record<'both' | 'member' | 'owner', Record<string, (device: Device) => Promise<Answer>>> = {
  both: {
    message: (device) => device.ask('POST', messages(), { clientId: unique(), body: 'Ciao' }),
    file: (device) => askToUpload(device, bytesOf(10), { conversationId: anna.contactId }),
    upload: ({ token }) =>
      world.ask('POST', '/api/attachments/uploads', {
        token,
        headers: {
          'tus-resumable': '1.0.0',
          'upload-length': '10',
          'upload-metadata': `conversationId ${Buffer.from(anna.contactId).toString('base64')}`,
        },
      }),
    event: async (device) => {
      const connected = device.connected ? device : await device.connect();
      const { data, error } = await connected.emit('message.send', {
        ...{ conversationId: anna.contactId, clientId: unique(), body: 'Ciao' },
      });
      return { status: data ? 201 : error.status, headers: new Headers(), body: data ?? error };
    },
  },
  member: {
    invitation: (device) => device.ask('POST', '/api/invitations', { kind: 'open' }),
    imported: (device) => world.ask('POST', '/api/imports', { token: device.token, body: list() }),
    broadcast: (device) => device.ask('POST', '/api/broadcasts', broadcast()),
    broadcastFile: (device) => askToUpload(device, bytesOf(10), { broadcast: true }),
    changed: (device) => device.ask('PATCH', `/api/broadcasts/${scheduled}`, { body: `Chiusi ${unique()}` }),
  },
  owner: { member: (device) => device.ask('POST', '/api/members', { email: `${unique()}@mail.example` }) },
};

/** Outcome of each send, as the code of its refusal. */
async function outcomes(device: Device, ...kinds: (keyof typeof sends)[]): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const kind of kinds) {
    for (const [name, send] of Object.entries(sends[kind])) {
      const { status, body } = await send(device);
      found[name] = status < 300 ? 'sent' : body.code;
    }
  }
  return found;
}

const all = (code: string, ...kinds: (keyof typeof sends)[]) =>
  Object.fromEntries(kinds.flatMap((kind) => Object.keys(sends[kind]).map((name) => [name, code])));

const current = async (device: Device, which: 'current' | 'announced', contactId?: string) => {
  const whose = contactId === undefined ? 'audience=subscriber' : `audience=interlocutor&contactId=${contactId}`;
  return (await device.ask('GET', `/api/policies/${which}?${whose}&locale=it`)).body.items;
};
const changes = async (device: Device) => (await device.ask('GET', '/api/policies/changes')).body.items;

async function accept(device: Device, policy: { id: string; purpose: string; sha256: string }, contactId?: string) {
  const { id: policyId, purpose, sha256 } = policy;
  return device.ask('POST', '/api/consents', {
    policyId,
    purpose,
    sha256,
    given: true,
    ...(contactId && { contactId }),
  });
}

describe('the host', () => {
  const says = async (message: RegExp, ...parameters: string[]) => {
    const { code, stdout, stderr } = await publish(world, ...parameters);
    expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: '', stderr: expect.stringMatching(message) });
  };

  test('learns what is wrong with a version: a missing language, no changes, a day too early or late, an older one', async () => {
    await says(/is no policy/, 'interlocutor/terms/x');
    await says(/no version 2 of interlocutor\/privacy: write/, 'interlocutor/privacy/2');
    await writeVersion(policies, 'interlocutor/privacy', 2);
    const english = join(policies, 'interlocutor/privacy/2.en.md');
    const text = await readFile(english, 'utf8');
    await rm(english);
    await says(/not there in every language: write 2\.en\.md/, 'interlocutor/privacy', '--effective', 'now');
    await writeFile(english, text.replace(/\nchanges: .*/, ''));
    await says(/2\.en\.md of interlocutor\/privacy must say what is new/, 'interlocutor/privacy', '--effective', 'now');
    await writeFile(english, text.replace('changes: ', 'changes: {{businessName}} '));
    await says(/changes names a value in braces/, 'interlocutor/privacy', '--effective', 'now');
    await writeFile(english, text);
    await says(/is too early/, 'interlocutor/privacy');
    await says(/is too early/, 'interlocutor/privacy', '--effective', dayAhead(limits.policyNoticeDays));
    await says(
      /more than 366 days ahead/,
      'interlocutor/privacy',
      '--effective',
      dayAhead(limits.policyNoticeDaysMax + 1),
    );
    await says(/is no day such as/, 'interlocutor/privacy', '--effective', '2027-02-30');
    await says(/is yes or no/, 'interlocutor/privacy', '--acceptance', 'maybe');
    expect(await world.rows('SELECT FROM policy_publication WHERE version > 1')).toEqual([]);
  });

  test('sees what would happen, publishes beside the running service, and changes nothing by repeating it', async () => {
    const day = dayAhead(limits.policyNoticeDays + 1);
    const wanted = ['interlocutor/privacy', '--effective', day];
    const dry = await publish(world, ...wanted, '--dry-run');
    expect(dry.stdout).toMatch(/interlocutor\/privacy version 2 \(en, it\), in place of version 1/);
    expect(dry.stdout).toContain(changesOf(2).it);
    expect(dry.stdout).toContain('Dry run');
    expect(await world.rows('SELECT FROM policy_publication WHERE version > 1')).toEqual([]);
    const answers = [];
    for (let time = 0; time < 3; time++) answers.push(publish(world, ...wanted));
    const published = await Promise.all(answers);
    expect(published.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(published.filter(({ stdout }) => stdout.includes('Published.'))).toHaveLength(1);
    expect(published.filter(({ stdout }) => stdout.includes('nothing was changed'))).toHaveLength(2);
    await says(/is published already/, 'interlocutor/privacy', '--effective', dayAhead(30));
    await says(/Version 1 of interlocutor\/privacy is older than version 2/, 'interlocutor/privacy/1');
    for (const policy of ['subscriber/privacy', 'subscriber/terms'] as const) {
      await writeVersion(policies, policy, 2);
      expect(await publish(world, policy, '--effective', day)).toMatchObject({ code: 0, stderr: '' });
    }
    const { stdout } = await publish(world);
    expect(stdout).toMatch(new RegExp(`interlocutor/privacy/2 +from ${day} 00:00 UTC, to be accepted, .*being told`));
    expect(stdout).toMatch(/subscriber\/terms\/1 +since 2026-11-01/);
    await refreshed(world);
  });
});

describe('until its day', () => {
  test('it is announced with its changes and its text, and everything continues', async () => {
    const [inForce] = await current(anna.device, 'current', anna.contactId);
    expect(inForce).toMatchObject({ version: 1, accepted: true, waitsFor: null, next: { version: 2 } });
    expect(inForce.next.changes).toEqual([changesOf(2).it]);
    const [announced] = await current(anna.device, 'announced', anna.contactId);
    expect(announced).toMatchObject({ version: 2, accepted: false, waitsFor: 'notice', requiresAcceptance: true });
    expect(announced.text).toContain('Forno Aurora');
    expect(await changes(anna.device)).toMatchObject([
      { version: 2, inForce: false, waitsFor: 'notice', contactIds: [anna.contactId] },
    ]);
    const ofOwner = await changes(shop.owner);
    expect(ofOwner.map(({ purpose }: { purpose: string }) => purpose).sort()).toEqual(['privacy', 'terms']);
    expect(await changes(staff.device)).toMatchObject([{ purpose: 'privacy', waitsFor: 'notice' }]);
    expect(await outcomes(shop.owner, 'both', 'member', 'owner')).toEqual(all('sent', 'both', 'member', 'owner'));
    expect(await outcomes(staff.device, 'both', 'member')).toEqual(all('sent', 'both', 'member'));
    expect(await outcomes(anna.device, 'both')).toEqual(all('sent', 'both'));
  });

  test('the apps do not repeat it once it was noted, which is recorded once', async () => {
    const [{ policyId }] = await changes(anna.device);
    for (let time = 0; time < 2; time++)
      expectStatus(await anna.device.ask('POST', '/api/policies/notices', { policyId }), 204);
    expect(await changes(anna.device)).toEqual([]);
    const notices = await world.rows('SELECT in_force, version FROM policy_notice WHERE contact_id = $1', [
      anna.contactId,
    ]);
    expect(notices).toEqual([{ in_force: false, version: 2 }]);
    const [{ policyId: terms }] = await changes(shop.owner);
    expectStatus(await anna.device.ask('POST', '/api/policies/notices', { policyId: terms }), 404);
  });

  test('people who join accept the version in force, and see the coming one', async () => {
    const { code } = await world.invitation(shop);
    const { body } = await world.ask('GET', `/api/invitations/by-code/${code}?locale=it`);
    expect(body.policies).toMatchObject([{ version: 1, next: { version: 2, changes: [changesOf(2).it] } }]);
    const comes = await world.ask('GET', `/api/invitations/by-code/${code}/announced-policies?locale=it`);
    expect(comes.body.items).toMatchObject([{ id: body.policies[0].next.policyId, version: 2, locale: 'it' }]);
    expect(comes.body.items[0].text).toContain('Forno Aurora');
    const carla = await world.join(shop, 'carla');
    expect((await carla.device.ask('GET', '/api/consents')).body.items).toMatchObject([{ policyVersion: 1 }]);
    const [announced] = await current(carla.device, 'announced', carla.contactId);
    const joining = { consents: [{ policyId: announced.id, purpose: 'privacy' }] };
    const early = await world.joining(code, 'osteria', joining);
    const refused = await world.ask('POST', `/api/invitations/by-code/${code}/acceptance`, { body: early });
    expect([refused.status, refused.body.code]).toEqual([409, 'policy_changed']);
  });

  test('it can be accepted early, but consent to promotions is given under the version in force', async () => {
    const [announced] = await current(bruno.device, 'announced', bruno.contactId);
    expectStatus(await accept(bruno.device, { ...announced, purpose: 'promotions' }, bruno.contactId), 409);
    expectStatus(await accept(bruno.device, announced, bruno.contactId), 204);
    expect(await changes(bruno.device)).toEqual([]);
  });

  test('every confirmed address gets one mail for simultaneous publications, even after a restart', async () => {
    const confirm = (device: Device) =>
      world.rows(`UPDATE account SET email_hash = $2 WHERE id = (SELECT account_id FROM session WHERE id = $1)`, [
        device.sessionId,
        Buffer.alloc(32),
      ]);
    const { AccountHolders } = await import('../src/auth/account-holders.service.js');
    const holders = world.service.app.get(AccountHolders);
    const find = holders.find.bind(holders);
    for (const device of [shop.owner, staff.device, anna.device, bruno.device]) await confirm(device);
    // The addresses count as confirmed without a mail for each.
    holders.find = async (id) => {
      const found = await find(id);
      return found && { ...found, verified: true };
    };
    const announcements = world.service.app.get(PolicyAnnouncements);
    expect(await announcements.tell()).toBe(0);
    // The publications stand once each in the log of the business.
    await announcements.tell();
    const { body: logged } = await shop.owner.ask('GET', '/api/actions?kind=policy.published');
    expect(logged.items).toHaveLength(3);
    expect(logged.items[0]).toMatchObject({ memberId: null });
    const later = new Date(Date.now() + 6 * 60_000);
    try {
      // As a stop in the middle leaves it: Anna was told.
      await world.rows(
        `UPDATE policy_publication SET told_after = (SELECT account_id FROM session WHERE id = $1)
         WHERE audience = 'interlocutor' AND version = 2`,
        [anna.device.sessionId],
      );
      await Promise.all([announcements.tell(later), announcements.tell(later)]);
      await announcements.tell(later);
      const told = async () => mails.received.filter(({ subject }) => /^(Dal|Changing)/.test(subject ?? ''));
      await until(async () => (await told()).length >= 3, 'the mails have gone');
      const received = await told();
      expect(received).toHaveLength(3);
      const [english] = received.filter(({ subject }) => subject?.startsWith('Changing'));
      expect(english).toMatchObject({ recipient: 'bruno@mail.example' });
      expect(english!.text).toContain(changesOf(2).en);
      expect(english!.text).toContain('/app/privacy/agreed');
      const toOwner = received.find(({ recipient }) => recipient === shop.registration['email'])!;
      expect(toOwner.subject).toMatch(/condizioni del servizio e l’informativa|informativa.* e le condizioni/);
      expect(toOwner.text).toMatch(/Ricevi questo avviso di servizio perché/);
      expect(await announcements.tell(later)).toBe(0);
    } finally {
      holders.find = find;
    }
  });
});

describe('from its day', () => {
  beforeAll(async () => {
    await takesEffect(world, 'interlocutor/privacy', 2);
    await takesEffect(world, 'subscriber/privacy', 2);
    await takesEffect(world, 'subscriber/terms', 2);
  });

  test('the person, the business and its staff must accept before they send', async () => {
    expect(await outcomes(anna.device, 'both')).toEqual(all('consent_required', 'both'));
    expect(await outcomes(staff.device, 'both', 'member')).toEqual(all('consent_required', 'both', 'member'));
    const ofOwner = await outcomes(shop.owner, 'both', 'member', 'owner');
    expect(ofOwner).toEqual(all('consent_required', 'both', 'member', 'owner'));
    expect(await changes(anna.device)).toMatchObject([{ waitsFor: 'acceptance', changes: [changesOf(2).it] }]);
    // Who accepted early goes on.
    const bruno2 = `/api/conversations/${bruno.contactId}/messages`;
    expectStatus(await bruno.device.ask('POST', bruno2, { clientId: unique(), body: 'Ciao' }), 201);
  });

  test('staff accept for themselves, and the owner for the business', async () => {
    const [terms, privacy] = await current(staff.device, 'current');
    expect([terms.waitsFor, privacy.waitsFor]).toEqual(['owner', 'acceptance']);
    expectStatus(await accept(staff.device, terms), 404);
    await Promise.all([1, 2, 3].map(async () => expectStatus(await accept(staff.device, privacy), 204)));
    const { body: agreed } = await staff.device.ask('GET', '/api/consents');
    expect(agreed.items.map(({ policyVersion, how }: Record<string, unknown>) => [policyVersion, how])).toEqual([
      [2, 'settings'],
      [1, 'joining'],
    ]);
    expect(await outcomes(staff.device, 'both')).toEqual(all('consent_required', 'both'));
    expect((await changes(staff.device)).map(({ waitsFor }: { waitsFor: string }) => waitsFor)).toEqual([
      'owner',
      'owner',
    ]);

    for (const policy of await current(shop.owner, 'current')) expectStatus(await accept(shop.owner, policy), 204);
    expect(await outcomes(shop.owner, 'both', 'member', 'owner')).toEqual(all('sent', 'both', 'member', 'owner'));
    expect(await outcomes(staff.device, 'both', 'member')).toEqual(all('sent', 'both', 'member'));
    expect(await changes(staff.device)).toEqual([]);
  });

  test('staff who have not accepted block only themselves, and a retry of a stored message is acknowledged', async () => {
    const newer = (await publish(world, 'subscriber/privacy/3')).stderr;
    expect(newer).toContain('There is no version 3');
    const message = { clientId: unique(), body: 'Pronto?' };
    expectStatus(await staff.device.ask('POST', messages(), message), 201);
    await writeVersion(policies, 'subscriber/privacy', 3);
    expect(await publish(world, 'subscriber/privacy', '--effective', 'now')).toMatchObject({ code: 0 });
    await takesEffect(world, 'subscriber/privacy', 3);
    const [, privacy] = await current(shop.owner, 'current');
    expectStatus(await accept(shop.owner, privacy), 204);
    expectStatus(await sends.both['message']!(shop.owner), 201);
    const refused = await sends.both['message']!(staff.device);
    expect([refused.status, refused.body.code]).toEqual([403, 'consent_required']);
    expectStatus(await staff.device.ask('POST', messages(), message), 200);
    for (const path of ['/api/conversations', messages(), '/api/consents', '/api/contacts', '/api/me'])
      expectStatus(await staff.device.ask('GET', path), 200);
    expectStatus(await staff.device.ask('PUT', `/api/conversations/${anna.contactId}/receipt`, { seenSeq: 1 }), 204);
  });

  test('a version that needs no acceptance is shown as a notice, and blocks nothing', async () => {
    const [two] = await current(anna.device, 'current', anna.contactId);
    expectStatus(await accept(anna.device, two, anna.contactId), 204);
    await writeVersion(policies, 'interlocutor/privacy', 3);
    const published = await publish(world, 'interlocutor/privacy', '--effective', 'now', '--acceptance', 'no');
    expect(published).toMatchObject({ code: 0, stderr: '' });
    expect(published.stdout).toContain('not needed');
    await takesEffect(world, 'interlocutor/privacy', 3);
    expect(await outcomes(anna.device, 'both')).toEqual(all('sent', 'both'));
    const [{ policyId, waitsFor, inForce }] = await changes(anna.device);
    expect({ waitsFor, inForce }).toEqual({ waitsFor: 'notice', inForce: true });
    expectStatus(await anna.device.ask('POST', '/api/policies/notices', { policyId }), 204);
    expect(await changes(anna.device)).toEqual([]);
    const noted = await world.rows(
      'SELECT version, in_force, text_sha256 FROM policy_notice WHERE contact_id = $1 AND in_force',
      [anna.contactId],
    );
    expect(noted).toMatchObject([{ version: 3, in_force: true }]);
    const [three] = await current(anna.device, 'current', anna.contactId);
    expect((noted[0] as { text_sha256: Buffer }).text_sha256.toString('hex')).toBe(three.sha256);
  });
});

test('a start with an unpublished version changes nothing, and a fresh installation publishes all versions', async () => {
  await writeVersion(policies, 'subscriber/terms', 3);
  world = await world.restart();
  const { body } = await world.ask('GET', '/api/policies/current?audience=subscriber');
  expect(body.items[0]).toMatchObject({ purpose: 'terms', version: 2 });
  expect(body.items[0].next).toBeUndefined();
  const fresh = await World.open({ POLICIES_DIR: policies });
  try {
    const { body: first } = await fresh.ask('GET', '/api/policies/current?audience=subscriber');
    expect(first.items[0]).toMatchObject({ purpose: 'terms', version: 3 });
  } finally {
    await fresh.close();
  }
});

test('a fresh installation does not start before every policy has a version in force', async () => {
  const folder = await policiesFolder();
  try {
    for (const effective of [dayAhead(2), '2026-02-30']) {
      for (const locale of ['it', 'en']) {
        const file = join(folder, `subscriber/terms/1.${locale}.md`);
        const text = await readFile(file, 'utf8');
        await writeFile(file, text.replace(/\neffective: .*/, `\neffective: ${effective}`));
      }
      const said = effective === '2026-02-30' ? /is not a day/ : new RegExp(`subscriber/terms holds from ${effective}`);
      await expect(World.open({ POLICIES_DIR: folder })).rejects.toThrow(said);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
