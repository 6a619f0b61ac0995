import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { leftOut } from '../src/backup/snapshot.js';
import { backUp } from '../src/commands/backing-up.js';
import { restore } from '../src/commands/restoring.js';
import { showOutbox } from '../src/commands/waiting-mails.js';
import { read, Sender } from './support/booted-shop.js';
import { run } from './support/commands.js';
import { bytesOf, download, upload } from './support/files.js';
import { type Device, expectStatus, type Person, type Shop, unique, until, World } from './support/world.js';

/** Backups of an installation, restored to another one, by the commands themselves. */

let world: World;
let bakery: Shop;
let anna: Person;
let bruno: Person;
/** The folder of the backups, whose name has spaces. */
let folder: string;
let rest: string;

beforeAll(async () => {
  rest = await mkdtemp(join(tmpdir(), 'colloquio backups '));
  folder = join(rest, 'copie di riserva');
  world = await World.open();
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna', { promotions: true });
  bruno = await world.join(bakery, 'bruno', { promotions: true });
});
afterAll(async () => {
  await world.close();
  await rm(rest, { recursive: true, force: true });
});

const back = (into = folder, ...more: string[]) => run(backUp, world.environment, into, ...more);
const databases = (of = folder) => readdir(join(of, 'databases'));
const names = async (of = folder) => (await databases(of)).sort();
const said = (name: string, output: { stdout: string }) =>
  Number(new RegExp(`${name}: (\\d+)`).exec(output.stdout)?.[1]);

async function backedUp(into = folder, ...more: string[]) {
  const made = await back(into, ...more);
  expect(made).toMatchObject({ code: 0, stderr: '' });
  return made;
}

/** A new installation with the right master key, on which a service has been started once. */
async function elsewhere(masterKeyOf: World | null = world): Promise<World> {
  const target = await World.open();
  await target.stop();
  if (masterKeyOf) await cp(keyFile(masterKeyOf, 'master.key'), keyFile(target, 'master.key'));
  return target;
}

const keyFile = ({ dataDir }: World, name: string) => join(dataDir, 'keys', name);
const restoreTo = (target: World, from = folder, ...more: string[]) => run(restore, target.environment, from, ...more);

async function restoredTo(target: World, from = folder, ...more: string[]) {
  const restored = await restoreTo(target, from, ...more);
  expect(restored).toMatchObject({ code: 0, stderr: '' });
  return restored;
}

const messages = (person: Person) => `/api/conversations/${person.contactId}/messages`;

async function say(device: Device, person: Person, content: Record<string, unknown>): Promise<number> {
  const answer = await device.ask('POST', messages(person), { clientId: unique(), body: '', ...content });
  expectStatus(answer, 201);
  return answer.body.seq as number;
}

/** The answers that somebody gets who looks at everything, without the times at which that is. */
async function answers(device: Device, person: Person) {
  const paths = ['/api/me', '/api/conversations', `${messages(person)}?after=0&limit=200`, '/api/consents'];
  const bodies = [];
  for (const path of paths) {
    const answer = await device.ask('GET', path);
    expectStatus(answer, 200);
    const { syncedAt: _, ...body } = answer.body;
    bodies.push(body);
  }
  return bodies;
}

test('a backup that is made while messages are sent is restored as it was at that moment, to the last byte', async () => {
  const bytes = bytesOf(400_000);
  const { id: file } = await upload(anna.device, bytes, { conversationId: anna.contactId, name: 'scontrino.bin' });
  await say(anna.device, anna, { body: 'Ecco lo scontrino della focaccia.', attachmentIds: [file] });
  const label = await bakery.owner.ask('POST', '/api/labels', { name: 'Amici del forno' });
  expectStatus(label, 201);
  const noted = await bakery.owner.ask('PATCH', `/api/contacts/${anna.contactId}`, { note: 'Senza glutine.' });
  expectStatus(noted, 200);
  const before = { owner: await answers(bakery.owner, anna), anna: await answers(anna.device, anna) };

  const sender = new Sender(bruno.device, bruno.contactId);
  await until(() => sender.acknowledged.length > 5, 'messages are sent');
  const acknowledged = [...sender.acknowledged];
  const made = await backedUp();
  expect(made.stdout).toMatch(/The main database\n(\[#* *\] \d+ %\n)+/);
  expect(made.stdout).toContain('keep a copy of it elsewhere');
  await sender.finish();
  expect(sender.acknowledged.length).toBeGreaterThan(acknowledged.length);

  const target = await elsewhere();
  const restored = await restoredTo(target);
  expect(said('Stored files copied', restored)).toBe(1);
  const there = await target.restart();
  try {
    // No session is in a backup.
    expectStatus(await there.ask('GET', '/api/me', { token: anna.device.token }), 401);
    const owner = await there.signIn(bakery.username);
    const annaThere = await there.signIn(anna.username);
    const of = (all: unknown[]) => JSON.stringify(all, null, 1);
    expect(of(await answers(annaThere, anna))).toBe(of(before.anna));
    const [me, conversations, ...more] = await answers(owner, anna);
    expect(of([me, ...more])).toBe(of([before.owner[0], ...before.owner.slice(2)]));
    expect(conversations.items).toContainEqual(
      before.owner[1].items.find((each: { id: string }) => each.id === anna.contactId),
    );
    const got = await download({ url: there.url, token: annaThere.token }, `/api/attachments/${file}`);
    expect(got.bytes.equals(bytes)).toBe(true);
    const contact = await owner.ask('GET', `/api/contacts/${anna.contactId}`);
    expect(contact.body).toMatchObject({ note: 'Senza glutine.' });

    // Whatever was acknowledged before the snapshot is there, under its number, and what came later is there without a gap.
    const kept = await read(owner, bruno.contactId);
    expect(kept.slice(0, acknowledged.length)).toMatchObject(acknowledged);
    expect(kept.map(({ seq }) => seq)).toEqual(kept.map((_, index) => index + 1));

    // The index of the archive is made again by itself, and sending goes on.
    await until(async () => {
      const { body } = await owner.ask('POST', '/api/archive/searches', { q: 'focaccia' });
      return body.items?.length === 1;
    }, 'the archive is indexed');
    expect(await say(await there.signIn(bruno.username), bruno, { body: 'Di nuovo qui.' })).toBe(kept.length + 1);
  } finally {
    await there.close();
  }
});

describe('the folder', () => {
  test('is written to by its owner alone, and holds nothing readable of what people wrote', async () => {
    await backedUp();
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      expect(((await stat(path)).mode & 0o777).toString(8)).toBe(entry.isDirectory() ? '700' : '600');
      if (!entry.isFile()) continue;
      const bytes = await readFile(path);
      for (const secret of ['focaccia', 'Rossi', 'scontrino', 'anna.rossi@mail.example', 'Amici']) {
        expect(bytes.includes(secret)).toBe(false);
      }
    }
    const masterKey = Buffer.from(await readFile(keyFile(world, 'master.key'), 'utf8'), 'base64');
    for (const form of [masterKey, masterKey.toString('base64'), masterKey.toString('hex')]) {
      expect((await readFile(join(folder, 'keyring.copy'))).includes(form)).toBe(false);
    }
  });

  test('gets each stored file once, and loses those that were deleted', async () => {
    const { id } = await upload(anna.device, bytesOf(5_000), { conversationId: anna.contactId });
    const seq = await say(anna.device, anna, { attachmentIds: [id] });
    const first = await backedUp();
    expect(said('Stored files copied', first)).toBe(1);
    const second = await backedUp();
    expect([said('Stored files copied', second), said('there already', second)]).toEqual([
      0,
      said('there already', first) + 1,
    ]);
    expectStatus(await anna.device.ask('DELETE', `${messages(anna)}/${seq}`), 204);
    const third = await backedUp();
    expect(said('removed because they were deleted', third)).toBe(1);
    expect(said('there already', third)).toBe(said('there already', first));
  });

  test('keeps as many backups of the main database as it is told to, the latest ones', async () => {
    const all = await names();
    expect(all.length).toBeGreaterThan(2);
    await backedUp(folder, '--keep', '2', '--quiet');
    const kept = await names();
    expect(kept).toHaveLength(2);
    expect(all.slice(-1)).toEqual(kept.slice(0, 1));
    for (const wrong of ['0', '1001', 'many']) {
      const refused = await back(folder, '--keep', wrong);
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('--keep is a number from 1 to 1000') });
    }
    expect((await backedUp(folder, '--quiet')).stdout).toBe('');
  });

  test('may not be one that holds something else, or that is inside of the data directory', async () => {
    const other = join(rest, 'fotografie');
    await mkdir(other);
    await writeFile(join(other, 'mare.jpg'), 'x');
    for (const [path, words] of [
      [other, 'holds something else'],
      [join(world.dataDir, 'backup'), 'inside of the data directory'],
      [world.dataDir, 'inside of the data directory'],
      [join(other, 'mare.jpg', 'here'), 'a part of its path is a file'],
    ] as const) {
      expect(await back(path)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(words) });
    }
    expect(await readdir(other)).toEqual(['mare.jpg']);
    expect(await run(backUp, world.environment)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Name the folder'),
    });
    expect((await back(folder, 'di', 'riserva')).stderr).toContain('needs quotes');
    expect((await back(folder, '--keyring')).stderr).toContain("Unknown option '--keyring'");
  });

  test('belongs to one installation', async () => {
    const other = await World.open();
    try {
      const refused = await run(backUp, other.environment, folder);
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('backups of another installation') });
    } finally {
      await other.close();
    }
    expect((await restoreTo(world, rest)).stderr).toContain('There are no backups of Colloquio in');
  });

  test('gets one backup at a time', async () => {
    const both = await Promise.all([back(), back()]);
    expect(both.map(({ code }) => code).sort()).toEqual([0, 1]);
    expect(both.map(({ stderr }) => stderr).join('')).toContain('Another backup of this installation is under way');
  });
});

describe('a restore is refused, and changes nothing,', () => {
  let target: World;
  let copy: string;
  beforeAll(async () => {
    target = await elsewhere();
    const { id } = await upload(bruno.device, bytesOf(5_000), { conversationId: bruno.contactId });
    await say(bruno.device, bruno, { attachmentIds: [id] });
    await backedUp();
    await backedUp();
  });
  afterAll(() => target.close());

  /** A copy of the folder in which something was changed. */
  async function changed(change: (name: string) => Promise<void>): Promise<string> {
    copy = await mkdtemp(join(rest, 'copy-'));
    await cp(folder, copy, { recursive: true });
    await change((await names(copy)).at(-1)!);
    return copy;
  }

  async function expectRefusal(from: string, words: string, ...more: string[]): Promise<void> {
    const refused = await restoreTo(target, from, ...more);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(words) });
    expect(refused.stderr.trim().split('\n')).toHaveLength(1);
    expect(await target.rows('SELECT FROM account')).toEqual([]);
    expect(await target.rows(`SELECT FROM pg_class WHERE relname = 'restore_under_way'`)).toEqual([]);
  }

  async function flip(path: string, at: number): Promise<void> {
    const bytes = await readFile(path);
    const place = at < 0 ? bytes.length + at : at;
    bytes[place] = bytes[place]! ^ 1;
    await writeFile(path, bytes);
  }

  test('for a table, a keyring or a file of which one bit is another', async () => {
    const of = (name: string, file: string) => join(copy, 'databases', name, file);
    await expectRefusal(await changed((name) => flip(of(name, 'message.copy.zst'), -3)), 'message.copy.zst is damaged');
    await expectRefusal(await changed((name) => flip(of(name, 'contact.copy.zst'), 9)), 'contact.copy.zst is damaged');
    await expectRefusal(
      await changed((name) => rm(of(name, 'contact.copy.zst'))),
      'contact.copy.zst is damaged or missing',
    );
    for (const at of [40, 400, 1_000, -40]) {
      await expectRefusal(await changed(() => flip(join(copy, 'keyring.copy'), at)), 'keyring.copy');
    }
    const object = async () => {
      const files = await readdir(join(copy, 'files'), { recursive: true, withFileTypes: true });
      const file = files.find((each) => each.isFile())!;
      return join(file.parentPath, file.name);
    };
    await expectRefusal(await changed(async () => flip(await object(), 3_000)), 'its bytes are not those');
    await expectRefusal(await changed(() => rm(join(copy, 'files'), { recursive: true })), 'files is missing');
  });

  test('for a manifest that says something else, though its hashes are right', async () => {
    const rewritten = (change: (manifest: { tables: { rows: number }[]; migrations: string[] }) => void) =>
      changed(async (name) => {
        const path = join(copy, 'databases', name, 'manifest.json');
        const manifest = JSON.parse(await readFile(path, 'utf8'));
        change(manifest);
        await writeFile(path, JSON.stringify(manifest));
      });
    await expectRefusal(await rewritten(({ tables }) => tables.pop()), 'was changed, or belongs to another keyring');
    await expectRefusal(await rewritten(({ tables }) => (tables[0]!.rows += 1)), 'was changed');
    const newer = await rewritten(({ migrations }) => migrations.push('Tomorrow1999999999999'));
    await expectRefusal(newer, 'was made by a newer release');
  });

  test('for half a backup, which the latest whole one stands in for, and for one that is not there', async () => {
    const half = await changed((name) => rm(join(copy, 'databases', name, 'manifest.json')));
    const [whole, interrupted] = (await names(half)).slice(-2) as [string, string];
    await expectRefusal(half, `${interrupted} is half a backup`, '--backup', interrupted);
    await expectRefusal(half, `There is no backup yesterday`, '--backup', 'yesterday');
    const checked = await restoreTo(target, half, '--check');
    expect(checked).toMatchObject({ code: 0, stdout: expect.stringContaining(`The backup ${whole} is whole`) });
    for (const name of await names(half)) await rm(join(half, 'databases', name, 'manifest.json'), { force: true });
    await expectRefusal(half, 'There is no whole backup');
  });

  test('without the master key, or with another one', async () => {
    const stranger = await elsewhere(null);
    try {
      const refused = await restoreTo(stranger);
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('The master key does not open') });
      await rm(keyFile(stranger, 'master.key'));
      expect((await restoreTo(stranger)).stderr).toContain('The master key is missing');
    } finally {
      await stranger.close();
    }
  });

  test('while the service runs, and where there is data already', async () => {
    expect(await restoreTo(world)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Another Colloquio is running'),
    });
    const full = await World.open();
    await full.shop('florist');
    await full.stop();
    await cp(keyFile(world, 'master.key'), keyFile(full, 'master.key'));
    try {
      const refused = await restoreTo(full);
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('holds data already') });
      expect(await full.rows('SELECT FROM account')).toHaveLength(1);
      await restoredTo(full, folder, '--replace');
      expect(await full.rows('SELECT FROM subscriber')).toHaveLength(1);
      const there = await full.restart();
      expectStatus(await (await there.signIn(bakery.username)).ask('GET', '/api/me'), 200);
      await there.stop();
    } finally {
      await full.close();
    }
  });
});

test('a restore that is killed at any step lets no service start, and is ended by another run', async () => {
  await backedUp();
  const target = await elsewhere();
  try {
    for (const step of ['The main database', 'The keyring', 'The files']) {
      const print = (text: string) => {
        if (text === step) throw new Error(`killed at ${step}`);
      };
      const killed = restore(target.environment, [folder], { print, complain: print });
      await expect(killed).rejects.toThrow(`killed at ${step}`);
      await expect(target.restart()).rejects.toThrow('A restore into this data was interrupted');
    }
    const backup = await run(backUp, target.environment, join(rest, 'half'));
    expect(backup.stderr).toContain('A restore into this data was interrupted');
    const restored = await restoredTo(target);
    expect(restored.stdout).not.toContain('WARNING');
    const there = await target.restart();
    expect(await read(await there.signIn(anna.username), anna.contactId)).toEqual(
      await read(anna.device, anna.contactId),
    );
    await there.stop();
  } finally {
    await target.close();
  }
});

describe('work that was under way', () => {
  test('is not done a second time: broadcasts are held, and mails wait for the host', async () => {
    const broadcast = async (changes: Record<string, unknown>, by = bakery.owner) => {
      const answer = await by.ask('POST', '/api/broadcasts', {
        clientId: unique(),
        kind: 'service',
        reason: 'closure',
        body: 'Domani il forno è chiuso.',
        audience: { all: true },
        ...changes,
      });
      expectStatus(answer, 202);
      return answer.body.id as string;
    };
    const soon = new Date(Date.now() + 5 * 60_000).toISOString();
    const planned = await broadcast({ sendAt: soon });
    const later = await broadcast({ sendAt: new Date(Date.now() + 86_400_000).toISOString() });
    await world.rows(`UPDATE broadcast SET send_at = now() + interval '1 hour' WHERE id = $1`, [planned]);
    expect(await world.rows('SELECT FROM mail')).not.toEqual([]);
    const own = join(rest, 'work');
    await backedUp(own);
    // It is sent after the backup.
    const cancelled = await bakery.owner.ask('POST', `/api/broadcasts/${planned}/cancellation`);
    expectStatus(cancelled, 200);

    const target = await elsewhere();
    const restored = await restoredTo(target, own);
    expect(said('Broadcasts that were not finished', restored)).toBe(2);
    expect(said('may have been sent since', restored)).toBeGreaterThan(0);
    await target.rows(`UPDATE broadcast SET send_at = now() - interval '1 minute' WHERE id = $1`, [planned]);
    const there = await target.restart();
    try {
      const owner = await there.signIn(bakery.username);
      const state = async (id: string) => (await owner.ask('GET', `/api/broadcasts/${id}`)).body.state;
      // Whatever is due is looked at every minute, and when another one is made.
      await broadcast({ audience: { contactIds: [anna.contactId] } }, owner);
      await until(async () => (await state(planned)) === 'held', 'the broadcast is held');
      expect(await state(later)).toBe('scheduled');
      expect(await there.rows('SELECT FROM broadcast_recipient WHERE broadcast_id = $1', [planned])).toEqual([]);
      const outbox = await run(showOutbox, there.environment);
      expect(outbox.stdout).toContain('may have been sent since');
      expectStatus(await owner.ask('POST', `/api/broadcasts/${planned}/release`), 200);
      await until(async () => (await state(planned)) === 'finished', 'the broadcast is sent');
    } finally {
      await there.close();
    }
  });
});

describe('after an erasure', () => {
  test('an older backup brings nothing back, however old it is, and whatever keyring it meets', async () => {
    const own = join(rest, 'erasures');
    const carla = await world.join(bakery, 'carla');
    await say(anna.device, anna, { body: 'Chi viene domani?' });
    const { id: file } = await upload(carla.device, bytesOf(10_000), { conversationId: carla.contactId });
    await say(carla.device, carla, { body: 'Il mio segreto è il miele.', attachmentIds: [file] });
    await backedUp(own);
    const [older] = await names(own);
    const oldKeyring = await readFile(join(own, 'keyring.copy'), 'utf8');
    expect(oldKeyring).toContain(carla.contactId);

    const answer = await bakery.owner.ask('DELETE', `/api/contacts/${carla.contactId}`);
    expectStatus(answer, 202);
    const erasure = `/api/erasures/${answer.body.erasureId}`;
    await until(async () => (await bakery.owner.ask('GET', erasure)).body.finishedAt, 'the erasure is finished');
    await backedUp(own);
    expect(await readFile(join(own, 'keyring.copy'), 'utf8')).not.toMatch(
      new RegExp(`^key\t.*${carla.contactId}`, 'm'),
    );

    const target = await elsewhere();
    try {
      const restored = await restoredTo(target, own, '--backup', older!);
      expect(said('Contacts that were erased since', restored)).toBe(1);
      expect(restored.stdout).not.toContain('WARNING');
      const ids = [carla.contactId, carla.id];
      expect(await target.rows('SELECT FROM wrapped_key WHERE id = ANY ($1::uuid[])', [ids], 'keyring')).toEqual([]);
      expect(await target.rows('SELECT FROM erased WHERE id = ANY ($1::uuid[])', [ids], 'keyring')).toHaveLength(2);

      // The keyring of the installation knows of an erasure that the folder does not know of.
      await writeFile(join(own, 'keyring.copy'), oldKeyring);
      const again = await restoredTo(target, own, '--backup', older!, '--replace');
      expect(said('Contacts that were erased since', again)).toBe(1);
      expect(await target.rows('SELECT FROM wrapped_key WHERE id = ANY ($1::uuid[])', [ids], 'keyring')).toEqual([]);

      const there = await target.restart();
      const owner = await there.signIn(bakery.username);
      const all = JSON.stringify([
        (await owner.ask('GET', '/api/contacts?limit=100')).body,
        (await owner.ask('GET', '/api/conversations')).body,
        (await owner.ask('POST', '/api/archive/searches', { q: 'miele' })).body,
      ]);
      for (const secret of ['Carla', 'carla@mail.example', 'miele']) expect(all).not.toContain(secret);
      expectStatus(await there.ask('GET', `/api/attachments/${file}`, { token: owner.token }), 404);
      // The service erases the rest by itself.
      const left = ['message', 'contact', 'conversation', 'interlocutor', 'attachment', 'attachment_object'];
      const idsOf = { message: 'conversation_id', attachment: 'contact_id', attachment_object: 'attachment_id' };
      await until(async () => {
        const counts = await Promise.all(
          left.map((table) =>
            there.rows(`SELECT FROM ${table} WHERE ${idsOf[table as keyof typeof idsOf] ?? 'id'} = ANY ($1::uuid[])`, [
              [...ids, file],
            ]),
          ),
        );
        return counts.every((rows) => rows.length === 0);
      }, 'nothing of her is left');
      const known = await there.rows('SELECT FROM attachment_object');
      await until(async () => {
        const objects = await readdir(join(there.dataDir, 'files'), { recursive: true, withFileTypes: true });
        return objects.filter((each) => each.isFile()).length === known.length;
      }, 'her file is gone');
      // Everybody else is there.
      expect((await read(owner, anna.contactId)).length).toBeGreaterThan(0);
      await there.stop();
    } finally {
      await target.close();
    }
  });

  test('keys that were destroyed without an erasure do not come back either, and their invitations are revoked', async () => {
    const own = join(rest, 'invitations');
    const invite = async () => {
      const answer = await bakery.owner.ask('POST', '/api/invitations', {
        kind: 'personal',
        email: `dario${unique()}@mail.example`,
      });
      expectStatus(answer, 201);
      return answer.body.id as string;
    };
    const [revoked, standing] = [await invite(), await invite()];
    await backedUp(own);
    const [older] = await names(own);
    expectStatus(await bakery.owner.ask('DELETE', `/api/invitations/${revoked}`), 204);
    await backedUp(own);
    const target = await elsewhere();
    try {
      const restored = await restoredTo(target, own, '--backup', older!);
      expect(said('revoked, declined or have run out since', restored)).toBe(1);
      const rows = await target.rows<{ id: string; gone: boolean }>(
        'SELECT id, revoked_at IS NOT NULL AND email IS NULL AS gone FROM invitation WHERE id = ANY ($1)',
        [[revoked, standing]],
      );
      expect(new Map(rows.map(({ id, gone }) => [id, gone]))).toEqual(new Map([[revoked, true], [standing, false]])); // prettier-ignore
    } finally {
      await target.close();
    }
  });
});

test('the keyring is copied whole while its epoch is being renewed again and again', async () => {
  const own = join(rest, 'renewals');
  let ended = false;
  const renewing = (async () => {
    while (!ended) await world.service.keyring.renewEpoch();
  })();
  try {
    for (let round = 0; round < 3; round++) {
      await backedUp(own);
      expect(await restoreTo(world, own, '--check')).toMatchObject({ code: 0, stderr: '' });
    }
  } finally {
    ended = true;
    await renewing;
  }
});

test('a backup of an older schema is migrated, and its archive indexed', async () => {
  const { DataSource } = await import('typeorm');
  const { mainMigrations } = await import('../migrations/main/index.js');
  const { mainDatabaseOptions } = await import('../src/platform/database.js');
  const own = join(rest, 'older schema');
  const source = await elsewhere();
  const target = await elsewhere();
  try {
    await backedUp(own);
    await restoredTo(source, own);
    // As the release before the archive left it.
    const main = await new DataSource(mainDatabaseOptions(source.databases.main)).initialize();
    const kept = mainMigrations.findIndex(({ name }) => name.startsWith('Archive'));
    for (let left = mainMigrations.length; left > kept; left--) await main.undoLastMigration();
    await main.destroy();
    expect(await source.rows(`SELECT FROM pg_class WHERE relname IN ('search_entry', 'feed_consumer')`)).toEqual([]);
    await rm(own, { recursive: true });
    expect(await run(backUp, source.environment, own)).toMatchObject({ code: 0, stderr: '' });

    await restoredTo(target, own);
    const there = await target.restart();
    const owner = await there.signIn(bakery.username);
    expect(await read(owner, anna.contactId)).toEqual(await read(bakery.owner, anna.contactId));
    await until(async () => {
      const { body } = await owner.ask('POST', '/api/archive/searches', { q: 'focaccia' });
      return body.items?.length === 1;
    }, 'the archive is indexed');
    await there.stop();
  } finally {
    await source.close();
    await target.close();
  }
});

test('every table is backed up, or left out for a reason that is written down and that no other table depends on', async () => {
  const tables = await world.rows<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`,
  );
  const own = join(rest, 'tables');
  await backedUp(own);
  const [name] = await names(own);
  const manifest = JSON.parse(await readFile(join(own, 'databases', name!, 'manifest.json'), 'utf8'));
  const copied = manifest.tables.map((table: { name: string }) => table.name);
  expect([...copied, ...Object.keys(leftOut)].sort()).toEqual(tables.map((table) => table.name).sort());
  const dependent = await world.rows(
    `SELECT conrelid::regclass::text FROM pg_constraint
     WHERE contype = 'f' AND confrelid::regclass::text = ANY ($1) AND NOT conrelid::regclass::text = ANY ($1)`,
    [Object.keys(leftOut)],
  );
  expect(dependent).toEqual([]);
});
