import { limits } from '../../src/contract/limits.js';
import { codePoints } from '../../src/contract/rules/texts.js';
import type { FormFault } from './form.svelte.js';

/** Fault of a username that shows without asking if it is free. */
export function usernameFault(value: string): FormFault | undefined {
  const { usernameMinLength: least, usernameMaxLength: most } = limits;
  if (value.length < least) return { code: 'username_too_short', values: { limit: least } };
  if (value.length > most) return { code: 'username_too_long', values: { limit: most } };
  if (!/^[a-z0-9._-]+$/.test(value)) return { code: 'username_characters' };
  if (!/^[a-z0-9]+([._-][a-z0-9]+)*$/.test(value)) return { code: 'username_punctuation' };
  return undefined;
}

/** Fault of a password that shows without comparing it with those that are guessed first. */
export function passwordFault(value: string): FormFault | undefined {
  const { passwordMinLength: least, passwordMaxBytes: most } = limits;
  if (codePoints(value) < least) return { code: 'password_too_short', values: { limit: least } };
  if (new TextEncoder().encode(value).length > most) return { code: 'password_too_long', values: { limit: most } };
  return undefined;
}

/** An Italian VAT number: eleven digits, of which the last one is computed from the others (Luhn). */
export function italianVatFault(value: string): FormFault | undefined {
  const digits = value.replace(/^\s*IT/i, '').replace(/[\s.-]/g, '');
  if (!/^\d{11}$/.test(digits)) return { code: 'vat_number_format' };
  const sum = [...digits].reduce((total, digit, index) => {
    const doubled = Number(digit) * (index % 2 === 0 ? 1 : 2);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0 ? undefined : { code: 'vat_number_check_digit' };
}

/** A suggested name for this device, from the browser's description of itself. */
export function nameOfDevice(agent = navigator.userAgent): string {
  const system = /iPhone/.test(agent)
    ? 'iPhone'
    : /iPad/.test(agent)
      ? 'iPad'
      : /Android/.test(agent)
        ? 'Android'
        : /Windows/.test(agent)
          ? 'Windows'
          : /Mac OS X/.test(agent)
            ? 'Mac'
            : 'Linux';
  const browser = /Edg\//.test(agent)
    ? 'Edge'
    : /Firefox\/|FxiOS/.test(agent)
      ? 'Firefox'
      : /Chrome\/|CriOS/.test(agent)
        ? 'Chrome'
        : 'Safari';
  return `${browser}, ${system}`;
}
