import { describe, expect, test } from '@jest/globals';
import { PrivateAddressRefused, PublicRequests } from './public-requests.js';

const requests = new PublicRequests({ pushTestCa: undefined });
const sent = { headers: {}, body: Buffer.from('ciao'), timeout: 5_000 };

describe('an address that a stranger names', () => {
  test.each([
    'https://fcm.googleapis.com/fcm/send/abc',
    'https://updates.push.services.mozilla.com/wpush/v2/abc',
    'https://web.push.apple.com/abc',
    'https://1.1.1.1/push',
  ])('is taken: %s', (url) => expect(requests.permits(new URL(url))).toBe(true));

  test.each([
    'http://fcm.googleapis.com/',
    'ftp://fcm.googleapis.com/',
    'https://push.example.com:8443/',
    'https://user@push.example.com/',
    // Hosts that URLs may have, and DNS has not.
    'https://"push".example.com/',
    "https://pu'sh.example.com/",
    'https://push;example.com/',
    'https://push..example.com/',
    `https://${'a'.repeat(64)}.example.com/`,
    `https://${'abc.'.repeat(70)}example.com/`,
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f.0.0.1/',
    'https://0177.0.0.1/',
    'https://127.1/',
    'https://10.0.0.8/',
    'https://169.254.169.254/latest/meta-data/',
    'https://[::1]/',
    'https://[::ffff:169.254.169.254]/',
    'https://[64:ff9b::a9fe:a9fe]/',
    'https://[fd00:ec2::254]/',
    'https://[fe80::1]/',
  ])('is refused before anything is sent: %s', (url) => {
    expect(requests.permits(new URL(url))).toBe(false);
    expect(() => requests.post(new URL(url), sent)).toThrow(PrivateAddressRefused);
  });

  test('is refused if its name resolves to a private address when it connects', async () => {
    const { answer } = requests.post(new URL('https://localhost/push'), sent);
    await expect(answer).rejects.toThrow(PrivateAddressRefused);
  });
});
