import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import bcrypt from 'bcrypt';
import { limits } from '../contract/limits.js';
import type { Fault } from '../platform/problems/field-error.js';
import { Turns } from '../platform/turns.js';
import { codePoints } from '../platform/validation/text.js';

export interface PasswordError extends Fault {
  code: 'password_too_short' | 'password_too_long' | 'password_characters' | 'password_common' | 'password_personal';
  message: string;
}

/** The least that OWASP's Password Storage Cheat Sheet allows for bcrypt: about 50 ms of a core for each sign-in. */
export const BCRYPT_COST = 10;

/**
 * The hash of 32 random bytes that were thrown away. Its cost has to be BCRYPT_COST, or unknown users would answer faster.
 */
export const dummyHash = '$2b$10$EW0EFkIiPDLF8d4p.J9kSO8uIqy5siLXqGWmqih0eDrYa71CPeIG.';

const serviceName = 'colloquio';
const personalMinLength = 5;

/** A listed word of so many letters with a simple tail is common too. */
const commonWord = /^(\p{L}{6,})([\p{N}\p{P}\p{S}\p{Z}]+)$/u;
/** Up to here a tail is a year, a date or a "1!", which every guessing tool tries. */
const simpleTailMaxLength = 8;
const repeatedPieceMaxLength = 4;
const sequences = ['0123456789'.repeat(8), 'abcdefghijklmnopqrstuvwxyz'.repeat(3)].flatMap((run) => [
  run,
  [...run].reverse().join(''),
]);

let common: ReadonlySet<string> | undefined;

/**
 * The form in which passwords are measured and hashed: NFKC, so that the same accent typed on another system gives the
 * same bytes (NIST SP 800-63B-4, 3.1.1.2).
 */
export function normalisePassword(password: string): string {
  return password.normalize('NFKC');
}

/**
 * Fault of a chosen password, or undefined. After NIST SP 800-63B-4, 3.1.1.2, there are no rules of composition, only
 * length and a comparison with the first guesses of an attacker: the listed common passwords in any case, a
 * listed word of six or more letters with up to eight digits or signs behind it (or with another listed password,
 * such as 1234567890), a run of the alphabet or the digits, and a piece of up to four characters repeated.
 * @param personal what others know of the account: username, local part of the email address, names, business name.
 *   They are looked for without case, accents, blanks and signs; values of fewer than five letters and digits are
 *   passed over.
 */
export function passwordError(password: string, personal: string[] = []): PasswordError | undefined {
  const unusable = unusablePassword(password);
  if (unusable) return unusable;
  const normal = normalisePassword(password);
  // Some single characters normalise into many, so both forms have to be long enough.
  if (Math.min(codePoints(password), codePoints(normal)) < limits.passwordMinLength) {
    const message = `Choose a password of at least ${limits.passwordMinLength} characters.`;
    return { code: 'password_too_short', values: { limit: limits.passwordMinLength }, message };
  }
  if (holdsPersonal(normal, personal)) {
    const message = 'Choose a password that does not contain your username, your email address or your name.';
    return { code: 'password_personal', message };
  }
  const text = normal.toLowerCase();
  if (isPattern(text) || isCommon(text)) {
    return { code: 'password_common', message: 'This password is too easy to guess. Choose another one.' };
  }
  return undefined;
}

/**
 * Hashes share the four threads of libuv with files, names of hosts and new connections of PostgreSQL, and the cores with
 * the event loop: one of them is left to everybody else. The threads are the process's, and so is this queue.
 */
const hashing = new Turns({
  concurrency: Math.max(1, Math.min(2, availableParallelism() - 1)),
  concurrencyPerAsker: 2,
  waiting: limits.passwordsWaiting,
  waitingPerAsker: limits.passwordsWaitingPerAsker,
  of: 'passwords',
});

/**
 * @param asker who waits for it: a network or an account
 * @param salt 16 unpredictable bytes, for a hash that can be made again; random if left out
 * @throws RangeError for a password with refused characters or of too many bytes, which bcrypt would cut; DomainError
 *   `rate_limited`, `overloaded`
 */
export async function hashPassword(password: string, asker: string, salt?: Buffer): Promise<string> {
  const unusable = unusablePassword(password);
  if (unusable) throw new RangeError(unusable.code);
  return hashing.run(asker, () => bcrypt.hash(normalisePassword(password), salt ? writtenSalt(salt) : BCRYPT_COST));
}

/**
 * Compares a password with each of some hashes, one after the other, and always with all of them.
 * @param hashes undefined where there is no such account: the answer is then false and takes as long
 * @param asker who waits for it: a network or an account
 * @throws DomainError `rate_limited`, `overloaded`
 */
export async function verifyPassword(
  password: string,
  hashes: readonly (string | undefined)[],
  asker: string,
): Promise<boolean[]> {
  const compareAll = async () => {
    const matches: boolean[] = [];
    for (const hash of hashes) matches.push(await matchesHash(password, hash));
    return matches;
  };
  return hashing.run(asker, compareAll, hashes.length);
}

/** bcrypt writes base64 in an alphabet of its own. */
function writtenSalt(salt: Buffer): string {
  const letters = [...salt.subarray(0, 16).toString('base64').replaceAll('=', '')];
  return `$2b$${BCRYPT_COST}$${letters.map((letter) => bcryptAlphabet[base64Alphabet.indexOf(letter)]).join('')}`;
}

const base64Alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const bcryptAlphabet = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

async function matchesHash(password: string, hash: string | undefined): Promise<boolean> {
  // bcrypt would compare only the beginning of an unusable password.
  if (hash === undefined || unusablePassword(password)) {
    await bcrypt.compare('', dummyHash);
    return false;
  }
  return bcrypt.compare(normalisePassword(password), hash);
}

function unusablePassword(password: string): PasswordError | undefined {
  if (!password.isWellFormed() || password.includes('\0')) {
    return { code: 'password_characters', message: 'A password must be valid Unicode without the character U+0000.' };
  }
  if (Buffer.byteLength(normalisePassword(password)) > limits.passwordMaxBytes) {
    const message = `A password can have at most ${limits.passwordMaxBytes} bytes; accented letters take two or more.`;
    return { code: 'password_too_long', values: { limit: limits.passwordMaxBytes }, message };
  }
  return undefined;
}

function holdsPersonal(password: string, personal: string[]): boolean {
  const text = lettersAndDigits(password);
  return personal.map(lettersAndDigits).some((value) => codePoints(value) >= personalMinLength && text.includes(value));
}

function lettersAndDigits(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}

function isPattern(text: string): boolean {
  if (sequences.some((run) => run.includes(text))) return true;
  for (let size = 1; size <= repeatedPieceMaxLength; size += 1) {
    if (text === text.slice(0, size).repeat(text.length).slice(0, text.length)) return true;
  }
  return false;
}

function isCommon(text: string): boolean {
  const listed = commonPasswords();
  if (listed.has(text)) return true;
  const [, word, tail] = commonWord.exec(text) ?? [];
  if (word === undefined || tail === undefined) return false;
  return (listed.has(word) || word === serviceName) && (tail.length <= simpleTailMaxLength || listed.has(tail));
}

/** Loaded with the first password that is set: 49,000 entries take about 20 ms and 4 MB. */
function commonPasswords(): ReadonlySet<string> {
  if (!common) {
    const load = createRequire(import.meta.url);
    const { dictionary } = load('@zxcvbn-ts/language-common') as typeof import('@zxcvbn-ts/language-common');
    common = new Set(dictionary['passwords-common']);
  }
  return common;
}
