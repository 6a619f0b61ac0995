import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { networkOf } from './networks.js';

describe('a network', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['2001:db8:0:7:aaaa:bbbb:cccc:dddd', '2001:db8:0:7'],
    ['2001:0db8:0000:0007::1', '2001:db8:0:7'],
    ['2001:DB8:0:7::1', '2001:db8:0:7'],
    ['2001:db8::', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    [undefined, 'unknown'],
    ['', 'unknown'],
  ])('of %s is %s', (address, network) => expect(networkOf(address)).toBe(network));

  test('is the first 64 bits of an IPv6 address in any notation', () => {
    const groups = fc.array(fc.nat({ max: 0xffff }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(groups, fc.nat({ max: 0xffff }), (all, other) => {
        // Mapped and embedded IPv4 addresses are networks of their own.
        fc.pre(all.slice(0, 4).some(Boolean));
        const long = all.map((group) => group.toString(16).padStart(4, '0')).join(':');
        const short = new URL(`http://[${long}]`).hostname.slice(1, -1);
        const neighbour = [...all.slice(0, 7), other].map((group) => group.toString(16)).join(':');
        const network = all
          .slice(0, 4)
          .map((group) => group.toString(16))
          .join(':');
        for (const spelling of [long, short, long.toUpperCase(), neighbour]) expect(networkOf(spelling)).toBe(network);
      }),
    );
  });
});
