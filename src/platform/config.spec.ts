import { describe, expect, test } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { type Config, ConfigError, loadConfig } from './config.js';
import { isLoopback, parseMasterKey } from './settings/readers.js';
import { suggestionsFor } from './settings/slips.js';
import { type VariableName, variables } from './settings/variables.js';

type Environment = Partial<Record<VariableName, string>>;

/** The variables that are named as mistakes; none when the settings can be used. */
function mistakesIn(environment: Environment): string[] {
  return messagesIn(environment).map(([variable]) => variable);
}

function messagesIn(environment: Environment): [string, string][] {
  try {
    loadConfig(environment);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.mistakes.map(({ variable, message }) => [variable, message]);
  }
}

const pem = (part: 'cert' | 'key') =>
  fileURLToPath(new URL(`../../test/support/tests-only.${part}.pem`, import.meta.url));
const tls = { TLS_CERT: pem('cert'), TLS_KEY: pem('key') };

test('an empty environment works: loopback, the embedded PostgreSQL, one subscriber', () => {
  expect(loadConfig({})).toMatchObject({
    port: 3000,
    host: '127.0.0.1',
    dataDir: resolve('data'),
    publicUrl: new URL('http://localhost:3000'),
    databaseUrl: undefined,
    keyringDatabaseUrl: undefined,
    masterKey: undefined,
    masterKeyFile: resolve('data/keys/master.key'),
    tls: undefined,
    trustProxy: undefined,
    registration: 'first',
    controller: { name: '', address: '', contact: '' },
    policiesDir: resolve('policies'),
    sessionDays: 90,
    consentProofYears: 5,
    deletionDays: 7,
    messagesPerMinute: 60,
    signInsPerQuarterHour: 10,
    joinsPerHour: 300,
    logLevel: 'info',
  } satisfies Partial<Config>);
});

test('empty values count as unset, and blanks around a value are ignored', () => {
  const empty = Object.fromEntries(Object.keys(variables).map((name) => [name, '  ']));
  expect(loadConfig(empty)).toEqual(loadConfig({}));
  expect(loadConfig({ PORT: ' 8080 ', REGISTRATION: ' open\n' })).toMatchObject({ port: 8080, registration: 'open' });
});

describe('numbers', () => {
  test.each([
    ['PORT', 'port', ['0', '1', '65535'], ['-1', '65536', '80.5', 'http', 'Infinity', 'NaN', '1,000']],
    ['SESSION_DAYS', 'sessionDays', ['0.00001', '0.5', '3650'], ['0', '0.000009', '3650.1', '-1', 'ever']],
    ['DELETION_DAYS', 'deletionDays', ['1', '28'], ['0', '29', '1.5', 'ever']],
    ['CONSENT_PROOF_YEARS', 'consentProofYears', ['1', '10'], ['0', '11', '1.5', 'ever']],
    ['RATE_MESSAGES', 'messagesPerMinute', ['1', '1000000'], ['0', '1000001', '1.5', 'many']],
    ['RATE_SEARCHES', 'searchesPerMinute', ['1', '1000000'], ['0', '1000001', '1.5', 'many']],
    ['RATE_SIGN_IN', 'signInsPerQuarterHour', ['1', '1000000'], ['0', '1000001', '1.5', 'many']],
    ['RATE_JOIN', 'joinsPerHour', ['1', '1000000'], ['0', '1000001', '1.5', 'many']],
  ] as const)('%s holds within its limits, to the edge', (variable, setting, within, beyond) => {
    for (const value of within) expect(loadConfig({ [variable]: value })[setting]).toBe(Number(value));
    for (const value of beyond) expect(mistakesIn({ [variable]: value })).toEqual([variable]);
  });

  test('a wrong one is quoted with the allowed range', () => {
    expect(messagesIn({ PORT: 'many' })).toEqual([['PORT', '"many" is not a whole number from 0 to 65535']]);
    expect(messagesIn({ SESSION_DAYS: '0' })).toEqual([['SESSION_DAYS', '"0" is not a number from 0.00001 to 3650']]);
  });
});

test.each([
  ['REGISTRATION', 'registration', ['first', 'invited', 'open'], ['First', 'closed']],
  ['LOG_LEVEL', 'logLevel', ['debug', 'info', 'warn', 'error', 'silent'], ['trace', 'INFO']],
] as const)('%s is one of a few words', (variable, setting, words, others) => {
  for (const word of words) expect(loadConfig({ [variable]: word })[setting]).toBe(word);
  for (const word of others) {
    expect(messagesIn({ [variable]: word })).toEqual([[variable, `"${word}" is not one of ${words.join(', ')}`]]);
  }
});

describe('the listening address', () => {
  test('is loopback in clear', () => {
    for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) {
      expect(loadConfig({ HOST: host }).host).toBe(host);
    }
    for (const host of ['0.0.0.0', '::', '192.168.1.2', 'example.com', '127.0.0.1.example.com']) {
      expect(mistakesIn({ HOST: host })).toEqual(['HOST']);
    }
  });

  test('is every interface with a certificate, or behind a proxy', () => {
    expect(loadConfig(tls)).toMatchObject({ host: '::', publicUrl: new URL('https://localhost:3000') });
    expect(loadConfig({ ...tls, HOST: '192.168.1.2' }).host).toBe('192.168.1.2');
    const proxy = { TRUST_PROXY: '1', PUBLIC_URL: 'https://messages.example.com' };
    expect(loadConfig(proxy)).toMatchObject({ host: '::', trustProxy: '1' });
    expect(mistakesIn({ TRUST_PROXY: '1' })).toEqual(['PUBLIC_URL']);
  });

  test('a proxy is a number of hops from 1, or addresses and networks', () => {
    const PUBLIC_URL = 'https://messages.example.com';
    for (const value of [
      '1',
      '3',
      'loopback',
      '10.0.0.0/8',
      'loopback, 192.168.1.2',
      'uniquelocal',
      'fd00::/8',
      '::1',
    ]) {
      expect(mistakesIn({ TRUST_PROXY: value, PUBLIC_URL })).toEqual([]);
    }
    for (const value of [
      '0',
      '-1',
      '1.5',
      'true',
      'yes',
      '10.0.0.0/33',
      'fd00::/129',
      '10.0.0.0/',
      '10.0.0.0/8/8',
      'loopback,',
    ]) {
      expect(mistakesIn({ TRUST_PROXY: value, PUBLIC_URL })).toEqual(['TRUST_PROXY']);
    }
  });

  test('the address that people open has no path, and is HTTPS unless it is on localhost', () => {
    for (const url of [
      'https://messages.example.com',
      'https://example.com:8443/',
      'http://localhost:8080',
      'http://[::1]',
    ]) {
      expect(loadConfig({ PUBLIC_URL: url }).publicUrl).toEqual(new URL(url));
    }
    const wrong = [
      'http://example.com',
      'https://example.com/colloquio',
      'https://example.com/?a',
      'https://example.com/#a',
    ];
    for (const url of [...wrong, 'example.com', 'ftp://example.com', 'https://']) {
      expect(mistakesIn({ PUBLIC_URL: url })).toEqual(['PUBLIC_URL']);
    }
  });

  test.each([
    ['localhost', true],
    ['127.0.0.1', true],
    ['127.255.255.255', true],
    ['::1', true],
    ['[::1]', true],
    ['127.example.com', false],
    ['localhost.example.com', false],
    ['0.0.0.0', false],
    ['::', false],
    ['', false],
  ])('%j is on this machine: %j', (host, expected) => expect(isLoopback(host)).toBe(expected));
});

describe('a certificate', () => {
  test('is read with its key, which must match', () => {
    const { cert, key } = loadConfig(tls).tls!;
    expect(cert.toString()).toContain('BEGIN CERTIFICATE');
    expect(key.toString()).toContain('PRIVATE KEY');
    expect(messagesIn({ TLS_CERT: tls.TLS_CERT })).toEqual([
      ['TLS_KEY', 'TLS_CERT and TLS_KEY belong together; set both or none'],
    ]);
    expect(mistakesIn({ TLS_KEY: tls.TLS_KEY })).toEqual(['TLS_CERT']);
  });

  test('has a key that others cannot read, or causes a warning', () => {
    const folder = mkdtempSync(join(tmpdir(), 'colloquio-config-'));
    try {
      const TLS_KEY = join(folder, 'key.pem');
      writeFileSync(TLS_KEY, readFileSync(tls.TLS_KEY), { mode: 0o640 });
      expect(loadConfig({ ...tls, TLS_KEY }).warnings).toEqual([]);
      chmodSync(TLS_KEY, 0o644);
      expect(loadConfig({ ...tls, TLS_KEY }).warnings).toEqual([expect.stringContaining(TLS_KEY)]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('that cannot be read, is invalid, or belongs to another key is a mistake', () => {
    const folder = mkdtempSync(join(tmpdir(), 'colloquio-config-'));
    try {
      const file = join(folder, 'key.pem');
      expect(messagesIn({ ...tls, TLS_KEY: file })).toEqual([['TLS_KEY', `the file ${file} cannot be read`]]);
      writeFileSync(file, 'no key');
      expect(mistakesIn({ ...tls, TLS_KEY: file })).toEqual(['TLS_CERT']);
      expect(mistakesIn({ ...tls, TLS_CERT: file })).toEqual(['TLS_CERT']);
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
      expect(mistakesIn({ ...tls, TLS_KEY: file })).toEqual(['TLS_CERT']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the databases', () => {
  const main = 'postgres://anna:sesamo@db.example.com/main';
  const keyring = 'postgresql://anna:sesamo@db.example.com:5432/keyring';

  test('are two, or both embedded', () => {
    const config = loadConfig({ DATABASE_URL: main, KEYRING_DATABASE_URL: keyring });
    expect(config).toMatchObject({ databaseUrl: main, keyringDatabaseUrl: keyring });
    expect(mistakesIn({ DATABASE_URL: main })).toEqual(['KEYRING_DATABASE_URL']);
    expect(mistakesIn({ KEYRING_DATABASE_URL: keyring })).toEqual(['DATABASE_URL']);
  });

  test('cannot be the same one, however it is written', () => {
    const spellings = [
      main,
      main.replace('postgres:', 'postgresql:'),
      main.replace('.com', '.com:5432'),
      `${main}?ssl=true`,
    ];
    for (const spelling of spellings) {
      expect(mistakesIn({ DATABASE_URL: main, KEYRING_DATABASE_URL: spelling })).toEqual(['KEYRING_DATABASE_URL']);
    }
    const sockets = ['/run/a', '/run/b'].map((host) => `postgres://anna@localhost/main?host=${host}`);
    expect(mistakesIn({ DATABASE_URL: sockets[0]!, KEYRING_DATABASE_URL: sockets[1]! })).toEqual([]);
  });

  test('have addresses that the driver can parse', () => {
    const wrong = [
      'mysql://localhost/main',
      'localhost',
      'postgres://anna:se#samo@localhost/main',
      'postgres://anna:10%@host/main',
    ];
    for (const address of wrong) {
      const messages = messagesIn({ DATABASE_URL: address, KEYRING_DATABASE_URL: keyring });
      expect(messages).toEqual([['DATABASE_URL', expect.stringContaining('is not a postgres:// address')]]);
      expect(messages.join()).not.toContain('samo');
    }
  });
});

describe('a master key', () => {
  test('is 32 bytes, as hexadecimal digits or base64 of either alphabet', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const key = Buffer.from(bytes);
        const spellings = [key.toString('hex'), key.toString('hex').toUpperCase(), key.toString('base64')];
        for (const text of [...spellings, key.toString('base64url'), `${key.toString('base64')}\n`]) {
          expect(parseMasterKey(text)).toEqual(key);
        }
      }),
    );
  });

  test('of any other length is invalid', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        fc.pre(bytes.length !== 32);
        for (const encoding of ['hex', 'base64', 'base64url'] as const) {
          expect(parseMasterKey(Buffer.from(bytes).toString(encoding))).toBeUndefined();
        }
      }),
    );
    for (const text of ['', 'g'.repeat(64), `${'A'.repeat(42)}!=`]) expect(parseMasterKey(text)).toBeUndefined();
  });

  test('that is wrong is not quoted', () => {
    const messages = messagesIn({ MASTER_KEY: 'sesamo' });
    expect(messages).toEqual([['MASTER_KEY', 'is not 32 bytes as 64 hexadecimal digits or base64']]);
  });
});

describe('the age of digital consent', () => {
  test('is the legal one of each country, unless it is set', () => {
    expect(loadConfig({}).digitalConsentAges).toMatchObject({ IT: 14, AT: 14, BE: 13, FR: 15 });
    const { digitalConsentAges: ages } = loadConfig({ DIGITAL_CONSENT_AGE: 'IT=16, CH=18,BE=14' });
    expect(ages).toEqual({ ...loadConfig({}).digitalConsentAges, IT: 16, CH: 18, BE: 14 });
  });

  test('is from 13 to 18, of a country of two letters', () => {
    for (const entry of ['IT=13', 'IT=18']) expect(mistakesIn({ DIGITAL_CONSENT_AGE: entry })).toEqual([]);
    for (const entry of ['IT=12', 'IT=19', 'it=14', 'ITA=14', 'IT', 'IT=', '=14', 'IT=14;DE=16', 'IT=14,']) {
      expect(mistakesIn({ DIGITAL_CONSENT_AGE: entry })).toEqual(['DIGITAL_CONSENT_AGE']);
    }
  });
});

test('the contact of the controller is an email address', () => {
  expect(loadConfig({ CONTROLLER_CONTACT: 'privacy@example.com' }).controller.contact).toBe('privacy@example.com');
  for (const contact of ['privacy', 'privacy@', 'a b@example.com']) {
    expect(mistakesIn({ CONTROLLER_CONTACT: contact })).toEqual(['CONTROLLER_CONTACT']);
  }
});

test('all mistakes are named at once, on one line', () => {
  const wrong: Environment = {
    PORT: 'many',
    HOST: '0.0.0.0',
    TLS_CERT: '/nowhere.pem',
    PUBLIC_URL: 'http://example.com',
    DATABASE_URL: 'mysql://localhost',
    MASTER_KEY: 'short',
    CONTROLLER_CONTACT: 'nobody',
    DIGITAL_CONSENT_AGE: 'IT=3',
    REGISTRATION: 'sometimes',
    SESSION_DAYS: '0',
    RATE_MESSAGES: '0',
    LOG_LEVEL: 'loud',
  };
  expect(mistakesIn(wrong)).toEqual(expect.arrayContaining(Object.keys(wrong)));
  expect(() => loadConfig(wrong)).toThrow(/^(?=.*PORT: )(?=.*HOST: )(?=.*LOG_LEVEL: ).*$/);
});

describe('a misspelled variable', () => {
  const known = fc.constantFrom(...(Object.keys(variables) as VariableName[]).filter((name) => name.length > 6));
  const letter = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZ_');

  test('is recognised by an additional, missing or wrong letter, and by its case', () => {
    const edits = fc.tuple(known, fc.nat(), letter, fc.constantFrom('add', 'drop', 'change'));
    fc.assert(
      fc.property(edits, ([name, position, other, edit]) => {
        const at = position % name.length;
        const rest = edit === 'add' ? name.slice(at) : name.slice(at + 1);
        const written = name.slice(0, at) + (edit === 'drop' ? '' : other) + rest;
        fc.pre(!(written in variables));
        expect(suggestionsFor(written)).not.toEqual([]);
        expect(suggestionsFor(name.toLowerCase())).toEqual([name]);
      }),
    );
  });

  test.each([
    ['PORTT', 'PORT'],
    ['PROT', 'PORT'],
    ['HOSTT', 'HOST'],
    ['DATABSE_URL', 'DATABASE_URL'],
    ['DATABASE_ULR', 'DATABASE_URL'],
    ['MASTERKEY', 'MASTER_KEY'],
    ['session-days', 'SESSION_DAYS'],
    [
      'RATE_MAILS',
      'RATE_MESSAGES or RATE_SEARCHES or RATE_SIGN_IN or RATE_JOIN or RATE_INVITATION_MAILS or RATE_UPLOADS',
    ],
    ['RATE_SIGNINS', 'RATE_SIGN_IN'],
    ['CONTROLLER_EMAIL', 'CONTROLLER_NAME or CONTROLLER_ADDRESS or CONTROLLER_CONTACT'],
    ['ALLOWED_ORIGIN', 'ALLOWED_ORIGINS'],
  ])('such as %s is taken for %s and stops the start', (name, meant) => {
    expect(suggestionsFor(name).join(' or ')).toBe(meant);
    expect(messagesIn({ [name]: 'x' })).toEqual([[name, `is not read; did you mean ${meant}?`]]);
    expect(messagesIn({ [name]: ' ' })).toEqual([]);
  });

  test('is neither a known one, nor one with another meaning', () => {
    for (const name of Object.keys(variables)) expect(suggestionsFor(name)).toEqual([]);
    expect(others.filter((name) => suggestionsFor(name).length > 0)).toEqual([]);
    expect(loadConfig(Object.fromEntries(others.map((name) => [name, 'x'])))).toEqual(loadConfig({}));
  });
});

/** Names that shells, npm, Docker, Kubernetes, PostgreSQL, other programs and our own Compose file use. */
const others = [
  ...[
    'PATH',
    'HOME',
    'HOSTNAME',
    'HOSTTYPE',
    'LANG',
    'LOGNAME',
    'PORTS',
    'SPORT',
    'POST',
    'GHOST',
    'HOSTS',
    'TERM',
    'TZ',
  ],
  ...[
    'PORTABLE',
    'LS_COLORS',
    'SHLVL',
    'PWD',
    'OLDPWD',
    'MAIL',
    'MAILTO',
    'EDITOR',
    'DISPLAY',
    'XDG_DATA_DIRS',
    'PIDFILE',
  ],
  ...[
    'NODE_ENV',
    'NODE_OPTIONS',
    'NODE_EXTRA_CA_CERTS',
    'npm_config_loglevel',
    'npm_lifecycle_event',
    'npm_package_name',
  ],
  ...['DOCKER_HOST', 'COMPOSE_PROJECT_NAME', 'KUBERNETES_PORT', 'CONTROLLER_PORT_80_TCP', 'CONTROLLER_SERVICE_HOST'],
  ...[
    'DATABASE_HOST',
    'DATABASE_USER',
    'DATABASE_PORT',
    'DATABASE_NAME',
    'DATABASE_SSL',
    'DATABASE_PASSWORD',
    'DB_URL',
  ],
  ...[
    'KEYRING_PASSWORD',
    'POSTGRES_PASSWORD',
    'MASTER_KEY_PATH',
    'DOMAIN',
    'PGHOST',
    'PGDATA',
    'REDIS_URL',
    'SMTP_HOST',
  ],
  ...['SSL_CERT_DIR', 'SSL_CERT_FILE', 'SSLKEYLOGFILE', 'PUBLIC', 'PROXY', 'http_proxy', 'NO_PROXY', 'SESSION_MANAGER'],
];

describe('the allowed origins', () => {
  test('are normalised as browsers do, and empty by default', () => {
    expect(loadConfig({}).allowedOrigins).toEqual([]);
    const given = 'capacitor://localhost, https://App.example.com:443,http://localhost:5173,http://127.0.0.1:80/'.slice(
      0,
      -1,
    );
    expect(loadConfig({ ALLOWED_ORIGINS: given }).allowedOrigins).toEqual([
      'capacitor://localhost',
      'https://app.example.com',
      'http://localhost:5173',
      'http://127.0.0.1',
    ]);
  });

  test('are exact, without paths and patterns, and use HTTPS over a network', () => {
    const none = [
      'null',
      '*',
      'https://*.example.com',
      'https://example.com/',
      'https://example.com/app',
      'example.com',
    ];
    const unsafe = ['file://', 'file://localhost', 'http://example.com', 'https://anna@example.com', 'https://a b', ''];
    for (const origin of [...none, ...unsafe]) {
      const messages = messagesIn({ ALLOWED_ORIGINS: `https://example.com,${origin}` });
      expect(messages).toEqual([['ALLOWED_ORIGINS', expect.stringContaining(`"${origin}"`)]]);
    }
  });
});
