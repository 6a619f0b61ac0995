import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { readSender } from './mail/sender.js';
import { type Clamd, isLoopback } from './settings/readers.js';
import { suggestionsFor } from './settings/slips.js';
import { type Mistake, readVariables, type Values, type VariableName } from './settings/variables.js';
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
  consentProofYears: number;
  auditMonths: number;
  deletionDays: number;
  messagesPerMinute: number;
  searchesPerMinute: number;
  signInsPerQuarterHour: number;
  joinsPerHour: number;
  smtpUrl: string | undefined;
  mailFrom: string;
  invitationMailsPerDay: number;
  pushWaitSeconds: number;
  /** Certificate of a push service at a private address, which only tests have. */
  pushTestCa: Buffer | undefined;
  /** Address of the virus scanner clamd. */
  clamd: Clamd | undefined;
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

  constructor(readonly mistakes: Mistake[]) {
    super(mistakes.map(({ variable, message }) => `${variable}: ${message}`).join('; '));
  }
}

/**
 * Reads the settings from an environment. Empty values count as unset.
 * @throws ConfigError naming every variable that cannot be used
 */
export function loadConfig(environment: Record<string, string | undefined>): Config {
  const { values, mistakes } = readVariables(environment);
  const isSet = (name: VariableName) => Boolean(environment[name]?.trim());
  mistakes.push(...contradictionsIn(values, isSet), ...unknownNamesIn(environment));
  const config = configOf(values);
  if (!readSender(config.mailFrom)) {
    const message = `"${config.mailFrom}" is not an address such as Colloquio <no-reply@example.com>`;
    mistakes.push({ variable: 'MAIL_FROM', message });
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return config;
}

/** Mistakes of settings that do not go together. */
function contradictionsIn(values: Values, isSet: (name: VariableName) => boolean): Mistake[] {
  return [
    ...inNetwork(values, isSet),
    ...inDatabases(values, isSet),
    ...together(isSet, 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'),
    ...mistakeIf(!isSet('S3_BUCKET') && (isSet('S3_ENDPOINT') || isSet('S3_ACCESS_KEY_ID')), {
      variable: 'S3_BUCKET',
      message: 'is required with the other settings of S3',
    }),
  ];
}

function inNetwork(values: Values, isSet: (name: VariableName) => boolean): Mistake[] {
  const { TLS_CERT: cert, TLS_KEY: key, HOST: host, TRUST_PROXY: proxy } = values;
  const unusable = cert && key && pairProblem(cert.content, key.content);
  return [
    ...together(isSet, 'TLS_CERT', 'TLS_KEY'),
    ...mistakeIf(Boolean(unusable), {
      variable: 'TLS_CERT',
      message: `does not go together with TLS_KEY, or one of them is no PEM file (${unusable})`,
    }),
    ...mistakeIf(host !== undefined && !isLoopback(host) && !isCovered(values), {
      variable: 'HOST',
      message: `${host} would send messages in clear over the network; set TLS_CERT and TLS_KEY, or TRUST_PROXY behind a proxy that does HTTPS`,
    }),
    ...mistakeIf(Boolean(proxy) && !isSet('PUBLIC_URL'), {
      variable: 'PUBLIC_URL',
      message: 'is required behind a proxy: the address people open',
    }),
  ];
}

function inDatabases(
  { DATABASE_URL: main, KEYRING_DATABASE_URL: keyring }: Values,
  isSet: (name: VariableName) => boolean,
): Mistake[] {
  return [
    ...mistakeIf(isSet('DATABASE_URL') && !isSet('KEYRING_DATABASE_URL'), {
      variable: 'KEYRING_DATABASE_URL',
      message: 'is required with DATABASE_URL: the keyring must stay out of the main database and its backups',
    }),
    ...mistakeIf(!isSet('DATABASE_URL') && isSet('KEYRING_DATABASE_URL'), {
      variable: 'DATABASE_URL',
      message: 'is required with KEYRING_DATABASE_URL',
    }),
    ...mistakeIf(main !== undefined && keyring !== undefined && sameDatabase(main, keyring), {
      variable: 'KEYRING_DATABASE_URL',
      message: 'must name another database than DATABASE_URL',
    }),
  ];
}

function together(isSet: (name: VariableName) => boolean, one: VariableName, other: VariableName): Mistake[] {
  return mistakeIf(isSet(one) !== isSet(other), {
    variable: isSet(one) ? other : one,
    message: `${one} and ${other} belong together; set both or none`,
  });
}

function mistakeIf(holds: boolean, mistake: Mistake): Mistake[] {
  return holds ? [mistake] : [];
}

function unknownNamesIn(environment: Record<string, string | undefined>): Mistake[] {
  return Object.entries(environment).flatMap(([name, text]) => {
    const meant = text?.trim() ? suggestionsFor(name) : [];
    const message = `is not read; did you mean ${meant.join(' or ')}?`;
    return mistakeIf(meant.length > 0, { variable: name, message });
  });
}

/** Messages go over the network encrypted, by the service itself or by a proxy in front. */
function isCovered({ TLS_CERT: cert, TLS_KEY: key, TRUST_PROXY: proxy }: Values): boolean {
  return Boolean((cert && key) || proxy);
}

function configOf(values: Values): Config {
  const { TLS_CERT: cert, TLS_KEY: key } = values;
  const tls = cert && key && { cert: cert.content, key: key.content };
  const dataDir = values.DATA_DIR ?? resolve('data');
  const publicUrl = values.PUBLIC_URL ?? new URL(`${tls ? 'https' : 'http'}://localhost:${values.PORT}`);
  return {
    port: values.PORT,
    host: values.HOST ?? (isCovered(values) ? everyInterface : '127.0.0.1'),
    dataDir,
    publicUrl,
    databaseUrl: values.DATABASE_URL,
    keyringDatabaseUrl: values.KEYRING_DATABASE_URL,
    masterKey: values.MASTER_KEY,
    masterKeyFile: values.MASTER_KEY_FILE ?? `${dataDir}/keys/master.key`,
    tls,
    warnings: warningsOf(values),
    trustProxy: values.TRUST_PROXY,
    allowedOrigins: values.ALLOWED_ORIGINS ?? [],
    registration: values.REGISTRATION,
    controller: {
      name: values.CONTROLLER_NAME ?? '',
      address: values.CONTROLLER_ADDRESS ?? '',
      contact: values.CONTROLLER_CONTACT ?? '',
    },
    policiesDir: values.POLICIES_DIR ?? resolve('policies'),
    digitalConsentAges: { ...lawfulConsentAges, ...values.DIGITAL_CONSENT_AGE },
    sessionDays: values.SESSION_DAYS,
    consentProofYears: values.CONSENT_PROOF_YEARS,
    auditMonths: values.AUDIT_MONTHS,
    deletionDays: values.DELETION_DAYS,
    messagesPerMinute: values.RATE_MESSAGES,
    searchesPerMinute: values.RATE_SEARCHES,
    signInsPerQuarterHour: values.RATE_SIGN_IN,
    joinsPerHour: values.RATE_JOIN,
    smtpUrl: values.SMTP_URL,
    mailFrom: values.MAIL_FROM ?? `Colloquio <no-reply@${publicUrl.hostname}>`,
    invitationMailsPerDay: values.RATE_INVITATION_MAILS,
    pushWaitSeconds: values.PUSH_WAIT_SECONDS,
    pushTestCa: values.PUSH_TEST_CA?.content,
    clamd: values.CLAMD_URL,
    fileBytes: values.ATTACHMENT_MB * megabyte,
    filesPerMessage: values.ATTACHMENTS_PER_MESSAGE,
    storageBytesPerSubscriber: Math.floor(values.STORAGE_GB * 1024 * megabyte),
    uploadsPerHour: values.RATE_UPLOADS,
    s3: s3Of(values),
    logLevel: values.LOG_LEVEL,
  };
}

function s3Of(values: Values): Config['s3'] {
  const { S3_BUCKET: bucket, S3_ENDPOINT: endpoint, S3_ACCESS_KEY_ID: id, S3_SECRET_ACCESS_KEY: secret } = values;
  if (!bucket) return undefined;
  return {
    bucket,
    endpoint,
    region: values.S3_REGION,
    credentials: id && secret ? { accessKeyId: id, secretAccessKey: secret } : undefined,
    prefix: values.S3_PREFIX ?? '',
    pathStyle: values.S3_PATH_STYLE ?? endpoint !== undefined,
  };
}

function warningsOf({ TLS_KEY: key }: Values): string[] {
  if (!key || process.platform === 'win32' || !(statSync(key.path).mode & 0o004)) return [];
  return [`TLS_KEY: every user of this machine can read ${key.path}; close it with chmod 640 or 600.`];
}

function sameDatabase(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => {
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
