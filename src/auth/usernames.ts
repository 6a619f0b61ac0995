import { randomInt } from 'node:crypto';
import type { ValidationOptions } from 'class-validator';
import { limits } from '../contract/limits.js';
import { fold } from '../platform/folding.js';
import type { Fault } from '../platform/problems/field-error.js';
import { canonicalAddress } from '../platform/validation/email-addresses.js';
import { Rule } from '../platform/validation/rule.js';

export interface UsernameParts {
  firstName?: string | null | undefined;
  surname?: string | null | undefined;
  companyName?: string | null | undefined;
}

export interface UsernameError extends Fault {
  code: 'username_too_short' | 'username_too_long' | 'username_characters' | 'username_punctuation';
  message: string;
}

/**
 * Fault of a username, or undefined. A username has 3 to 32 of a-z, 0-9 and `._-`, with a letter or digit at both ends and
 * between two signs; without `@`, so that a username and an email address cannot be mistaken for each other.
 */
export function usernameError(username: string): UsernameError | undefined {
  const { usernameMinLength: min, usernameMaxLength: max } = limits;
  if (username.length < min) {
    return {
      code: 'username_too_short',
      values: { limit: min },
      message: `A username must have at least ${min} characters.`,
    };
  }
  if (username.length > max) {
    return {
      code: 'username_too_long',
      values: { limit: max },
      message: `A username can have at most ${max} characters.`,
    };
  }
  if (!/^[a-z0-9._-]+$/.test(username)) {
    const message =
      'A username can contain only lower-case letters a to z, digits, full stops, hyphens and underscores.';
    return { code: 'username_characters', message };
  }
  if (!/^[a-z0-9]+(?:[._-][a-z0-9]+)*$/.test(username)) {
    const message = 'A username must begin and end with a letter or digit, without two punctuation marks in a row.';
    return { code: 'username_punctuation', message };
  }
  return undefined;
}

export function IsUsername(options?: ValidationOptions): PropertyDecorator {
  const judge = (value: unknown): Fault | undefined =>
    typeof value === 'string' ? usernameError(value) : { code: 'not_text', message: 'A username must be text.' };
  return Rule('isUsername', judge, options);
}

/** A login as it is looked for and counted: folded where it can be a username, so that every spelling is one login. */
export function loginName(typed: string): string {
  return typed.includes('@') ? canonicalAddress(typed) : fold(typed);
}

/**
 * A valid username for a person or a company: `anna.rossi`, `panificio.rossi.srl`. From the second attempt on random
 * digits follow, more with every attempt (`anna.rossi.4821`), as they do at once where the name gives fewer than
 * three Latin letters. A name in another script gives `ospite` with digits: a wrong transliteration of somebody's
 * name would be worse than none.
 * @param attempt 0 for the first proposal, then 1, 2 … while the proposals are taken
 */
export function proposeUsername(parts: UsernameParts, attempt: number): string {
  const words = [joined(parts.firstName), joined(parts.surname), ...separated(parts.companyName)].filter(Boolean);
  const name = words.join('.') || 'ospite';
  const digits = attempt > 0 || words.length === 0 || name.length < limits.usernameMinLength;
  const suffix = digits ? `.${randomDigits(Math.min(3 + Math.max(attempt, 1), 12))}` : '';
  return name.slice(0, limits.usernameMaxLength - suffix.length).replace(/\.$/, '') + suffix;
}

function joined(name: UsernameParts['surname']): string {
  return fold(name ?? '').replace(/[^a-z0-9]/g, '');
}

/** "S.r.l." and "dell’Orto" stay one word each. */
function separated(name: UsernameParts['companyName']): string[] {
  return fold(name ?? '')
    .replace(/['.]/g, '')
    .split(/[^a-z0-9]+/);
}

function randomDigits(count: number): string {
  return String(randomInt(10 ** (count - 1), 10 ** count));
}
