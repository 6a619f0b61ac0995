import { timingSafeEqual } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { parse, stringify } from 'uuid';
import type { Account } from '../auth/account.entity.js';
import { Accounts } from '../auth/accounts.service.js';
import { LinkInvalid } from '../auth/credentials.errors.js';
import { pathOf } from '../auth/pages.js';
import { limits } from '../contract/limits.js';
import { type Config, CONFIG } from '../platform/config.js';
import { dayMilliseconds } from '../platform/durations.js';
import { Vault } from '../platform/vault/vault.js';

const idBytes = 16;
const dayBytes = 4;
const macBytes = 16;

/**
 * Links that end the mails about unread messages: an account and the day on which the link expires, under a keyed hash that
 * is made for nothing else. Nothing is stored of them.
 */
@Injectable()
export class MailStops {
  private readonly origin: string;

  constructor(
    @Inject(CONFIG) { publicUrl }: Config,
    private readonly accounts: Accounts,
    private readonly vault: Vault,
  ) {
    this.origin = publicUrl.origin;
  }

  tokenFor(accountId: string, now = Date.now()): string {
    const content = Buffer.alloc(idBytes + dayBytes);
    content.set(parse(accountId));
    content.writeUInt32BE(Math.floor(now / dayMilliseconds) + limits.mailStopDays, idBytes);
    return Buffer.concat([content, this.macOf(content)]).toString('base64url');
  }

  /** @throws LinkInvalid for a token that is not ours or has expired, and when the account is gone */
  async accountOf(token: string): Promise<Account> {
    const bytes = Buffer.from(token, 'base64url');
    if (bytes.length !== idBytes + dayBytes + macBytes) throw new LinkInvalid();
    const content = bytes.subarray(0, idBytes + dayBytes);
    const lastDay = content.readUInt32BE(idBytes);
    if (!timingSafeEqual(bytes.subarray(idBytes + dayBytes), this.macOf(content))) throw new LinkInvalid();
    if (lastDay < Math.floor(Date.now() / dayMilliseconds)) throw new LinkInvalid();
    const account = await this.accounts.find(stringify(content.subarray(0, idBytes)));
    if (!account) throw new LinkInvalid();
    return account;
  }

  /** The page with the one button. */
  stopUrl(kind: Account['kind'], token: string): string {
    return `${this.origin}${pathOf(kind, 'stopMails', token)}`;
  }

  /** Link to which a mail program posts by itself; opening it leads to {@link stopUrl}. */
  oneClickStopUrl(token: string): string {
    return `${this.origin}/api/mail-stops/${token}`;
  }

  private macOf(content: Buffer): Buffer {
    return this.vault.lookupHash('mail stop', content.toString('base64url')).subarray(0, macBytes);
  }
}
