import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mailPoints, Orders } from '../crash/orders.js';
import { type BootedShop, openShop } from '../support/booted-shop.js';
import { Installation, type Service, soon, until } from '../support/installation.js';
import { MailServer, tokenIn } from '../support/mail-server.js';
import { expectStatus, people, unique } from '../support/world.js';

/**
 * A service that is killed at any step of a mail about unread messages loses none and posts none twice. One that the mail
 * server had taken right before may come a second time, as the same mail.
 */

const address = people.anna.email;
const about = /messagg/;

let orders: Orders;
let mails: MailServer;
let installation: Installation;
let service: Service;
let shop: BootedShop;

const start = async () => {
  service = await installation.start({ SMTP_URL: mails.url, RATE_MESSAGES: '1000', ...orders.environment });
};
const query = <Row extends object>(text: string) =>
  installation.onPostgres(async (client) => (await client.query<Row>(text)).rows);
const nothingWaits = () =>
  until(async () => {
    await query(`UPDATE jobs.job SET start_after = now() WHERE state = 'retry' AND start_after > now()`);
    return (await query('SELECT FROM mail WHERE failed_at IS NULL')).length === 0;
  }, 'no mail waits');

beforeAll(async () => {
  orders = await Orders.open();
  mails = await MailServer.open();
  installation = await Installation.make(orders.nodeArguments);
  await start();
  shop = await openShop(service);
  const token = tokenIn(await mails.mail(address, /Conferma/));
  expectStatus(await service.ask('POST', '/api/me/email-verification/confirmation', { body: { token } }), 204);
  await nothingWaits();
});
afterAll(async () => {
  await installation?.remove();
  await mails?.close();
  await orders?.remove();
});

async function killed(point: (typeof mailPoints)[number]): Promise<void> {
  const { signal, stderr } = await soon(service.ended, `the service comes by ${point}`);
  expect({ signal, stderr, passed: await orders.passed() }).toMatchObject({ signal: 'SIGKILL', passed: { point } });
  await start();
}

test.each(mailPoints)('killed %s', async (point) => {
  const ofNote = point.includes('note');
  const before = mails.to(address).length;
  if (ofNote) await orders.give({ point, countdown: 1 });
  const message = { clientId: unique(), body: 'La torta segreta' };
  const sent = await shop.owner.ask('POST', `/api/conversations/${shop.conversationId}/messages`, message);
  expectStatus(sent, 201);
  if (ofNote) await killed(point);
  await until(
    async () => (await query('SELECT FROM unread_mail WHERE due_at IS NOT NULL')).length === 1,
    'it is noted',
  );
  if (!ofNote) await orders.give({ point, countdown: 1 });
  // It has waited for long enough, and is looked at within a minute.
  await query(`UPDATE message SET sent_at = sent_at - interval '2 hours'`);
  await query(`UPDATE unread_mail SET due_at = now(), mailed_at = mailed_at - interval '3 hours'`);
  if (!ofNote) {
    await killed(point);
    // What was under way is taken up again once its time is over.
    await query(`UPDATE jobs.job SET started_on = started_on - interval '1 hour' WHERE state = 'active'`);
  }
  await mails.mail(address, about);
  await until(() => mails.to(address).length > before, 'it comes');
  await nothingWaits();
  const ids = mails
    .to(address)
    .slice(before)
    .map(({ messageId }) => messageId);
  expect(new Set(ids).size).toBe(1);
  expect(ids).toHaveLength(point === 'before-gone-mail' ? 2 : 1);
  const receipt = `/api/conversations/${shop.conversationId}/receipt`;
  expectStatus(await shop.anna.ask('PUT', receipt, { seenSeq: sent.body.seq }), 204);
});
