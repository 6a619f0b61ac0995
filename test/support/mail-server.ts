import type { AddressInfo } from 'node:net';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { until } from './world.js';

/** A mail as it arrived. */
export interface Received extends ParsedMail {
  recipient: string;
}

type Refusal = Error & { responseCode: number };

/** A real SMTP server on this machine that keeps what it gets. */
export class MailServer {
  readonly received: Received[] = [];
  /** Refusal for an address, as a reply code and words; undefined lets the mail pass. It quotes the address, as servers do. */
  refuse: ((address: string) => number | `${number} ${string}` | undefined) | undefined;
  attempts = 0;
  private server: SMTPServer | undefined;
  private port = 0;

  static async open(): Promise<MailServer> {
    const server = new MailServer();
    await server.begin();
    return server;
  }

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  /** Begins to listen, again on the same port. */
  async begin(): Promise<void> {
    const server = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      logger: false,
      onRcptTo: ({ address }, _session, done) => {
        this.attempts++;
        const code = this.refuse?.(address);
        done(code ? refusal(code, address) : null);
      },
      onData: (stream, { envelope }, done) => {
        simpleParser(stream).then((mail) => {
          this.received.push(Object.assign(mail, { recipient: envelope.rcptTo[0]!.address }));
          done();
        }, done);
      },
    });
    await new Promise<void>((resolve) => void server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.server.address() as AddressInfo).port;
    this.server = server;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.server!.close(resolve));
  }

  to(recipient: string): Received[] {
    return this.received.filter((mail) => mail.recipient === recipient);
  }

  /** Waits for the mail to somebody whose subject fits; the newest of them. */
  async mail(recipient: string, subject: RegExp, count = 1): Promise<Received> {
    const fitting = () => this.to(recipient).filter((mail) => subject.test(mail.subject ?? ''));
    await until(() => fitting().length >= count, `${count} of ${subject} to ${recipient}`);
    return fitting().at(-1)!;
  }
}

function refusal(reply: number | string, address: string): Refusal {
  const [code, ...words] = String(reply).split(' ');
  const said = words.length > 0 ? words.join(' ') : 'Refused';
  return Object.assign(new Error(`${said}: <${address}> is not wanted here`), { responseCode: Number(code) });
}

/** The token at the end of a mail's link, which text and HTML have in common. */
export function tokenIn({ text, html }: ParsedMail): string {
  const token = /\/(?:verify|reset|join|stop)\/([\w-]+)/.exec(text ?? '')![1]!;
  if (!html || !html.includes(token)) throw new Error('the HTML has another link');
  return token;
}
