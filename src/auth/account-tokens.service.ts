import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, LessThanOrEqual, MoreThan, type Repository } from 'typeorm';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { AccountToken } from './account-token.entity.js';
import { LinkInvalid } from './credentials.errors.js';

type Purpose = AccountToken['purpose'];

const purgeTokens = defineJob('account_token.purge', { cron: '23 * * * *' });

/** The tokens of mailed links: 256 random bits, told in the mail alone and kept as a hash. */
@Injectable()
export class AccountTokens {
  constructor(
    @InjectRepository(AccountToken) private readonly tokens: Repository<AccountToken>,
    jobs: Jobs,
  ) {
    jobs.handle(purgeTokens, async () => {
      await this.tokens.delete({ expiresAt: LessThanOrEqual(new Date()) });
    });
  }

  /** @returns the token */
  async issue(
    manager: EntityManager,
    { minutes, ...token }: Pick<AccountToken, 'accountId' | 'purpose' | 'emailHash'> & { minutes: number },
  ): Promise<{ token: string; expiresAt: Date }> {
    const secret = randomBytes(32).toString('base64url');
    const createdAt = new Date();
    const expiresAt = new Date(createdAt.getTime() + minutes * 60 * 1000);
    await manager.insert(AccountToken, { tokenHash: hashOf(secret), ...token, expiresAt, createdAt });
    return { token: secret, expiresAt };
  }

  /** @throws LinkInvalid */
  async find(purpose: Purpose, token: string): Promise<AccountToken> {
    const found = await this.tokens.findOneBy({ tokenHash: hashOf(token), purpose, expiresAt: MoreThan(new Date()) });
    if (!found) throw new LinkInvalid();
    return found;
  }

  /**
   * Uses a token up; of two who try at once one succeeds.
   * @throws LinkInvalid
   */
  async use(manager: EntityManager, { tokenHash }: AccountToken): Promise<void> {
    const { affected } = await manager.delete(AccountToken, { tokenHash, expiresAt: MoreThan(new Date()) });
    if (!affected) throw new LinkInvalid();
  }

  async withdraw(manager: EntityManager, accountId: string, purpose?: Purpose): Promise<void> {
    await manager.delete(AccountToken, { accountId, ...(purpose && { purpose }) });
  }
}

const hashOf = (token: string) => createHash('sha256').update(token).digest();
