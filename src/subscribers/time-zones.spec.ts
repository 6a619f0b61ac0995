import { expect, test } from '@jest/globals';
import { countries } from './postal-address.js';
import { isTimeZone, timeZoneOf } from './time-zones.js';

test.each([
  ['IT', 'Europe/Rome'],
  ['ES', 'Europe/Madrid'],
  ['PT', 'Europe/Lisbon'],
  ['DE', 'Europe/Berlin'],
  ['CY', 'Asia/Nicosia'],
  ['US', 'America/New_York'],
  ['XK', 'Europe/Belgrade'],
  ['AQ', 'Antarctica/Casey'],
  ['BV', 'UTC'],
])('a business in %s begins with %s', (country, zone) => {
  expect(timeZoneOf(country)).toBe(zone);
});

test('every country has a time zone', () => {
  for (const { code } of countries('en'))
    expect({ code, valid: isTimeZone(timeZoneOf(code)) }).toEqual({ code, valid: true });
});

test.each(['Europe/Rome', 'America/New_York', 'UTC'])('%s is a time zone', (zone) => {
  expect(isTimeZone(zone)).toBe(true);
});

test.each(['', 'Roma', '+01:00', '-05', 'Europe/Nowhere', 7, null, undefined])('%j is none', (zone) => {
  expect(isTimeZone(zone)).toBe(false);
});
