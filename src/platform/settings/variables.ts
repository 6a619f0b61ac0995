import { limits } from '../../contract/limits.js';
import * as read from './readers.js';

/**
 * An environment variable of the service: the one place from which it is read, checked, explained by `npm run check-config`
 * and listed in the README. Texts are Markdown.
 */
interface Variable {
  read: read.Reader<unknown>;
  /** Value where it is not set. */
  otherwise?: string | number;
  /** Said in place of `otherwise`, as a person would write it. */
  default?: string;
  secret?: true;
  about: string;
}

const megabyte = 1024 * 1024;

/** Every environment variable the service reads. */
export const variables = {
  PORT: {
    read: read.wholeNumber(0, 65_535),
    otherwise: 3000,
    about: 'TCP port to listen on; `0` lets the system choose',
  },
  HOST: {
    read: read.text,
    default: '`127.0.0.1`; with TLS or a proxy `::`, every address of IPv6 and IPv4',
    about: 'address to listen on; beyond loopback only with `TLS_CERT` and `TLS_KEY`, or behind `TRUST_PROXY`',
  },
  DATA_DIR: {
    read: read.path,
    default: '`./data`',
    about: 'folder of the embedded database (`pg/`), the keys (`keys/`) and the sealed files (`files/`)',
  },
  PUBLIC_URL: {
    read: read.publicUrl,
    default: '`http://localhost:PORT` (`https` with TLS)',
    about:
      'the address people open, which links and QR codes point to; `https://` unless it is localhost; required behind `TRUST_PROXY`',
  },
  DATABASE_URL: {
    read: read.databaseUrl,
    default: 'the embedded PostgreSQL',
    secret: true,
    about: '`postgres://user:password@host:5432/name` of your own PostgreSQL, 15 or newer',
  },
  KEYRING_DATABASE_URL: {
    read: read.databaseUrl,
    default: 'the embedded PostgreSQL',
    secret: true,
    about: 'a second database, only for the keyring; set both or none',
  },
  MASTER_KEY: {
    read: read.masterKey,
    default: 'read from `MASTER_KEY_FILE`',
    secret: true,
    about: '32 bytes as 64 hexadecimal digits or in base64; anyone with it and the data can read everything',
  },
  MASTER_KEY_FILE: {
    read: read.path,
    default: '`DATA_DIR/keys/master.key`',
    about: 'file with the master key; created at the first start if it is missing; keep a copy elsewhere',
  },
  TLS_CERT: { read: read.file, default: 'none', about: 'PEM file with the certificate chain, to serve HTTPS directly' },
  TLS_KEY: { read: read.file, default: 'none', about: 'PEM file with the private key of `TLS_CERT`' },
  TRUST_PROXY: {
    read: read.proxies,
    default: 'none',
    about:
      "which proxies in front may tell the client's address: how many hops (`1`), or networks (`loopback`, `10.0.0.0/8`)",
  },
  ALLOWED_ORIGINS: {
    read: read.origins,
    default: 'none',
    about:
      'other origins whose pages may call with a bearer token, such as `capacitor://localhost,http://localhost:5173`; never by cookie',
  },
  REGISTRATION: {
    read: read.oneOf('first', 'invited', 'open'),
    otherwise: 'first',
    default: '`first`; in Compose `invited`',
    about:
      'who may register a business: `first` (one, then closed), `invited` (with a [code](docs/operations.md#registration)) or `open`',
  },
  CONTROLLER_NAME: {
    read: read.text,
    default: 'none',
    about: 'name of the person or company that runs this installation, shown in the policies',
  },
  CONTROLLER_ADDRESS: { read: read.text, default: 'none', about: 'its postal address' },
  CONTROLLER_CONTACT: {
    read: read.contactAddress,
    default: 'none',
    about: 'its email address for questions about privacy',
  },
  POLICIES_DIR: { read: read.path, default: '`./policies`', about: 'folder with the versioned policy texts' },
  DIGITAL_CONSENT_AGE: {
    read: read.consentAges,
    default: 'the law of each EU country (`IT=14`, `AT=14`, `BE=13` …), 16 elsewhere',
    about: 'age of digital consent by country of the business, such as `IT=14,DE=16`; adds to the default',
  },
  SESSION_DAYS: {
    read: read.fraction(0.00001, 3650),
    otherwise: 90,
    about: 'a session ends after this many days without use; fractions are allowed',
  },
  CONSENT_PROOF_YEARS: {
    read: read.wholeNumber(1, 10),
    otherwise: 5,
    about: 'years to keep a proof of consent after its person was erased, without name and address',
  },
  AUDIT_MONTHS: {
    read: read.wholeNumber(6, 120),
    otherwise: 12,
    about:
      'months for which the logs of actions and accounts are kept; the policy texts say 12, so change both together',
  },
  DELETION_DAYS: {
    read: read.wholeNumber(1, 28),
    otherwise: 7,
    about: 'days in which a business can answer a deletion request before it is carried out',
  },
  RATE_MESSAGES: {
    read: read.wholeNumber(1, 1_000_000),
    otherwise: 60,
    about: 'messages a session may send in a minute; an account twice as many',
  },
  RATE_SEARCHES: {
    read: read.wholeNumber(1, 1_000_000),
    otherwise: 120,
    about: 'archive searches of an account in a minute, including further pages',
  },
  RATE_SIGN_IN: {
    read: read.wholeNumber(1, 1_000_000),
    otherwise: 10,
    about:
      'failed sign-ins for a name from one address in 15 minutes; five times as many for a name from anywhere, ten times as many from one address',
  },
  RATE_JOIN: {
    read: read.wholeNumber(1, 1_000_000),
    otherwise: 300,
    about: 'registrations and joinings from one address in an hour; ten times as many openings of invitations',
  },
  SMTP_URL: {
    read: read.smtpUrl,
    default: 'none: mails wait encrypted, `npm run outbox` shows them',
    secret: true,
    about: '`smtp://user:password@host:587` or `smtps://…`, the server that sends mail',
  },
  MAIL_FROM: {
    read: read.sender,
    default: '`no-reply@` the host of `PUBLIC_URL`',
    about: 'sender of mails, as `Name <address>` or an address',
  },
  RATE_INVITATION_MAILS: {
    read: read.wholeNumber(1, 1_000_000),
    otherwise: 200,
    about: 'invitation mails of a business in 24 hours (reminders count too; an import continues the next day)',
  },
  PUSH_WAIT_SECONDS: {
    read: read.fraction(0, 600),
    otherwise: 5,
    about: 'seconds to wait for a message to reach another device of its addressee before a notification is pushed',
  },
  PUSH_TEST_CA: {
    read: read.file,
    default: 'none',
    about:
      'for testing only: PEM file with the certificate of a push service of your own, which may then be at a private address and on any port',
  },
  CLAMD_URL: {
    read: read.clamd,
    default: 'none: files are not scanned, and their views say so',
    about:
      '`tcp://host:3310` or `unix:/run/clamav/clamd.ctl`, the [virus scanner](docs/operations.md#virus-scanner) that looks at every file',
  },
  ATTACHMENT_MB: {
    read: read.wholeNumber(1, 2000),
    otherwise: limits.fileBytes / megabyte,
    about: 'maximum size of a file, in MB (1,048,576 bytes)',
  },
  ATTACHMENTS_PER_MESSAGE: {
    read: read.wholeNumber(1, limits.filesPerMessageMax),
    otherwise: limits.filesPerMessage,
    about: 'maximum number of files in a message or broadcast',
  },
  STORAGE_GB: {
    read: read.fraction(0.001, 1_000_000),
    otherwise: 20,
    about: 'storage for the files of one business and its contacts, in GB (1,073,741,824 bytes); fractions are allowed',
  },
  RATE_UPLOADS: {
    read: read.wholeNumber(1, 1_000_000),
    otherwise: 600,
    about: 'uploads of an account in an hour',
  },
  S3_BUCKET: {
    read: read.text,
    default: 'none: files are kept in `DATA_DIR/files`',
    about: 'bucket of an S3-compatible storage for the files, encrypted as on disk',
  },
  S3_ENDPOINT: {
    read: read.storageUrl,
    default: "AWS's own",
    about: 'address of the storage, such as `https://s3.example.com`',
  },
  S3_REGION: { read: read.text, otherwise: 'us-east-1', about: 'region of the bucket' },
  S3_ACCESS_KEY_ID: {
    read: read.text,
    default: 'those found by the AWS SDK, such as the role of the machine',
    about: 'credentials for the bucket; set both or none',
  },
  S3_SECRET_ACCESS_KEY: {
    read: read.text,
    default: 'likewise',
    secret: true,
    about: 'the secret of `S3_ACCESS_KEY_ID`',
  },
  S3_PREFIX: { read: read.text, default: 'none', about: 'prefix of the names of all objects, such as `colloquio/`' },
  S3_PATH_STYLE: {
    read: read.yesOrNo,
    default: '`true` with `S3_ENDPOINT`, else `false`',
    about: '`true`: the bucket is in the path, not in the host name',
  },
  LOG_LEVEL: {
    read: read.oneOf('debug', 'info', 'warn', 'error', 'silent'),
    otherwise: 'info',
    about: '`debug` (every request), `info`, `warn`, `error` or `silent`',
  },
} as const satisfies Record<string, Variable>;

type Variables = typeof variables;

export type VariableName = keyof Variables;

/** The values that variables have: read, or their default, or undefined. */
export type Values = {
  [Name in VariableName]:
    ReturnType<Variables[Name]['read']> | (Variables[Name] extends { otherwise: unknown } ? never : undefined);
};

export interface Mistake {
  variable: string;
  message: string;
}

/** Reads every variable. Empty values count as unset, and so do values that cannot be used, each of which is a mistake. */
export function readVariables(environment: Record<string, string | undefined>): {
  values: Values;
  mistakes: Mistake[];
} {
  const mistakes: Mistake[] = [];
  const entries = Object.entries<Variable>(variables).map(([name, variable]) => {
    const text = environment[name]?.trim();
    try {
      return [name, text ? variable.read(text) : variable.otherwise];
    } catch (error) {
      if (!(error instanceof read.Unusable)) throw error;
      mistakes.push({ variable: name, message: error.message });
      return [name, variable.otherwise];
    }
  });
  return { values: Object.fromEntries(entries) as Values, mistakes };
}

/** The default of a variable in words, as Markdown. */
export function defaultInWords(variable: Variable): string {
  return variable.default ?? `\`${variable.otherwise}\``;
}

/** The text of a setting for a terminal: code and links become their words. */
export function withoutMarkdown(text: string): string {
  return text.replace(/`([^`]*)`/g, '$1').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
}
