import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BackupFolder } from '../src/backup/backup-folder.js';
import { leftOut } from '../src/backup/snapshot.js';
import { Closings } from '../src/leaving/closings.service.js';
import { backUp } from '../src/commands/backing-up.js';
import {
  anna,
  answers,
  back,
  backedUp,
  bakery,
  bruno,
  elsewhere,
  folder,
  keyFile,
  messages,
  names,
  rest,
  restoredTo,
  restoreTo,
  said,
  say,
  world,
} from './support/backups.js';
import { read, Sender } from './support/booted-shop.js';
import { run } from './support/commands.js';
import { bytesOf, download, upload } from './support/files.js';
import { expectStatus, password, until, World } from './support/world.js';

/** Backups of an installation, restored to another one, by the commands themselves. */

test('a backup made while messages are sent restores that moment, byte by byte', async () => {
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
  expect(made.stdout).toContain('keep a copy of that elsewhere');
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
  test('can be written by its owner alone, and contains nothing readable of what people wrote', async () => {
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

  test('contains each stored file once, and none that was deleted', async () => {
    const { id } = await upload(anna.device, bytesOf(5_000), { conversationId: anna.contactId });
    const seq = await say(anna.device, anna, { attachmentIds: [id] });
    const first = await backedUp();
    expect(said('Stored files copied', first)).toBe(1);
    const second = await backedUp();
    expect([said('Stored files copied', second), said('already there', second)]).toEqual([
      0,
      said('already there', first) + 1,
    ]);
    expectStatus(await anna.device.ask('DELETE', `${messages(anna)}/${seq}`), 204);
    const third = await backedUp();
    expect(said('removed because they were deleted', third)).toBe(1);
    expect(said('already there', third)).toBe(said('already there', first));
  });

  test('keeps the requested number of backups of the main database, the latest ones', async () => {
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

  test('counts the backup made last as the latest, even if the clock was set back', async () => {
    const own = join(rest, 'clock');
    await backedUp(own);
    const [first] = await names(own);
    // As it was made while the clock was ahead.
    await cp(join(own, 'databases', first!), join(own, 'databases', '2099-12-31T23-59-59'), { recursive: true });
    await backedUp(own, '--keep', '1');
    expect(await names(own)).toEqual(['2100-01-01T00-00-00']);
    const checked = await restoreTo(world, own, '--check');
    expect(checked).toMatchObject({ code: 0, stdout: expect.stringContaining('2100-01-01T00-00-00 is complete') });
    await backedUp(own);
    expect(await names(own)).toEqual(['2100-01-01T00-00-00', '2100-01-01T00-00-01']);
  });

  test('keeps foreign files untouched', async () => {
    const own = join(rest, 'with others');
    const { id } = await upload(anna.device, bytesOf(5_000), { conversationId: anna.contactId });
    await say(anna.device, anna, { attachmentIds: [id] });
    await backedUp(own);
    const [object] = await readdir(join(own, 'files'));
    const others = [
      join(own, 'databases', 'before the fair', 'manifest.json.txt'),
      join(own, 'files', object!, 'Thumbs.db'),
    ];
    await mkdir(join(own, 'databases', 'before the fair'));
    for (const path of others) await writeFile(path, 'x');
    expect(said('removed because they were deleted', await backedUp(own))).toBe(0);
    for (const path of others) expect(await readFile(path, 'utf8')).toBe('x');
    expect(await restoreTo(world, own, '--check')).toMatchObject({ code: 0, stderr: '' });
  });

  test('is accepted if its first backup never completed', async () => {
    const own = join(rest, 'begun');
    await mkdir(own);
    await writeFile(join(own, 'colloquio-backups.json.4711.0a1b2c3d'), '{"form');
    await backedUp(own);
    expect((await readdir(own)).sort()).toEqual(['colloquio-backups.json', 'databases', 'files', 'keyring.copy']);
  });

  test('is refused if it contains something else, or is inside the data directory', async () => {
    const other = join(rest, 'fotografie');
    await mkdir(other);
    await writeFile(join(other, 'mare.jpg'), 'x');
    await symlink(join(rest, 'not mounted'), join(rest, 'nowhere'));
    await symlink(join(rest, 'circle'), join(rest, 'circle'));
    for (const [path, words] of [
      [other, 'holds something else'],
      [join(world.dataDir, 'backup'), 'inside of the data directory'],
      [world.dataDir, 'inside of the data directory'],
      [join(other, 'mare.jpg', 'here'), 'a part of its path is a file'],
      [join(other, 'mare.jpg'), 'it is no folder'],
      [join(rest, 'nowhere'), 'a link in its path leads nowhere'],
      [join(rest, 'circle'), 'its links point in a circle'],
      [join(rest, 'x'.repeat(300)), 'its path is too long'],
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
      // Both found it empty.
      const both = [
        await BackupFolder.toWrite(join(rest, 'shared'), '/'),
        await BackupFolder.toWrite(join(rest, 'shared'), '/'),
      ];
      await both[0]!.prepare('one');
      await expect(both[1]!.prepare('another')).rejects.toThrow('backups of another installation');
    } finally {
      await other.close();
    }
    expect((await restoreTo(world, rest)).stderr).toContain('There are no backups of Colloquio in');
  });

  test('takes one backup at a time', async () => {
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

  test('if one bit of a table, a keyring or a file was changed', async () => {
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

  test('if the manifest was changed, even with correct hashes', async () => {
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

  test('from half a backup, which the latest complete one replaces, and from one that does not exist', async () => {
    const half = await changed((name) => rm(join(copy, 'databases', name, 'manifest.json')));
    const [whole, interrupted] = (await names(half)).slice(-2) as [string, string];
    await expectRefusal(half, `${interrupted} is half a backup`, '--backup', interrupted);
    await expectRefusal(half, `There is no backup yesterday`, '--backup', 'yesterday');
    const checked = await restoreTo(target, half, '--check');
    expect(checked).toMatchObject({ code: 0, stdout: expect.stringContaining(`The backup ${whole} is complete`) });
    for (const name of await names(half)) await rm(join(half, 'databases', name, 'manifest.json'), { force: true });
    await expectRefusal(half, 'There is no whole backup');
  });
});

describe('after an erasure', () => {
  test('an older backup brings nothing back, whatever its age and keyring', async () => {
    const own = join(rest, 'erasures');
    const carla = await world.join(bakery, 'carla');
    await say(anna.device, anna, { body: 'Chi viene domani?' });
    const { id: file } = await upload(carla.device, bytesOf(10_000), { conversationId: carla.contactId });
    await say(carla.device, carla, { body: 'Il mio segreto è il miele.', attachmentIds: [file] });
    const florist = await world.shop('florist');
    const customer = await world.join(florist, 'osteria');
    await say(customer.device, customer, { body: 'Rose per sabato?' });
    await backedUp(own);
    const [older] = await names(own);
    const oldKeyring = await readFile(join(own, 'keyring.copy'), 'utf8');
    expect(oldKeyring).toContain(carla.contactId);

    const answer = await bakery.owner.ask('DELETE', `/api/contacts/${carla.contactId}`);
    expectStatus(answer, 202);
    const erasure = `/api/erasures/${answer.body.erasureId}`;
    await until(async () => (await bakery.owner.ask('GET', erasure)).body.finishedAt, 'the erasure is finished');
    // A whole business is closed as well.
    const closing = { password, businessName: florist.registration['businessName'] };
    expectStatus(await florist.owner.ask('POST', '/api/subscriber/closing', closing), 201);
    await world.rows(`UPDATE subscriber SET closes_at = now() WHERE subscriber_id = $1`, [florist.id]);
    await world.service.app.get(Closings).carryOut();
    await backedUp(own);
    expect(await readFile(join(own, 'keyring.copy'), 'utf8')).not.toMatch(
      new RegExp(`^key\t.*${carla.contactId}`, 'm'),
    );

    const target = await elsewhere();
    try {
      const restored = await restoredTo(target, own, '--backup', older!);
      expect(said('Contacts erased since', restored)).toBe(2);
      expect(restored.stdout).not.toContain('WARNING');
      const ids = [carla.contactId, carla.id];
      expect(await target.rows('SELECT FROM wrapped_key WHERE id = ANY ($1::uuid[])', [ids], 'keyring')).toEqual([]);
      expect(await target.rows('SELECT FROM erased WHERE id = ANY ($1::uuid[])', [ids], 'keyring')).toHaveLength(2);

      // The keyring of the installation knows of an erasure that the folder does not know of.
      await writeFile(join(own, 'keyring.copy'), oldKeyring);
      const signingKey = await readFile(keyFile(target, 'signing.key'), 'utf8');
      const pushKey = await readFile(keyFile(target, 'push.key'), 'utf8');
      await rm(keyFile(target, 'signing.key'));
      await rm(keyFile(target, 'push.key'));
      const again = await restoredTo(target, own, '--backup', older!, '--replace');
      expect(said('Contacts erased since', again)).toBe(2);
      expect(await readFile(keyFile(target, 'signing.key'), 'utf8')).toBe(signingKey);
      expect(await readFile(keyFile(target, 'push.key'), 'utf8')).toBe(pushKey);
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
      const signIn = { body: { username: florist.username, password } };
      await until(async () => (await there.ask('POST', '/api/sessions', signIn)).status === 401, 'its account is gone');
      await until(async () => {
        const [row] = await there.rows<{ email: string; closed: boolean; contacts: number }>(
          `SELECT email, closed_at IS NOT NULL AS closed,
                  (SELECT count(*)::integer FROM contact WHERE contact.subscriber_id = $1) AS contacts
           FROM subscriber WHERE subscriber_id = $1`,
          [florist.id],
        );
        return row!.closed && row!.email === '' && row!.contacts === 0;
      }, 'the closed business is empty again');
      // Everybody else is there.
      expect((await read(owner, anna.contactId)).length).toBeGreaterThan(0);
      await there.stop();
    } finally {
      await target.close();
    }
  });
});

test('every table is backed up, or left out for a recorded reason, and no other table depends on it', async () => {
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
