import { describe, expect, test } from '@jest/globals';
import { failureInWords, judge } from './refusals.js';

const atRcpt = (response: string) =>
  judge({ code: 'EENVELOPE', command: 'RCPT TO', responseCode: Number(response.slice(0, 3)), response });

describe('a refusal at RCPT TO', () => {
  test.each([
    '550 5.1.1 <anna@mail.example>: Recipient address rejected: User unknown in virtual mailbox table',
    '550-5.1.1 The email account that you tried to reach does not exist.\n550 5.1.1 Try double-checking the address',
    '550 5.1.2 Bad destination system address',
    '501 5.1.3 Bad recipient address syntax',
    '551 5.1.6 Destination mailbox has moved',
    '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup',
    '556 5.1.10 The domain takes no mail',
    '550 No such user here',
    '550 <relay.sender@mail.example>... User unknown',
    '550 Unknown user: auth@mail.example',
    '553 sorry, no mailbox here by that name',
    "551 This account doesn't exist",
  ])('%j is about the addressee, and final', (response) => expect(atRcpt(response).permanent).toBe(true));

  test.each([
    '553 5.7.1 <shop@host.example>: Sender address rejected: not owned by user shop',
    '550 5.1.1 <shop@host.example>: Sender address rejected: User unknown in local recipient table',
    '550 5.1.0 <shop@host.example>: Sender address rejected',
    '550 5.1.8 <shop@host.example>: Domain not found',
    '554 5.7.1 <anna@mail.example>: Relay access denied',
    '550 5.7.1 Unable to relay',
    '504 5.5.2 <[127.0.0.1]>: Helo command rejected: need fully-qualified hostname',
    '550 5.5.0 Invalid EHLO domain.',
    '550 quota exceeded',
    '552 5.2.2 Mailbox full',
    '550 5.4.5 Daily user sending quota exceeded',
    '550 Authentication required',
    '530 5.7.0 Must issue a STARTTLS command first',
    '535 5.7.8 Authentication credentials invalid',
    '550 Unknown user, relaying denied',
    '550 5.1.1.9 is listed in a blocklist',
    '550 Requested action not taken: mailbox unavailable',
    '550 no.such.user@mail.example: blocked',
    '551 User not local',
    '450 4.2.0 <anna@mail.example>: Recipient address rejected: Greylisted',
    '450 4.1.1 <anna@mail.example>: Recipient address rejected: unverified address',
    '421 4.7.0 Try again later, closing connection.',
    '550',
  ])('%j is not about the addressee, and waits', (response) => expect(atRcpt(response).permanent).toBe(false));
});

describe('a failure', () => {
  test('of the sender, the sign-in or the greeting is never final, whatever the reply', () => {
    const response = '550 5.1.1 No such user';
    for (const command of ['MAIL FROM', 'EHLO', 'CONN', undefined])
      expect(judge({ responseCode: 550, response, ...(command && { command }) }).permanent).toBe(false);
  });

  test('has a code made of the reply and its status, without the server’s text', () => {
    expect(atRcpt('550 5.1.1 <anna@mail.example> unknown').code).toBe('smtp_550_5.1.1');
    expect(atRcpt('450 greylisted, anna').code).toBe('smtp_450');
    expect(judge({ code: 'anna@mail.example' }).code).toBe('smtp_failed');
  });

  test.each([
    [{ code: 'ESOCKET', originalCode: 'CERT_HAS_EXPIRED' }, 'smtp_certificate_expired', /expired/],
    [{ code: 'ETLS', originalCode: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'smtp_certificate_self_signed', /self-signed/],
    [{ code: 'ESOCKET', originalCode: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'smtp_certificate_of_another_host', /host/],
    [{ code: 'ESOCKET', originalCode: 'ECONNREFUSED' }, 'esocket', /cannot be reached/],
    [{ code: 'EAUTH', responseCode: 535, response: '535 5.7.8 no' }, 'smtp_sign_in_refused', /password/],
    [{ responseCode: 554, response: '554 5.7.1 no', command: 'RCPT TO' }, 'smtp_554_5.7.1', /reply/],
  ])('%j is %s', (error, code, said) => {
    expect(judge(error)).toEqual({ code, permanent: false });
    expect(failureInWords(code)).toMatch(said);
  });
});
