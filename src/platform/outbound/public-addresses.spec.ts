import { describe, expect, test } from '@jest/globals';
import { addressIn, isPublicAddress } from './public-addresses.js';

describe('an address', () => {
  test.each(['1.1.1.1', '142.250.180.10', '100.128.0.1', '172.32.0.1', '2a00:1450:4002:411::200a', '2606:4700::1111'])(
    'of the public internet: %s',
    (address) => expect(isPublicAddress(address)).toBe(true),
  );

  test.each([
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.0.1', '169.254.169.254', '172.16.0.1', '172.31.9.9'],
    ...['192.0.0.170', '192.168.1.1', '198.18.0.1', '224.0.0.1', '239.255.255.250', '255.255.255.255'],
    ...['::', '::1', 'fe80::1', 'fe80::1%eth0', 'fc00::1', 'fd00:ec2::254', 'ff02::1', '2001:db8::1', '3fff::1'],
    // Addresses of IPv4 within those of IPv6: mapped, compatible, translated, 6to4, Teredo.
    ...['::ffff:127.0.0.1', '::ffff:7f00:1', '::127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', '2001:0:7f00:1::'],
    ...['', 'localhost', '1.1.1', '0x7f.0.0.1', '2130706433'],
  ])('that is not: %s', (address) => expect(isPublicAddress(address)).toBe(false));
});

test.each([
  ['https://2130706433/', '127.0.0.1'],
  ['https://0x7f.1/', '127.0.0.1'],
  ['https://0177.0.0.1/', '127.0.0.1'],
  ['https://127.1/', '127.0.0.1'],
  ['https://[::ffff:10.0.0.1]/', '::ffff:a00:1'],
  ['https://push.example.com/', undefined],
])('the host of %s is the address %s', (url, address) => {
  expect(addressIn(new URL(url))).toBe(address);
});
