import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { type Config, CONFIG } from '../platform/config.js';
import { isLoopback } from '../platform/settings/readers.js';
import { Vault } from '../platform/vault/vault.js';
import type { Invitation } from './invitation.entity.js';

const codeBytes = 16;

/** The codes of invitations, and the addresses made of them. */
@Injectable()
export class InvitationLinks {
  private readonly origin: string;
  /** Only this machine can open the links. */
  readonly onlyHere: boolean;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly vault: Vault,
  ) {
    this.origin = config.publicUrl.origin;
    this.onlyHere = isLoopback(config.publicUrl.hostname);
  }

  /** A new code, as the invitation keeps it. */
  async make(subscriberId: string, id: string): Promise<Pick<Invitation, 'code' | 'codeHash'>> {
    const code = randomBytes(codeBytes).toString('base64url');
    const key = { scope: 'subscriber', id: subscriberId } as const;
    return {
      code: await this.vault.seal(key, code, codeContext(subscriberId, id)),
      codeHash: this.codeHash(code),
    };
  }

  codeHash(code: string): Buffer {
    return this.vault.lookupHash('invitation', code);
  }

  open({ subscriberId, id, code }: Invitation): Promise<string> {
    return this.vault.open({ scope: 'subscriber', id: subscriberId }, code, codeContext(subscriberId, id));
  }

  joinUrl(code: string): string {
    return `${this.origin}/join/${code}`;
  }

  /** Link by which an invited person says "do not write to me again". */
  stopUrl(code: string): string {
    return `${this.origin}/app/stop/${code}`;
  }

  /** Link to which a mail program posts the same by itself (RFC 8058); opening it leads to {@link stopUrl}. */
  oneClickStopUrl(code: string): string {
    return `${this.origin}/api/invitations/by-code/${code}/stop`;
  }
}

const codeContext = (subscriberId: string, id: string) => ['invitation', subscriberId, id, 'code'];
