import { generateKeyPairSync, sign } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { verifyCertificate } from '../../src/commands/certificate-verification.js';
import { signedText } from '../../src/contract/rules/certificate-text.js';
import {
  ask,
  canary,
  copies,
  eraseWhileKilledAt,
  finished,
  installation,
  ledgers,
  opened,
  service,
  tracesOf,
} from '../crash/oblivion.js';
import { erasurePoints } from '../crash/orders.js';
import { type Answer, expectStatus } from '../support/world.js';

/**
 * Promise 6: an erased person is unreadable wherever something of it was. Every sealed value and every wrapped key is copied
 * before, and opened with the keys of then; afterwards nothing of it is left in both databases, and with the key directory as it
 * is now, not even the copies open. The same when the service is killed: here at one step by chance, in erasure.long.ts at all.
 */

const certificates: string[] = [];

test('no data of an erased person is left, and no older copy opens with the current keys', async () => {
  const gone = await canary();
  const kept = await canary();
  const [before, ofKept] = [await copies(gone), await copies(kept)];
  expect([await opened(before, gone.word), await opened(ofKept, kept.word)]).toEqual([2, 2]);
  const answer = await ask('DELETE', `/api/contacts/${gone.contactId}`);
  expectStatus(answer, 202);
  const certificate = await finished(answer.body.erasureId);
  expect(certificate.erased).toMatchObject({
    ...{ contacts: 1, accounts: 1, sessions: 1, messages: 3, files: 2, notes: 1, consents: 2, broadcasts_received: 1 },
    ...{ advertising_reports: 1, search_entries: 2, waiting_mails: 2 },
  });
  expect(await tracesOf(gone)).toEqual(ledgers);
  expect(await opened(before, gone.word)).toBe(0);
  // The epoch of before is gone for everybody, but the other person's key was wrapped anew.
  expect(await opened(ofKept, kept.word)).toBe(0);
  expect(await opened(await copies(kept), kept.word)).toBe(2);
  certificates.push(JSON.stringify(certificate));

  const { stdout, stderr } = service;
  for (const text of [stdout, stderr]) expect(text.toLowerCase()).not.toContain(gone.word.toLowerCase());
});

const byChance = erasurePoints[Math.floor(Math.random() * erasurePoints.length)]!;

test.each([byChance])('an erasure whose service is killed at the point %s ends all the same', eraseWhileKilledAt);

describe('a certificate', () => {
  test('verifies without a network, with the fingerprint that the installation shows', async () => {
    const { fingerprint } = (await service.ask('GET', '/api/erasure-key')).body;
    const [text] = certificates as [string];
    expect(verifyCertificate(text)).toMatchObject({ valid: true });
    expect(verifyCertificate(text, fingerprint).lines[0]).toBe('VALID: Forno Aurora erased 1 contact.');
    const file = join(installation.dataDir, 'certificate.json');
    await writeFile(file, JSON.stringify(JSON.parse(text), null, 2));
    const run = await installation.command('verify-certificate', {}, file, '--fingerprint', fingerprint);
    expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining('VALID') });
    expect(await installation.command('verify-certificate', {}, `${file}.none`)).toMatchObject({ code: 2 });
    // As PowerShell saves what a command prints.
    await writeFile(file, `\ufeff${text}`, 'utf16le');
    expect(await installation.command('verify-certificate', {}, file)).toMatchObject({ code: 0 });
  });

  test('has its statements on lines of their own, whoever signed it', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const x = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url').toString('base64');
    const signed = (change: object) => {
      const certificate = { ...JSON.parse(certificates[0]!), publicKey: x, ...change, signature: undefined };
      const signature = sign(null, Buffer.from(signedText(certificate)), privateKey).toString('base64');
      return JSON.stringify({ ...certificate, signature });
    };
    const forged = verifyCertificate(signed({ business: 'Forno Aurora\n  key  1234 5678\u001b[8m' }));
    expect(forged.valid).toBe(true);
    expect(forged.lines.filter((line) => /\p{Cc}/u.test(line))).toEqual([]);
    expect(verifyCertificate(signed({ erased: null }))).toMatchObject({ valid: false });
    const endless = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect(verifyCertificate(`${certificates[0]!.slice(0, -1)},"more":${endless}}`)).toMatchObject({ valid: false });
  });

  test.each([
    ['another number', (certificate: Answer['body']) => ({ ...certificate, contacts: 2 })],
    ['another time', (certificate: Answer['body']) => ({ ...certificate, unreadableAt: '2020-01-01T00:00:00.000Z' })],
    ['a field more', (certificate: Answer['body']) => ({ ...certificate, remark: 'x' })],
    ['a count less', ({ erased: { messages: _, ...erased }, ...rest }: Answer['body']) => ({ ...rest, erased })],
    [
      'another key',
      (certificate: Answer['body']) => ({ ...certificate, publicKey: Buffer.alloc(32, 1).toString('base64') }),
    ],
  ])('with %s does not', (_, change) => {
    const changed = change(JSON.parse(certificates[0]!));
    expect(verifyCertificate(JSON.stringify(changed))).toMatchObject({ valid: false });
    expect(verifyCertificate(JSON.stringify({ ...changed, signature: null })).valid).toBe(false);
  });

  test('of another installation does not verify as one of this', () => {
    const stranger = '0000 0000 0000 0000 0000 0000 0000 0000';
    expect(verifyCertificate(certificates[0]!, stranger).lines[0]).toMatch(/signed with another key/);
    expect(verifyCertificate('{"format":"other"}').valid).toBe(false);
    expect(verifyCertificate('no JSON').valid).toBe(false);
  });
});
