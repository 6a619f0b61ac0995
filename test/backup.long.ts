import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { backUp } from '../src/commands/backing-up.js';
import { restore } from '../src/commands/restoring.js';
import { showOutbox } from '../src/commands/waiting-mails.js';
import {
  anna,
  backedUp,
  bakery,
  elsewhere,
  folder,
  keyFile,
  names,
  rest,
  restoredTo,
  restoreTo,
  said,
  say,
  world,
} from './support/backups.js';
import { read } from './support/booted-shop.js';
import { run } from './support/commands.js';
import { expectStatus, unique, until, World } from './support/world.js';

/** Backups of an installation, restored to another one, where something is in the way or has happened since; see backup.test.ts. */

describe('a restore is refused, and changes nothing,', () => {
  beforeAll(async () => void (await backedUp()));

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

  test('while the service runs, or where there is data already', async () => {
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

test('after a restore that is killed at any step no service starts, and another run completes it', async () => {
  await backedUp();
  const target = await elsewhere();
  try {
    for (const step of ['The main database', 'The keyring', 'The files']) {
      const print = (text: string) => {
        if (text === step) throw new Error(`killed at ${step}`);
      };
      const killed = restore(target.environment, [folder], { print, complain: print });
      await expect(killed).rejects.toThrow(`killed at ${step}`);
      // As it is killed between clearing the database and making its tables.
      if (step === 'The main database') await target.rows('ALTER TABLE account RENAME TO account_not_there_yet');
      const backup = await run(backUp, target.environment, join(rest, 'half'));
      expect(backup).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('restore into this data was interrupted'),
      });
      await expect(target.restart()).rejects.toThrow('A restore into this data was interrupted');
    }
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

describe('work in progress', () => {
  test('is not repeated: broadcasts are held, and mails wait for the host', async () => {
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
    expect(said('Unfinished broadcasts', restored)).toBe(2);
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
      expect(said('revoked, declined or expired since', restored)).toBe(1);
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

test('the keyring is copied completely during repeated rotations', async () => {
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

test('a backup of an older schema is migrated and indexed', async () => {
  const { DataSource } = await import('typeorm');
  const { mainMigrations } = await import('../migrations/main/index.js');
  const { mainDatabaseOptions } = await import('../src/platform/database.js');
  const own = join(rest, 'older schema');
  const source = await elsewhere();
  const target = await elsewhere();
  try {
    await say(anna.device, anna, { body: 'Ecco lo scontrino della focaccia.' });
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
