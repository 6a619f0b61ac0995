import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backUp } from '../src/commands/backing-up.js';
import { rotateMasterKey } from '../src/commands/master-key-rotation.js';
import { restore } from '../src/commands/restoring.js';
import { parseMasterKey } from '../src/platform/settings/readers.js';
import { EpochKeys } from '../src/platform/vault/epoch-keys.js';
import { signingKeyFile } from '../src/platform/vault/signing-key.js';
import { run } from './support/commands.js';
import { expectStatus, type Person, type Shop, World } from './support/world.js';

/** A new master key takes the place of the old one, and opens what the old one has sealed. */

let world: World;
let bakery: Shop;
let anna: Person;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'colloquio-master-key-'));
  world = await World.open();
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
});
afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

const keyFile = (name: string) => join(world.dataDir, 'keys', name);
const rotate = (environment: Record<string, string> = {}, ...parameters: string[]) =>
  run(rotateMasterKey, { ...world.environment, ...environment }, ...parameters);
const masterKey = async () => parseMasterKey(await readFile(keyFile('master.key'), 'utf8'))!;
const signed = async () => (await bakery.owner.ask('GET', '/api/erasure-key')).body;

/** Everything sealed is readable, and nothing of a rotation is left. */
async function expectReadable(environment: Record<string, string> = {}): Promise<void> {
  world = await world.restart(environment);
  const contact = await world.ask('GET', `/api/contacts/${anna.contactId}`, { token: bakery.owner.token });
  expect(contact.body).toMatchObject({ firstName: 'Anna', surname: 'Rossi' });
  await world.stop();
  await expect(stat(keyFile('master.key.next'))).rejects.toThrow('ENOENT');
}

test('it is refused while the service runs, and changes nothing', async () => {
  const before = await readFile(keyFile('epoch.key'));
  const refused = await rotate();
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('Another Colloquio is running') });
  expect((await readFile(keyFile('epoch.key'))).equals(before)).toBe(true);
  expectStatus(await world.ask('GET', '/api/health/ready'), 200);
});

test('the new one opens everything, and neither the old one nor an old copy of the epoch file does', async () => {
  const public_ = await signed();
  await world.stop();
  const old = await masterKey();
  await cp(keyFile('epoch.key'), join(folder, 'old-epoch.key'));
  const rotated = await rotate();
  expect(rotated).toMatchObject({ code: 0, stderr: '' });
  expect(rotated.stdout).toContain(keyFile('master.key'));
  expect(rotated.stdout).toContain('Back up now');
  const key = await masterKey();
  expect(key.equals(old)).toBe(false);
  expect((await stat(keyFile('master.key'))).mode & 0o777).toBe(0o600);
  await expect(EpochKeys.load(keyFile('epoch.key'), old)).rejects.toThrow('The master key does not open');
  const before = await EpochKeys.load(join(folder, 'old-epoch.key'), old);
  const after = await EpochKeys.load(keyFile('epoch.key'), key);
  expect(after.known).toEqual([before.current.number + 1]);
  const rows = await world.rows<{ epoch: number }>('SELECT DISTINCT epoch FROM wrapped_key', [], 'keyring');
  expect(rows).toEqual([{ epoch: after.current.number }]);
  await expectReadable();
  world = await world.restart();
  expect(await world.ask('GET', '/api/erasure-key', { token: bakery.owner.token })).toMatchObject({
    body: public_,
  });
  await world.stop();
});

test.each(['made', 'sealed', 'signed', 'placed'])(
  'a rotation that was killed after the new key was %s is ended by another run',
  async (step) => {
    const old = await masterKey();
    const next = Buffer.alloc(32, step);
    await writeFile(keyFile('master.key.next'), next.toString('base64'), { mode: 0o600 });
    if (step !== 'made') await (await EpochKeys.load(keyFile('epoch.key'), old)).reseal(next);
    if (step === 'signed' || step === 'placed') await signingKeyFile.reseal({ dataDir: world.dataDir }, old, next);
    if (step === 'placed') await writeFile(keyFile('master.key'), next.toString('base64'));
    if (step === 'sealed' || step === 'signed') {
      await expect(world.restart()).rejects.toThrow('A rotation of the master key was interrupted');
    }
    expect(await rotate()).toMatchObject({ code: 0, stderr: '' });
    expect((await masterKey()).equals(next)).toBe(true);
    await expectReadable();
  },
);

test('a rotation killed at its very end leaves no key that a later one takes for new', async () => {
  const key = await readFile(keyFile('master.key'), 'utf8');
  await writeFile(keyFile('master.key.next'), key, { mode: 0o600 });
  await expectReadable();
  expect(await rotate()).toMatchObject({ code: 0, stderr: '' });
  expect(await readFile(keyFile('master.key'), 'utf8')).not.toBe(key);
  await expectReadable();
});

test('with MASTER_KEY the new one goes into a named file, which may exist already', async () => {
  const old = (await masterKey()).toString('hex');
  const refused = await rotate({ MASTER_KEY: old });
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('MASTER_KEY is set') });
  const file = join(folder, 'new master.key');
  const rotated = await rotate({ MASTER_KEY: old }, file);
  expect(rotated).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Set MASTER_KEY to the content of that file'),
  });
  const key = (await readFile(file, 'utf8')).trim();
  expect(rotated.stdout).not.toContain(key);
  // Killed before it said so, it is run once more.
  expect(await rotate({ MASTER_KEY: old }, file)).toMatchObject({ code: 0 });
  expect((await rotate({ MASTER_KEY: key }, file)).stderr).toContain('the master key that is in use');
  await expect(world.restart({ MASTER_KEY: old })).rejects.toThrow('The master key does not open');
  await expectReadable({ MASTER_KEY: key });
  await writeFile(join(folder, 'letter'), 'Cara Anna');
  expect((await rotate({ MASTER_KEY: key }, join(folder, 'letter'))).stderr).toContain('holds no key');
  const nowhere = await rotate({ MASTER_KEY: key }, join(folder, 'letter', 'key'));
  expect(nowhere).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be written') });
  await cp(file, keyFile('master.key'));
  world = await world.restart({ MASTER_KEY: '' });
  await world.stop();
});

test('the backup folder opens with the old master key until the next backup, and then with the new one', async () => {
  const backups = join(folder, 'backups');
  const back = () => run(backUp, world.environment, backups, '--quiet');
  const check = () => run(restore, world.environment, backups, '--check');
  expect(await back()).toMatchObject({ code: 0, stderr: '' });
  expect(await rotate()).toMatchObject({ code: 0 });
  expect(await check()).toMatchObject({ code: 1, stderr: expect.stringContaining('The master key does not open') });
  expect(await back()).toMatchObject({ code: 0, stderr: '' });
  expect(await check()).toMatchObject({ code: 0 });
});
