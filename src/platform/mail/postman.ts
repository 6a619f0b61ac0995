import { Inject, Injectable } from '@nestjs/common';
import { createTransport, type Transporter } from 'nodemailer';
import { type Config, CONFIG } from '../config.js';
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
export class Postman {
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
        })
      : undefined;
  }

  /** @throws Undeliverable */
  async deliver(to: string, { subject, text, html, headers }: ComposedMail, id: string): Promise<void> {
    if (!this.transport) throw new Undeliverable('no_smtp_server', false);
    try {
      await this.transport.sendMail({
        from: this.from,
        to: { name: '', address: to },
        subject,
        text,
        html,
        // The same for every attempt, so that a mail handed over twice is recognised as one.
        messageId: `<${id}@${this.domain}>`,
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All', ...headers },
      });
    } catch (error) {
      const { responseCode, code } = error as { responseCode?: number; code?: string };
      // 5xx is final (RFC 5321, section 4.2.1); everything else may pass.
      const permanent = responseCode !== undefined && responseCode >= 500;
      throw new Undeliverable(responseCode === undefined ? (code ?? 'smtp_failed') : `smtp_${responseCode}`, permanent);
    }
  }
}
