import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { limits } from '../contract/limits.js';
import { readSender } from './mail/sender.js';
import { StartError } from './start-error.js';

const megabyte = 1024 * 1024;

/** Injection token of the {@link Config}. */
export const CONFIG = Symbol('Config');

/** The service's settings, validated. Durations and rates carry their unit in the name. */
export interface Config {
  port: number;
  host: string;
  dataDir: string;
  publicUrl: URL;
  databaseUrl: string | undefined;
  keyringDatabaseUrl: string | undefined;
  masterKey: string | undefined;
  masterKeyFile: string;
  tls: { cert: Buffer; key: Buffer } | undefined;
  /** Valid settings that had better be changed, for the person who starts the service. */
  warnings: string[];
  trustProxy: string | undefined;
  /** As browsers write them, in lower case and without a default port. */
  allowedOrigins: string[];
  registration: 'first' | 'invited' | 'open';
  controller: { name: string; address: string; contact: string };
  policiesDir: string;
  digitalConsentAges: Record<string, number>;
  sessionDays: number;
  messagesPerMinute: number;
  searchesPerMinute: number;
  signInsPerQuarterHour: number;
  joinsPerHour: number;
  smtpUrl: string | undefined;
  mailFrom: string;
  invitationMailsPerDay: number;
  /** Address of the virus scanner clamd. */
  clamd: { host: string; port: number } | { path: string } | undefined;
  fileBytes: number;
  filesPerMessage: number;
  storageBytesPerSubscriber: number;
  uploadsPerHour: number;
  /** The storage of files; undefined for the folder `files` in DATA_DIR. */
  s3:
    | {
        bucket: string;
        endpoint: string | undefined;
        region: string;
        credentials: { accessKeyId: string; secretAccessKey: string } | undefined;
        prefix: string;
        pathStyle: boolean;
      }
    | undefined;
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

/** Texts in Markdown: the table of settings in the README is written from them, and `npm run check-config` shows them. */
interface Variable {
  /** As a person would write it. */
  default: string;
  secret?: true;
  about: string;
}

/** Every environment variable the service reads. */
export const variables = {
  PORT: { default: '`3000`', about: 'TCP port to listen on; `0` lets the system choose' },
  HOST: {
    default: '`127.0.0.1`; with TLS or a proxy `::`, every address of IPv6 and IPv4',
    about: 'address to listen on; beyond loopback only with `TLS_CERT` and `TLS_KEY`, or behind `TRUST_PROXY`',
  },
  DATA_DIR: {
    default: '`./data`',
    about: 'folder of the embedded database (`pg/`), the keys (`keys/`) and the sealed files (`files/`)',
  },
  PUBLIC_URL: {
    default: '`http://localhost:PORT` (`https` with TLS)',
    about:
      'the address people open, which links and QR codes point to; `https://` unless it is localhost; required behind `TRUST_PROXY`',
  },
  DATABASE_URL: {
    default: 'the embedded PostgreSQL',
    secret: true,
    about: '`postgres://user:password@host:5432/name` of your own PostgreSQL, 15 or newer',
  },
  KEYRING_DATABASE_URL: {
    default: 'the embedded PostgreSQL',
    secret: true,
    about: 'a second database, for the keyring alone; the two are set together',
  },
  MASTER_KEY: {
    default: 'read from `MASTER_KEY_FILE`',
    secret: true,
    about: '32 bytes as 64 hexadecimal digits or as base64; with it and the data everything can be read',
  },
  MASTER_KEY_FILE: {
    default: '`DATA_DIR/keys/master.key`',
    about: 'file that holds the master key; made at the first start unless it is there; keep a copy elsewhere',
  },
  TLS_CERT: { default: 'none', about: 'PEM file with the certificate chain, to serve HTTPS directly' },
  TLS_KEY: { default: 'none', about: 'PEM file with the private key of `TLS_CERT`' },
  TRUST_PROXY: {
    default: 'none',
    about:
      "which proxies in front may tell the client's address: how many hops (`1`), or networks (`loopback`, `10.0.0.0/8`)",
  },
  ALLOWED_ORIGINS: {
    default: 'none',
    about:
      'other origins whose pages may call with a bearer token, such as `capacitor://localhost,http://localhost:5173`; never by cookie',
  },
  REGISTRATION: {
    default: '`first`; in Compose `invited`',
    about:
      'who may register a business: `first` (one, then closed), `invited` (with a [code](docs/operations.md#registration)) or `open`',
  },
  CONTROLLER_NAME: { default: 'none', about: 'name of whoever runs this installation, for the policies' },
  CONTROLLER_ADDRESS: { default: 'none', about: 'its postal address' },
  CONTROLLER_CONTACT: { default: 'none', about: 'where to write to about privacy, an email address' },
  POLICIES_DIR: { default: '`./policies`', about: 'folder with the versioned policy texts' },
  DIGITAL_CONSENT_AGE: {
    default: 'the law of each EU country (`IT=14`, `AT=14`, `BE=13` …), 16 elsewhere',
    about: 'age of digital consent by country of the business, such as `IT=14,DE=16`; adds to the default',
  },
  SESSION_DAYS: { default: '`90`', about: 'a session ends after this many days without use; fractions are allowed' },
  RATE_MESSAGES: { default: '`60`', about: 'messages a session may send in a minute; an account twice as many' },
  RATE_SEARCHES: {
    default: '`120`',
    about: 'searches of the archive an account may make in a minute, with further pages',
  },
  RATE_SIGN_IN: {
    default: '`10`',
    about:
      'failed sign-ins for a name from one address in 15 minutes; five times as many for a name from anywhere, ten times as many from one address',
  },
  RATE_JOIN: {
    default: '`300`',
    about: 'registrations and joinings from one address in an hour; ten times as many openings of invitations',
  },
  SMTP_URL: {
    default: 'none: mails wait encrypted, `npm run outbox` shows them',
    secret: true,
    about: '`smtp://user:password@host:587` or `smtps://…`, the server that sends mail',
  },
  MAIL_FROM: {
    default: '`no-reply@` the host of `PUBLIC_URL`',
    about: 'sender of mails, as `Name <address>` or an address',
  },
  RATE_INVITATION_MAILS: {
    default: '`200`',
    about: 'mails of invitations a business may send in 24 hours (reminders count too; an import goes on the next day)',
  },
  CLAMD_URL: {
    default: 'none: files are not scanned, and their views say so',
    about:
      '`tcp://host:3310` or `unix:/run/clamav/clamd.ctl`, the [virus scanner](docs/operations.md#virus-scanner) that looks at every file',
  },
  ATTACHMENT_MB: { default: '`100`', about: 'largest file that can be sent, in MB (1,048,576 bytes)' },
  ATTACHMENTS_PER_MESSAGE: { default: '`10`', about: 'files that one message or broadcast can have' },
  STORAGE_GB: {
    default: '`20`',
    about: 'room for the files of one business and its contacts, in GB (1,073,741,824 bytes); fractions are allowed',
  },
  RATE_UPLOADS: { default: '`600`', about: 'files an account may upload in an hour' },
  S3_BUCKET: {
    default: 'none: files are kept in `DATA_DIR/files`',
    about: 'bucket of an S3-compatible storage, in which files are kept instead; encrypted as on the disk',
  },
  S3_ENDPOINT: { default: "AWS's own", about: 'address of the storage, such as `https://s3.example.com`' },
  S3_REGION: { default: '`us-east-1`', about: 'region of the bucket' },
  S3_ACCESS_KEY_ID: {
    default: 'those that the AWS SDK finds, such as the role of the machine',
    about: 'credentials for the bucket; the two are set together',
  },
  S3_SECRET_ACCESS_KEY: { default: 'likewise', secret: true, about: 'the secret that belongs to `S3_ACCESS_KEY_ID`' },
  S3_PREFIX: { default: 'none', about: 'beginning of the names of all objects, such as `colloquio/`' },
  S3_PATH_STYLE: {
    default: '`true` with `S3_ENDPOINT`, else `false`',
    about: '`true`: the bucket stands in the path, not in the host name',
  },
  LOG_LEVEL: { default: '`info`', about: '`debug` (every request), `info`, `warn`, `error` or `silent`' },
} as const satisfies Record<string, Variable>;

export type VariableName = keyof typeof variables;

/** The text of a setting for a terminal: code and links become their words. */
export function withoutMarkdown(text: string): string {
  return text.replace(/`([^`]*)`/g, '$1').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
}

/** Every address of both families; where the machine has no IPv6, the service listens on those of IPv4 instead. */
export const everyInterface = '::';

/** Art. 8 GDPR as the member states have set it (European Union Agency for Fundamental Rights, 2024). */
const lawfulConsentAges: Record<string, number> = {
  AT: 14, BE: 13, BG: 14, CY: 14, CZ: 15, DK: 15, EE: 13, ES: 14, FI: 13, FR: 15, GR: 15, IT: 14, LT: 14, LV: 13, MT: 13,
  PT: 13, SE: 13, SI: 15,
}; // prettier-ignore

export const consentAgeElsewhere = 16;

/** Thrown by {@link loadConfig}: names every bad variable at once. */
export class ConfigError extends StartError {
  override readonly name = 'ConfigError';

  constructor(readonly mistakes: { variable: string; message: string }[]) {
    super(mistakes.map(({ variable, message }) => `${variable}: ${message}`).join('; '));
  }
}

/**
 * Reads the settings from an environment. Empty values count as unset.
 * @throws ConfigError naming every variable that cannot be used
 */
export function loadConfig(environment: Record<string, string | undefined>): Config {
  const mistakes: { variable: string; message: string }[] = [];
  const mistake = (variable: VariableName, message: string) => void mistakes.push({ variable, message });
  const value = (name: VariableName) => environment[name]?.trim() || undefined;

  const number = (name: VariableName, fallback: number, { min, max, whole = true }: NumberRange) => {
    const text = value(name);
    if (text === undefined) return fallback;
    const parsed = Number(text);
    if (Number.isFinite(parsed) && parsed >= min && parsed <= max && (!whole || Number.isInteger(parsed)))
      return parsed;
    mistake(name, `"${text}" is not a ${whole ? 'whole ' : ''}number from ${min} to ${max}`);
    return fallback;
  };
  const oneOf = <Choice extends string>(name: VariableName, choices: readonly Choice[], fallback: Choice) => {
    const text = value(name);
    if (text === undefined) return fallback;
    if ((choices as readonly string[]).includes(text)) return text as Choice;
    mistake(name, `"${text}" is not one of ${choices.join(', ')}`);
    return fallback;
  };
  const pem = (name: VariableName) => {
    const path = value(name);
    if (path === undefined) return undefined;
    try {
      return readFileSync(path);
    } catch {
      return void mistake(name, `the file ${path} cannot be read`);
    }
  };
  const database = (name: VariableName) => {
    const text = value(name);
    if (text !== undefined && !isDatabaseUrl(text))
      mistake(name, 'is not a postgres:// address (signs such as # and % in a password are written as %23 and %25)');
    return text;
  };

  const port = number('PORT', 3000, { min: 0, max: 65535 });
  const dataDir = resolve(value('DATA_DIR') ?? 'data');
  const cert = pem('TLS_CERT');
  const key = pem('TLS_KEY');
  if (!value('TLS_CERT') !== !value('TLS_KEY')) {
    mistake(value('TLS_CERT') ? 'TLS_KEY' : 'TLS_CERT', 'TLS_CERT and TLS_KEY belong together; set both or none');
  }
  const unusable = cert && key && pairProblem(cert, key);
  if (unusable) mistake('TLS_CERT', `does not go together with TLS_KEY, or one of them is no PEM file (${unusable})`);
  const warnings: string[] = [];
  const keyFile = value('TLS_KEY');
  if (key && keyFile && process.platform !== 'win32' && statSync(keyFile).mode & 0o004) {
    warnings.push(`TLS_KEY: every user of this machine can read ${keyFile}; close it with chmod 640 or 600.`);
  }
  const trustProxy = value('TRUST_PROXY');
  if (trustProxy && !isProxyList(trustProxy)) {
    mistake('TRUST_PROXY', `"${trustProxy}" is neither a number of hops from 1 nor a list of addresses and networks`);
  }
  const covered = Boolean((cert && key) || trustProxy);
  const host = value('HOST') ?? (covered ? everyInterface : '127.0.0.1');
  if (!covered && !isLoopback(host)) {
    mistake(
      'HOST',
      `${host} would send messages in clear over the network; set TLS_CERT and TLS_KEY, or TRUST_PROXY behind a proxy that does HTTPS`,
    );
  }

  let publicUrl = new URL(`${cert && key ? 'https' : 'http'}://localhost:${port}`);
  const publicAddress = value('PUBLIC_URL');
  if (publicAddress) {
    const parsed = URL.canParse(publicAddress) ? new URL(publicAddress) : undefined;
    if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.pathname !== '/' || parsed.search || parsed.hash) {
      mistake(
        'PUBLIC_URL',
        `"${publicAddress}" is not an address such as https://messages.example.com (without a path)`,
      );
    } else if (parsed.protocol === 'http:' && !isLoopback(parsed.hostname)) {
      mistake('PUBLIC_URL', 'must begin with https:// unless it is on localhost');
    } else publicUrl = parsed;
  } else if (trustProxy) mistake('PUBLIC_URL', 'is required behind a proxy: the address people open');

  const allowedOrigins = (value('ALLOWED_ORIGINS')?.split(',') ?? []).map((entry) => {
    const { origin, problem } = readOrigin(entry.trim());
    if (problem) mistake('ALLOWED_ORIGINS', `"${entry.trim()}" ${problem}`);
    return origin;
  });

  const databaseUrl = database('DATABASE_URL');
  const keyringDatabaseUrl = database('KEYRING_DATABASE_URL');
  if (databaseUrl && !keyringDatabaseUrl) {
    mistake(
      'KEYRING_DATABASE_URL',
      'is required with DATABASE_URL: the keyring must stay out of the main database and its backups',
    );
  } else if (!databaseUrl && keyringDatabaseUrl) {
    mistake('DATABASE_URL', 'is required with KEYRING_DATABASE_URL');
  } else if (databaseUrl && keyringDatabaseUrl && sameDatabase(databaseUrl, keyringDatabaseUrl)) {
    mistake('KEYRING_DATABASE_URL', 'must name another database than DATABASE_URL');
  }

  const masterKey = value('MASTER_KEY');
  if (masterKey && !parseMasterKey(masterKey))
    mistake('MASTER_KEY', 'is not 32 bytes as 64 hexadecimal digits or base64');

  const contact = value('CONTROLLER_CONTACT') ?? '';
  if (contact && !/^[^\s@]+@[^\s@]+$/.test(contact))
    mistake('CONTROLLER_CONTACT', `"${contact}" is not an email address`);

  const digitalConsentAges = { ...lawfulConsentAges };
  for (const entry of value('DIGITAL_CONSENT_AGE')?.split(',') ?? []) {
    const [, country, age] = /^\s*([A-Z]{2})=(\d{1,2})\s*$/.exec(entry) ?? [];
    if (country && Number(age) >= 13 && Number(age) <= 18) digitalConsentAges[country] = Number(age);
    else mistake('DIGITAL_CONSENT_AGE', `"${entry}" is not of the form IT=14 with an age from 13 to 18`);
  }

  const smtpUrl = value('SMTP_URL');
  const smtpMistake = smtpUrl && smtpProblem(smtpUrl);
  if (smtpMistake) mistake('SMTP_URL', smtpMistake);
  const mailFrom = value('MAIL_FROM') ?? `Colloquio <no-reply@${publicUrl.hostname}>`;
  if (!readSender(mailFrom)) {
    mistake('MAIL_FROM', `"${mailFrom}" is not an address such as Colloquio <no-reply@example.com>`);
  }

  const clamdUrl = value('CLAMD_URL');
  const clamd = clamdUrl === undefined ? undefined : readClamd(clamdUrl);
  if (clamdUrl !== undefined && !clamd) {
    mistake('CLAMD_URL', `"${clamdUrl}" is neither tcp://host:3310 nor unix:/path/of/the/socket`);
  }

  const bucket = value('S3_BUCKET');
  const endpoint = value('S3_ENDPOINT');
  const [accessKeyId, secretAccessKey] = [value('S3_ACCESS_KEY_ID'), value('S3_SECRET_ACCESS_KEY')];
  if (endpoint && !(URL.canParse(endpoint) && /^https?:$/.test(new URL(endpoint).protocol))) {
    mistake('S3_ENDPOINT', `"${endpoint}" is not an address such as https://s3.example.com`);
  }
  if (!accessKeyId !== !secretAccessKey) {
    const missing = accessKeyId ? 'S3_SECRET_ACCESS_KEY' : 'S3_ACCESS_KEY_ID';
    mistake(missing, 'S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY belong together; set both or none');
  }
  if (!bucket && (endpoint || accessKeyId)) mistake('S3_BUCKET', 'is required with the other settings of S3');
  const pathStyle = oneOf('S3_PATH_STYLE', ['true', 'false'], endpoint ? 'true' : 'false') === 'true';
  const s3 = bucket && {
    bucket,
    endpoint,
    region: value('S3_REGION') ?? 'us-east-1',
    credentials: accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined,
    prefix: value('S3_PREFIX') ?? '',
    pathStyle,
  };

  const config: Config = {
    port,
    host,
    dataDir,
    publicUrl,
    databaseUrl,
    keyringDatabaseUrl,
    masterKey,
    masterKeyFile: resolve(value('MASTER_KEY_FILE') ?? `${dataDir}/keys/master.key`),
    tls: cert && key ? { cert, key } : undefined,
    warnings,
    trustProxy,
    allowedOrigins,
    registration: oneOf('REGISTRATION', ['first', 'invited', 'open'], 'first'),
    controller: { name: value('CONTROLLER_NAME') ?? '', address: value('CONTROLLER_ADDRESS') ?? '', contact },
    policiesDir: resolve(value('POLICIES_DIR') ?? 'policies'),
    digitalConsentAges,
    sessionDays: number('SESSION_DAYS', 90, { min: 0.00001, max: 3650, whole: false }),
    messagesPerMinute: number('RATE_MESSAGES', 60, { min: 1, max: 1_000_000 }),
    searchesPerMinute: number('RATE_SEARCHES', 120, { min: 1, max: 1_000_000 }),
    signInsPerQuarterHour: number('RATE_SIGN_IN', 10, { min: 1, max: 1_000_000 }),
    joinsPerHour: number('RATE_JOIN', 300, { min: 1, max: 1_000_000 }),
    smtpUrl,
    mailFrom,
    invitationMailsPerDay: number('RATE_INVITATION_MAILS', 200, { min: 1, max: 1_000_000 }),
    clamd,
    fileBytes: number('ATTACHMENT_MB', limits.fileBytes / megabyte, { min: 1, max: 2_000 }) * megabyte,
    filesPerMessage: number('ATTACHMENTS_PER_MESSAGE', limits.filesPerMessage, {
      min: 1,
      max: limits.filesPerMessageMax,
    }),
    storageBytesPerSubscriber: Math.floor(
      number('STORAGE_GB', 20, { min: 0.001, max: 1_000_000, whole: false }) * 1024 * megabyte,
    ),
    uploadsPerHour: number('RATE_UPLOADS', 600, { min: 1, max: 1_000_000 }),
    s3: s3 || undefined,
    logLevel: oneOf('LOG_LEVEL', ['debug', 'info', 'warn', 'error', 'silent'], 'info'),
  };
  for (const [name, text] of Object.entries(environment)) {
    const meant = text?.trim() ? meantBy(name) : [];
    if (meant.length > 0)
      mistakes.push({ variable: name, message: `is not read; did you mean ${meant.join(' or ')}?` });
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return config;
}

interface NumberRange {
  min: number;
  max: number;
  whole?: boolean;
}

/** 32 bytes from 64 hexadecimal digits or base64; undefined when the text is neither. */
export function parseMasterKey(text: string): Buffer | undefined {
  const trimmed = text.trim();
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Buffer.from(trimmed, 'hex');
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) return undefined;
  const bytes = Buffer.from(trimmed, 'base64');
  return bytes.length === 32 ? bytes : undefined;
}

/** Tells if the driver can read it: with a bare # or %, a password makes another address of it, or none. */
function isDatabaseUrl(text: string): boolean {
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text)) return false;
  const { username, password, pathname, hash } = new URL(text);
  try {
    return hash === '' && [username, password, pathname].every((part) => decodeURIComponent(part) !== undefined);
  } catch {
    return false;
  }
}

/** An origin as a browser writes it in its header (RFC 6454, section 6.2), or why the text is none. */
function readOrigin(text: string): { origin: string; problem?: string } {
  const origin = text.toLowerCase();
  const example = 'is not an origin such as https://app.example.com or capacitor://localhost';
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*\\]+$/.test(origin) || !URL.canParse(origin))
    return { origin, problem: example };
  const { protocol, hostname, origin: written } = new URL(origin);
  if (protocol === 'file:')
    return { origin, problem: 'has no origin of its own: serve the page, or use another scheme' };
  if (protocol === 'http:' && !isLoopback(hostname))
    return { origin, problem: 'must begin with https:// unless it is on localhost' };
  return { origin: /^https?:$/.test(protocol) ? written : origin };
}

/** Signs such as # in a password cut the address short, and port 465 never speaks first: mails would wait without end. */
function smtpProblem(text: string): string | undefined {
  if (!/^smtps?:\/\/[^/]+/.test(text) || !URL.canParse(text)) return 'is not an smtp:// or smtps:// address';
  const { protocol, port, hash, searchParams } = new URL(text);
  if (searchParams.has('logger') || searchParams.has('debug')) return 'would log addresses: leave logger and debug out';
  if (hash) return 'holds a # that is not written as %23, as signs of a user or password are to be';
  if (protocol === 'smtp:' && port === '465') return 'port 465 speaks TLS from the beginning: write smtps:// instead';
  return undefined;
}

/** Address of a clamd; undefined when it is none. */
function readClamd(text: string): Config['clamd'] {
  const [, path] = /^unix:(?:\/\/)?(\/.+)$/.exec(text) ?? [];
  if (path) return { path };
  if (!URL.canParse(text)) return undefined;
  const { protocol, hostname, port, pathname, search, hash, username } = new URL(text);
  if (protocol !== 'tcp:' || !hostname || !/^\/?$/.test(pathname) || search || hash || username) return undefined;
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || 3310) };
}

function sameDatabase(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => {
    if (!isDatabaseUrl(text)) return text;
    const { hostname, port, pathname, searchParams } = new URL(text);
    return [searchParams.get('host') ?? hostname, port || '5432', pathname].join('\n');
  });
  return a === b;
}

function pairProblem(cert: Buffer, key: Buffer): string | undefined {
  try {
    createSecureContext({ cert, key });
    return undefined;
  } catch (error) {
    const { reason, code } = error as { reason?: string; code?: string };
    return reason ?? code ?? 'unreadable';
  }
}

/** Checks the values that Express accepts for "trust proxy". */
function isProxyList(text: string): boolean {
  if (/^[1-9]\d?$/.test(text)) return true;
  return text.split(',').every((entry) => {
    const [address = '', bits, ...rest] = entry.trim().split('/');
    if (bits === undefined) return ['loopback', 'linklocal', 'uniquelocal'].includes(address) || isIP(address) > 0;
    return (
      rest.length === 0 && isIP(address) > 0 && /^\d+$/.test(bits) && Number(bits) <= (isIP(address) === 4 ? 32 : 128)
    );
  });
}

/** Tells if a host name or address can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}

/**
 * The known variables that `name` may be a slip of: one letter too many, too few, wrong or swapped with its neighbour,
 * another letter case or separator; or an unknown end after a beginning that only our variables have.
 */
export function meantBy(name: string): VariableName[] {
  if (name in variables) return [];
  const known = Object.keys(variables) as VariableName[];
  const letters = bare(name);
  const near = known.filter((each) =>
    each.length < shortName ? isSlipOfShort(name, each) : isOneSlipApart(letters, bare(each)),
  );
  if (near.length > 0) return near;
  const [, beginning] = /^(RATE_|CONTROLLER_)./.exec(name) ?? [];
  // Kubernetes sets such a name for each service beside this one.
  return beginning && !/_(PORT|SERVICE_)/.test(name) ? known.filter((each) => each.startsWith(beginning)) : [];
}

/** Letters in common at the beginning. */
function shared(a: string, b: string): number {
  let length = 0;
  while (length < Math.min(a.length, b.length) && a[length] === b[length]) length++;
  return length;
}

const bare = (name: string) => name.toUpperCase().replace(/[^A-Z0-9]/g, '');

/** Names shorter than this have many neighbours that mean something else, such as PORTS or POST. */
const shortName = 6;

/** A letter typed twice, or two that changed places. */
function isSlipOfShort(name: string, known: string): boolean {
  const doubled = name.length === known.length + 1 && name.replace(/(.)\1/, '$1') === known;
  return doubled || isSwapped(name, known);
}

function isSwapped(a: string, b: string): boolean {
  const at = shared(a, b);
  return a.length === b.length && a.slice(at) === `${b[at + 1]}${b[at]}${b.slice(at + 2)}`;
}

function isOneSlipApart(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  const start = shared(a, b);
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  return Math.max(a.length, b.length) - start - end <= 1 || isSwapped(a, b);
}
