import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Installation } from './boot/installation.js';
import { MailServer } from './mail-server.js';
import { expectStatus, shops, until } from './world.js';

/** `npm run outbox`, as the host runs it. */

let installation: Installation;
let mails: MailServer;
beforeAll(async () => {
  installation = await Installation.make();
  mails = await MailServer.open();
});
afterAll(async () => {
  await installation.remove();
  await mails.close();
});

const outbox = (environment: Record<string, string> = {}, ...parameters: string[]) =>
  installation.command('outbox', environment, ...parameters);

test('shows what waits beside the running service, and leaves it running', async () => {
  const service = await installation.start();
  const { body: policies } = await service.ask('GET', '/api/policies/current?audience=subscriber');
  const consents = policies.items.map(({ id, purpose }: { id: string; purpose: string }) => ({
    policyId: id,
    purpose,
  }));
  const body = { ...shops.bakery, username: 'forno.aurora', password: 'tegame-7-lucertola', consents };
  const registered = await service.ask('POST', '/api/subscribers', { body });
  expectStatus(registered, 201);
  const { code, stdout } = await outbox();
  expect(code).toBe(0);
  expect(stdout).toContain('Personal data');
  expect(stdout).toContain('SMTP_URL is not set');
  expect(stdout).toMatch(/\/verify\/TOKEN +POST \/api\/me\/email-verification\/confirmation/);
  expect(stdout).toMatch(/To +info@aurora\.example/);
  expect(stdout).toMatch(/Subject +Conferma il tuo indirizzo/);
  const token = /Link +http:\/\/localhost:\d+\/verify\/([\w-]{43})/.exec(stdout)![1]!;
  const verified = await service.ask('POST', '/api/me/email-verification/confirmation', { body: { token } });
  expectStatus(verified, 204);
  expectStatus(await service.ask('GET', '/api/health/ready'), 200);
  await service.stop();
  expect(installation.postgresPid).toBeUndefined();
});

test('shows it while the service is stopped too, and stops PostgreSQL again', async () => {
  const { code, stdout } = await outbox();
  expect({ code, shown: stdout.includes('info@aurora.example') }).toEqual({ code: 0, shown: true });
  expect(installation.postgresPid).toBeUndefined();
});

test('says what failed, and has it tried again', async () => {
  mails.refuse = () => '550 5.1.1 No such user';
  const service = await installation.start({ SMTP_URL: mails.url });
  const failures = () =>
    installation.onPostgres(async (database) => {
      const { rows } = await database.query<{ failure: string }>(
        'SELECT failure FROM mail WHERE failed_at IS NOT NULL',
      );
      return rows.map(({ failure }) => failure);
    });
  await until(async () => (await failures()).length === 1, 'the mail fails');
  const before = await outbox({ SMTP_URL: mails.url });
  expect(before.stdout).toMatch(
    /State +failed for good \(smtp_550_5\.1\.1: the mail server's reply\) after it was tried once/,
  );
  mails.refuse = undefined;
  const retried = await outbox({ SMTP_URL: mails.url }, '--retry');
  expect(retried.stdout).toContain('To be tried again: 1.');
  await service.stop();
  const again = await installation.start({ SMTP_URL: mails.url });
  await mails.mail('info@aurora.example', /Conferma/);
  await until(async () => (await outbox()).stdout.includes('No mails are waiting.'), 'nothing waits');
  expect((await outbox({}, '--retry')).stdout).toContain('No mail had failed for good.');
  expect((await outbox({}, '--all')).stderr).toContain('There is no option --all');
  await again.stop();
});

test('makes no database where the service has never run', async () => {
  const fresh = await Installation.make();
  const { code, stdout, stderr } = await fresh.command('outbox');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain(`There is no Colloquio data in ${fresh.dataDir}`);
  expect(existsSync(fresh.dataDir)).toBe(false);
  await fresh.remove();
});

test('says what it can do', async () => {
  const { code, stdout, stderr } = await installation.command('outbox', {}, '--help');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('--retry');
});
