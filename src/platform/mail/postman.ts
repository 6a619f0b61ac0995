import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { createTransport, type Transporter } from 'nodemailer';
import { type Config, CONFIG } from '../config.js';
import { mailableAddress } from '../validation/email-addresses.js';
import { judge, type SmtpError } from './refusals.js';
import { greetingName, readSender, type Sender } from './sender.js';
import type { ComposedMail } from './templates.js';

/** A mail could not be handed over. The code says why; the server's own words would name the addressee. */
export class Undeliverable extends Error {
  override readonly name = 'Undeliverable';

  constructor(
    readonly code: string,
    readonly permanent: boolean,
  ) {
    super(code);
  }
}

/** Hands mails to the SMTP server of SMTP_URL. */
@Injectable()
export class Postman implements OnModuleDestroy {
  private readonly transport: Transporter | undefined;
  private readonly from: Sender;
  private readonly domain: string;

  constructor(@Inject(CONFIG) { smtpUrl, mailFrom, publicUrl }: Pick<Config, 'smtpUrl' | 'mailFrom' | 'publicUrl'>) {
    this.from = readSender(mailFrom)!;
    this.domain = this.from.address.split('@')[1]!;
    const name = greetingName(publicUrl);
    this.transport = smtpUrl
      ? createTransport({
          url: smtpUrl,
          // The name of a container is none that servers take. What the query of SMTP_URL says overrules all of this.
          ...(name && { name }),
          connectionTimeout: 20_000,
          greetingTimeout: 20_000,
          socketTimeout: 60_000,
          disableFileAccess: true,
          disableUrlAccess: true,
          // Nobody's address in nodemailer's own log.
          logger: false,
        })
      : undefined;
  }

  onModuleDestroy(): void {
    this.transport?.close();
  }

  /**
   * Connects to the server and signs in, without sending anything.
   * @throws Undeliverable
   */
  async verify(): Promise<void> {
    try {
      await this.transport?.verify();
    } catch (error) {
      throw undeliverable(error as SmtpError);
    }
  }

  /** @throws Undeliverable */
  async deliver(to: string, { subject, text, html, headers }: ComposedMail, id: string): Promise<void> {
    if (!this.transport) throw new Undeliverable('no_smtp_server', false);
    try {
      await this.transport.sendMail({
        from: this.from,
        to: { name: '', address: mailableAddress(to) },
        subject,
        text,
        html,
        // The same for every attempt, so that a mail handed over twice is recognised as one.
        messageId: `<${id}@${this.domain}>`,
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All', ...headers },
      });
    } catch (error) {
      throw undeliverable(error as SmtpError);
    }
  }
}

function undeliverable(error: SmtpError): Undeliverable {
  const { code, permanent } = judge(error);
  return new Undeliverable(code, permanent);
}
