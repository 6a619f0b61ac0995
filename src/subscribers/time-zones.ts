import type { ValidationOptions } from 'class-validator';
import { Rule } from '../platform/validation/rule.js';

/** Beyond the longest name there is; Intl would look through whatever it is given. */
const longestName = 64;

/** Tells if a text names a time zone of the IANA database, such as Europe/Rome. */
export function isTimeZone(value: unknown): value is string {
  // A name begins with a letter; Intl takes mere offsets too, which know no summer time.
  if (typeof value !== 'string' || value.length > longestName || !/^[A-Za-z]/.test(value)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: value });
    return true;
  } catch {
    return false;
  }
}

export function IsTimeZone(options?: ValidationOptions): PropertyDecorator {
  return Rule('isTimeZone', (value) => (isTimeZone(value) ? undefined : { code: 'is_time_zone' }), options);
}

/**
 * The time zone that a business in a country begins with (Unicode CLDR); of several that of most people. UTC where nobody
 * lives.
 */
export function timeZoneOf(country: string): string {
  const zones = new Intl.Locale(`und-${country}`).getTimeZones() ?? [];
  return ofMostPeople[country] ?? zones.find((zone) => zone.startsWith('Europe/')) ?? zones[0] ?? 'UTC';
}

/** Zones of most people, for countries where neither the European one nor the first by name is it. CLDR has none for Kosovo. */
const ofMostPeople: Partial<Record<string, string>> = {
  AR: 'America/Argentina/Buenos_Aires',
  AU: 'Australia/Sydney',
  BR: 'America/Sao_Paulo',
  CA: 'America/Toronto',
  CL: 'America/Santiago',
  CY: 'Asia/Nicosia',
  MX: 'America/Mexico_City',
  RU: 'Europe/Moscow',
  US: 'America/New_York',
  XK: 'Europe/Belgrade',
};
