import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newRegistrationCode } from '../src/commands/new-registration-code.js';
import { checkSettings } from '../src/commands/settings-check.js';
import { showOutbox } from '../src/commands/waiting-mails.js';
import { variables, withoutMarkdown } from '../src/platform/settings/variables.js';
import { run } from './support/commands.js';
import { MailServer } from './support/mail-server.js';
import { expectStatus, type Shop, until, World } from './support/world.js';

/** Output of the commands of package.json, in this process; test/process/commands.long.ts runs each as one. */

let world: World;
let shop: Shop;
/** Folders in which no service has run. */
let nowhere: string;

beforeAll(async () => {
  nowhere = join(await mkdtemp(join(tmpdir(), 'colloquio-commands-')), 'data');
  world = await World.open();
  shop = await world.shop('bakery');
});
afterAll(async () => {
  await world.close();
  await rm(join(nowhere, '..'), { recursive: true });
});

describe('check-config', () => {
  test('explains every variable, shows the values, and hides secrets', async () => {
    const secrets = {
      MASTER_KEY: Buffer.alloc(32, 7).toString('hex'),
      DATABASE_URL: 'postgres://anna:sesamo@db.example.com/main',
      KEYRING_DATABASE_URL: 'postgres://anna:sesamo@db.example.com/keyring',
    };
    const { code, stdout, stderr } = await run(checkSettings, { ...secrets, REGISTRATION: 'open' });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const [name, { about }] of Object.entries(variables)) {
      expect(stdout).toMatch(new RegExp(`^${name} `, 'm'));
      expect(stdout).toContain(withoutMarkdown(about));
    }
    expect(stdout).toMatch(/^REGISTRATION +open$/m);
    expect(stdout).toMatch(/^LOG_LEVEL +\(not set: info\)$/m);
    expect(stdout).toMatch(/^MASTER_KEY +\(set, secret\)$/m);
    for (const secret of [secrets.MASTER_KEY, 'sesamo', 'db.example.com']) expect(stdout).not.toContain(secret);
    expect(stdout).toMatch(/No mistakes found\.\n$/);
  });

  test('finds mistakes and misspelled names, and exits with an error', async () => {
    const wrong = { SESSION_DAYS: 'ever', PUBLIC_URLS: 'x', REGISTRATON: 'open', master_key: 'sesamo' };
    const { code, stdout } = await run(checkSettings, wrong);
    expect(code).toBe(1);
    const mistakes = stdout.split('\n').filter((line) => line.startsWith('MISTAKE'));
    expect(mistakes).toEqual([
      expect.stringContaining('SESSION_DAYS: "ever" is not a number'),
      'MISTAKE  PUBLIC_URLS: is not read; did you mean PUBLIC_URL?',
      'MISTAKE  REGISTRATON: is not read; did you mean REGISTRATION?',
      'MISTAKE  master_key: is not read; did you mean MASTER_KEY?',
    ]);
    expect(stdout).not.toContain('sesamo');
  });
});

describe('outbox', () => {
  const outbox = (environment: Record<string, string> = {}, ...parameters: string[]) =>
    run(showOutbox, { ...world.environment, ...environment }, ...parameters);

  test('lists waiting mails beside the running service, and leaves it running', async () => {
    const { code, stdout } = await outbox();
    expect(code).toBe(0);
    expect(stdout).toContain('Personal data');
    expect(stdout).toContain('SMTP_URL is not set');
    expect(stdout).not.toContain('/api/');
    expect(stdout).toMatch(/To +info@aurora\.example/);
    expect(stdout).toMatch(/Subject +Conferma il tuo indirizzo/);
    const token = /Link +http:\/\/localhost:\d+\/verify\/([\w-]{43})/.exec(stdout)![1]!;
    const verified = await world.ask('POST', '/api/me/email-verification/confirmation', { body: { token } });
    expectStatus(verified, 204);
    expectStatus(await world.ask('GET', '/api/health/ready'), 200);
  });

  test('lists failures, and has them retried', async () => {
    const mails = await MailServer.open();
    mails.refuse = () => '550 5.1.1 No such user';
    const smtp = { SMTP_URL: mails.url };
    world = await world.restart(smtp);
    await until(
      async () => (await world.rows('SELECT 1 FROM mail WHERE failed_at IS NOT NULL')).length === 1,
      'the mail fails',
    );
    const before = await outbox();
    expect(before.stdout).toMatch(
      /State +failed for good \(smtp_550_5\.1\.1: the mail server's reply\) after it was tried once/,
    );
    mails.refuse = undefined;
    expect((await outbox({}, '--retry')).stdout).toContain('Mails to retry: 1.');
    world = await world.restart();
    await mails.mail(String(shop.registration['email']), /Conferma/);
    await until(async () => (await outbox()).stdout.includes('No mails are waiting.'), 'nothing waits');
    expect((await outbox({}, '--retry')).stdout).toContain('No mail had failed permanently.');
    expect((await outbox({}, '--all')).stderr).toContain('There is no option --all');
    await mails.close();
  });

  test('creates no database where the service has never run', async () => {
    const { code, stdout, stderr } = await run(showOutbox, { DATA_DIR: nowhere });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`There is no Colloquio data in ${nowhere}`);
    expect(existsSync(nowhere)).toBe(false);
  });

  test('prints its help', async () => {
    const { code, stdout, stderr } = await run(showOutbox, {}, '--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('--retry');
  });
});

test('registration-code prints a code with which exactly one subscriber can register', async () => {
  const early = await run(newRegistrationCode, { DATA_DIR: nowhere });
  expect(early).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('There is no Colloquio data in'),
  });

  world = await world.restart({ REGISTRATION: 'invited' });
  const register = async (code?: string) => {
    const body = await world.registration('florist', code !== undefined ? { registrationCode: code } : {});
    const { status, body: answer } = await world.ask('POST', '/api/subscribers', { body });
    return status === 201 ? status : answer.code;
  };
  const { code, stdout, stderr } = await run(newRegistrationCode, world.environment);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [given, about] = stdout.trim().split('\n') as [string, string];
  expect(about).toMatch(/^Valid once, until \d{4}-\d\d-\d\d, while REGISTRATION=invited\.$/);
  expect(await register()).toBe('registration_code_invalid');
  expect(await register(given.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')))).toBe('registration_code_invalid');
  expect((await Promise.all([register(given), register(given), register(given)])).sort()).toEqual([
    201,
    'registration_code_invalid',
    'registration_code_invalid',
  ]);
  expect(await register(given)).toBe('registration_code_invalid');
});
