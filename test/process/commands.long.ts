import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openShop } from '../support/booted-shop.js';
import { Installation } from '../support/installation.js';

/** The commands of package.json, each as a process; what they say is in test/commands.test.ts. */

let installation: Installation;
beforeAll(async () => {
  installation = await Installation.make();
});
afterAll(() => installation.remove());

test('check-config exits with 0 without mistakes, and with another code otherwise', async () => {
  const { code, stdout, stderr } = await installation.command('check-config');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/No mistakes found\.\n$/);
  const wrong = await installation.command('check-config', { SESSION_DAYS: 'ever' });
  expect(wrong).toMatchObject({ code: 1, stdout: expect.stringContaining('MISTAKE  SESSION_DAYS: "ever"') });
});

test('outbox lists waiting mails while the service is stopped, and stops PostgreSQL again', async () => {
  const service = await installation.start();
  await openShop(service);
  await service.stop();
  expect(installation.postgresPid).toBeUndefined();
  const { code, stdout, stderr } = await installation.command('outbox');
  expect({ code, stderr, shown: stdout.includes('info@aurora.example') }).toEqual({ code: 0, stderr: '', shown: true });
  expect(installation.postgresPid).toBeUndefined();
  const unknown = await installation.command('outbox', {}, '--all');
  expect(unknown).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^There is no option --all.*\n$/),
  });
});

test('registration-code prints a code and its expiry', async () => {
  const { code, stdout, stderr } = await installation.command('registration-code');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^\S+\nValid once, until \d{4}-\d\d-\d\d, while REGISTRATION=invited\.\n$/);
});
