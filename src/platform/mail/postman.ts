import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { createTransport, type Transporter } from 'nodemailer';
import { type Config, CONFIG } from '../config.js';
import { mailableAddress } from '../validation/email-addresses.js';
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
  private readonly from: string;
  private readonly domain: string;

  constructor(@Inject(CONFIG) { smtpUrl, mailFrom }: Config) {
    this.from = mailFrom;
    this.domain = /@([^>\s]+)/.exec(mailFrom)?.[1] ?? 'localhost';
    this.transport = smtpUrl
      ? createTransport({
          url: smtpUrl,
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

interface SmtpError {
  responseCode?: number;
  code?: string;
  command?: string;
}

/**
 * 5xx is final (RFC 5321, section 4.2.1), but only what the server says to the addressee or the mail is about this mail: one
 * that refuses the password or the sender will take it once the host has put that right.
 */
function undeliverable({ responseCode, code, command }: SmtpError): Undeliverable {
  const aboutThisMail = command === 'RCPT TO' || command === 'DATA';
  const permanent = aboutThisMail && responseCode !== undefined && responseCode >= 500;
  const known = code && /^[A-Z_]{2,30}$/.test(code) ? code.toLowerCase() : 'smtp_failed';
  const said = responseCode === undefined ? known : `smtp_${responseCode}`;
  return new Undeliverable(code === 'EAUTH' ? 'smtp_sign_in_refused' : said, permanent);
}
