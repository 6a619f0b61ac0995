import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { readSender } from '../mail/sender.js';

/** Reads the text of a variable, which is never empty. @throws Unusable */
export type Reader<Value> = (text: string) => Value;

/** The text of a variable cannot be used. The message goes on after the variable's name; a secret is never repeated in it. */
export class Unusable extends Error {
  override readonly name = 'Unusable';
}

export const text: Reader<string> = (given) => given;

export const path: Reader<string> = (given) => resolve(given);

export const wholeNumber = (min: number, max: number): Reader<number> => number({ min, max, whole: true });

export const fraction = (min: number, max: number): Reader<number> => number({ min, max, whole: false });

function number({ min, max, whole }: { min: number; max: number; whole: boolean }): Reader<number> {
  return (given) => {
    const parsed = Number(given);
    if (Number.isFinite(parsed) && parsed >= min && parsed <= max && (!whole || Number.isInteger(parsed))) {
      return parsed;
    }
    throw new Unusable(`"${given}" is not a ${whole ? 'whole ' : ''}number from ${min} to ${max}`);
  };
}

export function oneOf<const Choice extends string>(...choices: Choice[]): Reader<Choice> {
  return (given) => {
    if ((choices as readonly string[]).includes(given)) return given as Choice;
    throw new Unusable(`"${given}" is not one of ${choices.join(', ')}`);
  };
}

export const yesOrNo: Reader<boolean> = (given) => oneOf('true', 'false')(given) === 'true';

/** A file, with what stands in it. */
export const file: Reader<{ path: string; content: Buffer }> = (given) => {
  try {
    return { path: given, content: readFileSync(given) };
  } catch {
    throw new Unusable(`the file ${given} cannot be read`);
  }
};

export const databaseUrl: Reader<string> = (given) => {
  if (isDatabaseUrl(given)) return given;
  throw new Unusable('is not a postgres:// address (signs such as # and % in a password are written as %23 and %25)');
};

/** Tells if the driver can read it: with a bare # or %, a password makes another address of it, or none. */
function isDatabaseUrl(given: string): boolean {
  if (!/^postgres(ql)?:\/\//.test(given) || !URL.canParse(given)) return false;
  const { username, password, pathname, hash } = new URL(given);
  try {
    return hash === '' && [username, password, pathname].every((part) => decodeURIComponent(part) !== undefined);
  } catch {
    return false;
  }
}

export const masterKey: Reader<string> = (given) => {
  if (parseMasterKey(given)) return given;
  throw new Unusable('is not 32 bytes as 64 hexadecimal digits or base64');
};

/** 32 bytes from 64 hexadecimal digits or base64; undefined when the text is neither. */
export function parseMasterKey(given: string): Buffer | undefined {
  const trimmed = given.trim();
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Buffer.from(trimmed, 'hex');
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) return undefined;
  const bytes = Buffer.from(trimmed, 'base64');
  return bytes.length === 32 ? bytes : undefined;
}

/** The values that Express accepts for "trust proxy". */
export const proxies: Reader<string> = (given) => {
  if (/^[1-9]\d?$/.test(given) || given.split(',').every(isNetwork)) return given;
  throw new Unusable(`"${given}" is neither a number of hops from 1 nor a list of addresses and networks`);
};

function isNetwork(entry: string): boolean {
  const [address = '', bits, ...rest] = entry.trim().split('/');
  if (bits === undefined) return ['loopback', 'linklocal', 'uniquelocal'].includes(address) || isIP(address) > 0;
  return (
    rest.length === 0 && isIP(address) > 0 && /^\d+$/.test(bits) && Number(bits) <= (isIP(address) === 4 ? 32 : 128)
  );
}

export const publicUrl: Reader<URL> = (given) => {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search || url.hash) {
    throw new Unusable(`"${given}" is not an address such as https://messages.example.com (without a path)`);
  }
  if (url.protocol === 'https:' || isLoopback(url.hostname)) return url;
  throw new Unusable('must begin with https:// unless it is on localhost');
};

export const origins: Reader<string[]> = (given) => given.split(',').map((entry) => origin(entry.trim()));

/** An origin as a browser writes it in its header (RFC 6454, section 6.2). */
function origin(given: string): string {
  const written = given.toLowerCase();
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*\\]+$/.test(written) || !URL.canParse(written)) {
    throw new Unusable(`"${given}" is not an origin such as https://app.example.com or capacitor://localhost`);
  }
  const url = new URL(written);
  if (url.protocol === 'file:') {
    throw new Unusable(`"${given}" has no origin of its own: serve the page, or use another scheme`);
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new Unusable(`"${given}" must begin with https:// unless it is on localhost`);
  }
  return /^https?:$/.test(url.protocol) ? url.origin : written;
}

export const contactAddress: Reader<string> = (given) => {
  if (/^[^\s@]+@[^\s@]+$/.test(given)) return given;
  throw new Unusable(`"${given}" is not an email address`);
};

export const consentAges: Reader<Record<string, number>> = (given) =>
  Object.fromEntries(
    given.split(',').map((entry) => {
      const [, country, age] = /^\s*([A-Z]{2})=(\d{1,2})\s*$/.exec(entry) ?? [];
      if (country && Number(age) >= 13 && Number(age) <= 18) return [country, Number(age)];
      throw new Unusable(`"${entry}" is not of the form IT=14 with an age from 13 to 18`);
    }),
  );

/** Signs such as # in a password cut the address short, and port 465 never speaks first: mails would wait without end. */
export const smtpUrl: Reader<string> = (given) => {
  if (!/^smtps?:\/\/[^/]+/.test(given) || !URL.canParse(given)) {
    throw new Unusable('is not an smtp:// or smtps:// address');
  }
  const { protocol, port, hash, searchParams } = new URL(given);
  if (searchParams.has('logger') || searchParams.has('debug')) {
    throw new Unusable('would log addresses: leave logger and debug out');
  }
  if (hash) throw new Unusable('holds a # that is not written as %23, as signs of a user or password are to be');
  if (protocol === 'smtp:' && port === '465') {
    throw new Unusable('port 465 speaks TLS from the beginning: write smtps:// instead');
  }
  return given;
};

export const sender: Reader<string> = (given) => {
  if (readSender(given)) return given;
  throw new Unusable(`"${given}" is not an address such as Colloquio <no-reply@example.com>`);
};

/** Address of a clamd. */
export type Clamd = { host: string; port: number } | { path: string };

export const clamd: Reader<Clamd> = (given) => {
  const [, socket] = /^unix:(?:\/\/)?(\/.+)$/.exec(given) ?? [];
  if (socket) return { path: socket };
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url?.protocol === 'tcp:' && url.hostname && /^\/?$/.test(url.pathname + url.search + url.hash) && !url.username) {
    return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port || 3310) };
  }
  throw new Unusable(`"${given}" is neither tcp://host:3310 nor unix:/path/of/the/socket`);
};

export const storageUrl: Reader<string> = (given) => {
  if (URL.canParse(given) && /^https?:$/.test(new URL(given).protocol)) return given;
  throw new Unusable(`"${given}" is not an address such as https://s3.example.com`);
};

/** Tells if a host name or address can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}
