import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { loadConfig } from '../src/platform/config.js';
import { Postman, Undeliverable } from '../src/platform/mail/postman.js';
import { failureInWords } from '../src/platform/mail/refusals.js';
import { MailServer, tokenIn } from './support/mail-server.js';
import { expectStatus, type Shop, World } from './support/world.js';

/** Mail servers as people have met them with other products; each title says what is to come of it. */

const pem = (name: string) => readFileSync(`test/support/${name}.pem`, 'utf8');
const trusted = { cert: pem('tests-only.cert'), key: pem('tests-only.key') };
const expired = { cert: pem('tests-only-expired.cert'), key: pem('tests-only-expired.key') };

interface Taken {
  greeting: string;
  from: string;
  recipients: string[];
  encrypted: boolean;
  user: string | undefined;
  text: string;
}

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

/** A server that takes mail as the options say. */
async function smtpServer(options: SMTPServerOptions): Promise<{ port: number; taken: Taken[] }> {
  const taken: Taken[] = [];
  const server = new SMTPServer({
    logger: false,
    authOptional: true,
    onAuth: ({ username }, _session, done) => done(null, { user: username ?? '' }),
    onData: (stream, { hostNameAppearsAs, envelope, secure, user }, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        if (stream.sizeExceeded) {
          return done(Object.assign(new Error('5.3.4 Message too big'), { responseCode: 552 }));
        }
        taken.push({
          greeting: String(hostNameAppearsAs),
          from: envelope.mailFrom ? envelope.mailFrom.address : '',
          recipients: envelope.rcptTo.map(({ address }) => address),
          encrypted: secure,
          user: user as string | undefined,
          text: Buffer.concat(chunks).toString(),
        });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  open.push({ close: () => new Promise((resolve) => server.close(resolve)) });
  return { port: (server.server.address() as AddressInfo).port, taken };
}

/** A server that follows a script: what it says first, and what to each line. */
async function scriptedServer(greeting: string, answer: (line: string, socket: Socket) => string | undefined) {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.write(greeting);
    socket.on('data', (data) => {
      for (const line of data.toString().split('\r\n').filter(Boolean)) {
        const said = answer(line, socket);
        if (said) socket.write(`${said}\r\n`);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  });
  return { port: (server.address() as AddressInfo).port, connections: () => sockets.size };
}

const mail = { subject: 'Prova', text: 'Ciao', html: '<p>Ciao</p>', headers: {}, link: '' };

/** Hands one mail to the server of a URL; undefined when it went, or the failure's code, that waits. */
async function send(
  smtpUrl: string,
  { to = 'anna@mail.example', ...settings }: Record<string, string> = {},
): Promise<string | undefined> {
  const postman = new Postman(
    loadConfig({
      SMTP_URL: smtpUrl,
      PUBLIC_URL: 'https://messages.example',
      MAIL_FROM: 'Colloquio <a@host.example>',
      ...settings,
    }),
  );
  try {
    await postman.deliver(to, mail, '019a0000-0000-7000-8000-000000000000');
    return undefined;
  } catch (error) {
    if (!(error instanceof Undeliverable)) throw error;
    expect(error.permanent).toBe(false);
    expect(error.message).toBe(error.code);
    expect(failureInWords(error.code)).toEqual(expect.any(String));
    return error.code;
  } finally {
    postman.onModuleDestroy();
  }
}

const trust = (certificate: { cert: string }) => `tls.ca=${encodeURIComponent(certificate.cert)}`;

describe('a mail server', () => {
  test('with STARTTLS and a trusted certificate gets the mail encrypted', async () => {
    const { port, taken } = await smtpServer({ ...trusted, disabledCommands: ['AUTH'] });
    expect(await send(`smtp://localhost:${port}?requireTLS=true&${trust(trusted)}`)).toBeUndefined();
    expect(taken).toMatchObject([{ encrypted: true }]);
  });

  test('with TLS from the beginning, as on port 465, gets the mail', async () => {
    const { port, taken } = await smtpServer({ ...trusted, secure: true });
    expect(await send(`smtps://user:p%40ss@localhost:${port}?${trust(trusted)}`)).toBeUndefined();
    expect(taken).toMatchObject([{ encrypted: true, user: 'user' }]);
  });

  test.each([
    ['self-signed', trusted, '', 'smtp_certificate_self_signed'],
    ['expired', expired, trust(expired), 'smtp_certificate_expired'],
    ['of another host', trusted, `${trust(trusted)}&tls.servername=mail.example`, 'smtp_certificate_of_another_host'],
  ])('whose certificate is %s is called so, with STARTTLS and without', async (_, certificate, query, code) => {
    const later = await smtpServer(certificate);
    expect(await send(`smtp://localhost:${later.port}?${query}`)).toBe(code);
    const atOnce = await smtpServer({ ...certificate, secure: true });
    expect(await send(`smtps://localhost:${atOnce.port}?${query}`)).toBe(code);
    expect([...later.taken, ...atOnce.taken]).toEqual([]);
  });

  test('that speaks first, as on port 587, is reported as that and not as unreachable when the URL says smtps', async () => {
    const { port } = await smtpServer({ disabledCommands: ['AUTH', 'STARTTLS'] });
    expect(await send(`smtps://localhost:${port}`)).toBe('smtp_speaks_no_tls');
  });

  test('that offers no STARTTLS gets nothing in clear when requireTLS is set', async () => {
    const { port, taken } = await smtpServer({ disabledCommands: ['AUTH', 'STARTTLS'] });
    expect(await send(`smtp://localhost:${port}?requireTLS=true`)).toMatch(/^(etls|smtp_50\d)/);
    expect(taken).toEqual([]);
  });

  test('that relays without a password gets the mail from a URL without one', async () => {
    const { port, taken } = await smtpServer({ disabledCommands: ['AUTH', 'STARTTLS'] });
    expect(await send(`smtp://localhost:${port}`)).toBeUndefined();
    expect(taken).toHaveLength(1);
  });

  test('that refuses the password keeps mails waiting', async () => {
    const { port } = await smtpServer({
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
      onAuth: (_auth, _session, done) =>
        done(Object.assign(new Error('5.7.8 anna@mail.example: bad credentials'), { responseCode: 535 })),
    });
    expect(await send(`smtp://user:wrong@localhost:${port}`)).toBe('smtp_sign_in_refused');
  });

  test('is greeted with the host of PUBLIC_URL, not with the name of a container, unless the URL names another', async () => {
    const { port, taken } = await smtpServer({ disabledCommands: ['AUTH', 'STARTTLS'] });
    await send(`smtp://localhost:${port}`);
    await send(`smtp://localhost:${port}`, { PUBLIC_URL: 'https://192.0.2.7' });
    await send(`smtp://localhost:${port}?name=relay.host.example`);
    expect(taken.map(({ greeting }) => greeting)).toEqual(['messages.example', '[192.0.2.7]', 'relay.host.example']);
  });

  test('that refuses with 421 keeps mails waiting', async () => {
    const { port } = await scriptedServer('421 4.7.0 Try again later, closing connection.\r\n', (_, socket) => {
      socket.end();
      return undefined;
    });
    expect(await send(`smtp://localhost:${port}`)).toBe('smtp_421_4.7.0');
  });

  test('that disconnects in the middle of a mail keeps it waiting, and the next mail gets a new connection', async () => {
    let broken = 0;
    const { port, connections } = await scriptedServer('220 mail.example\r\n', (line, socket) => {
      if (line.startsWith('EHLO')) return '250 mail.example';
      if (line === 'DATA') return '354 go on';
      if (line === '.') {
        if (broken++ === 0) return void socket.destroy();
        return '250 taken';
      }
      if (line === 'QUIT') return '221 bye';
      return /^(MAIL|RCPT)/.test(line) ? '250 ok' : undefined;
    });
    expect(await send(`smtp://localhost:${port}`)).toBe('econnection');
    expect(await send(`smtp://localhost:${port}`)).toBeUndefined();
    expect(connections()).toBe(2);
  });

  test('that sends no greeting is given up, and the mail waits', async () => {
    const { port } = await scriptedServer('', () => undefined);
    expect(await send(`smtp://localhost:${port}?greetingTimeout=200`)).toBe('etimedout');
  });

  test('that speaks no SMTP keeps mails waiting', async () => {
    const { port } = await scriptedServer('HTTP/1.1 400 Bad Request\r\n\r\n', () => undefined);
    expect(await send(`smtp://localhost:${port}?greetingTimeout=500`)).toMatch(/^(eprotocol|etimedout)$/);
  });

  test('whose name does not exist is reported as that', async () => {
    expect(await send('smtp://mail.invalid:25')).toBe('edns');
  });

  test('that accepts only small mails keeps a larger one waiting', async () => {
    const { port, taken } = await smtpServer({ disabledCommands: ['AUTH', 'STARTTLS'], size: 100 });
    expect(await send(`smtp://localhost:${port}`)).toBe('smtp_552_5.3.4');
    expect(taken).toEqual([]);
  });

  test('gets an address of an internationalised domain as the DNS has it', async () => {
    const { port, taken } = await smtpServer({ disabledCommands: ['AUTH', 'STARTTLS'] });
    const from = 'Avvisi: Forno (Faenza) <avvisi@caffè.example>';
    expect(await send(`smtp://localhost:${port}`, { to: 'anna@città.example', MAIL_FROM: from })).toBeUndefined();
    expect(taken[0]!.text).toContain('From: "Avvisi: Forno (Faenza)" <avvisi@xn--caff-8oa.example>');
    expect(taken[0]!.text).toMatch(/^To: .*anna@xn--citt-3na\.example/m);
    expect(taken[0]!.text).toMatch(/^Message-ID: <[\w-]+@xn--caff-8oa\.example>/m);
  });
});

describe('an invitation’s mail', () => {
  let mails: MailServer;
  let world: World;
  let shop: Shop;
  beforeAll(async () => {
    mails = await MailServer.open();
    world = await World.open({ SMTP_URL: mails.url, PUBLIC_URL: 'https://messages.example' });
    shop = await world.shop('bakery');
    const token = tokenIn(await mails.mail('info@aurora.example', /Conferma/));
    expectStatus(await world.ask('POST', '/api/me/email-verification/confirmation', { body: { token } }), 204);
  });
  afterAll(async () => {
    await world.close();
    await mails.close();
  });

  test('is stopped by the mail program in one click (RFC 8058), and not by merely opening the link', async () => {
    const email = 'anna.rossi@mail.example';
    const made = await shop.owner.ask('POST', '/api/invitations', { kind: 'personal', email });
    expectStatus(made, 201);
    const { headerLines } = await mails.mail(email, /./);
    const header = (key: string) => headerLines.find((each) => each.key === key)?.line;
    expect(header('list-unsubscribe-post')).toBe('List-Unsubscribe-Post: List-Unsubscribe=One-Click');
    const [, path] = /<https:\/\/messages\.example(\/[^>]+)>/.exec(header('list-unsubscribe')!)!;

    const opened = await fetch(world.url + path, { redirect: 'manual' });
    expect(opened.status).toBe(303);
    expect(opened.headers.get('location')).toBe(`https://messages.example/app/stop/${made.body.code}`);
    const stateOf = async () => {
      const { body } = await shop.owner.ask('GET', '/api/invitations');
      return body.items.find(({ id }: { id: string }) => id === made.body.id).state;
    };
    expect(await stateOf()).toBe('active');

    for (const body of [new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }), oneClickForm()]) {
      expect((await fetch(world.url + path, { method: 'POST', body, redirect: 'error' })).status).toBe(204);
      expect(await stateOf()).toBe('stopped');
    }
  });
});

function oneClickForm(): FormData {
  const form = new FormData();
  form.set('List-Unsubscribe', 'One-Click');
  return form;
}
