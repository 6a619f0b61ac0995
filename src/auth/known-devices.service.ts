import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { limits } from '../contract/limits.js';
import { dayMilliseconds } from '../platform/durations.js';
import { Vault } from '../platform/vault/vault.js';

/**
 * Devices on which accounts have been signed in. Each bears a random mark in a cookie, which outlives logging out, so that its
 * next sign-in is not told of as that of a new device. An account keeps keyed hashes of marks, which differ between accounts.
 */
@Injectable()
export class KnownDevices {
  constructor(
    private readonly database: DataSource,
    private readonly vault: Vault,
  ) {}

  /** A mark for a device that bears none. */
  newMark(): string {
    return randomBytes(32).toString('base64url');
  }

  /** Tells if the account was signed in before on the device that bears the mark. */
  async knows(manager: EntityManager, accountId: string, mark: string): Promise<boolean> {
    const rows = await manager.query<unknown[]>(
      'SELECT FROM known_device WHERE account_id = $1 AND mark_hash = $2 AND used_at > $3',
      [accountId, this.hashOf(accountId, mark), forgottenBefore()],
    );
    return rows.length > 0;
  }

  /** Notes that the account is used on the device. Beyond the devices that an account may have the oldest are forgotten. */
  async note(accountId: string, mark: string): Promise<void> {
    await this.database.query(
      `INSERT INTO known_device (account_id, mark_hash, used_at) SELECT id, $2, now() FROM account WHERE id = $1
       ON CONFLICT (account_id, mark_hash) DO UPDATE SET used_at = excluded.used_at`,
      [accountId, this.hashOf(accountId, mark)],
    );
    await this.database.query(
      `DELETE FROM known_device WHERE account_id = $1 AND mark_hash IN (
         SELECT mark_hash FROM known_device WHERE account_id = $1 ORDER BY used_at DESC, mark_hash OFFSET $2)`,
      [accountId, limits.knownDevices],
    );
  }

  /** Keeps a device known that stays signed in; written at most once a month. */
  async keep(accountId: string, mark: string): Promise<void> {
    await this.database.query(
      `UPDATE known_device SET used_at = now()
       WHERE account_id = $1 AND mark_hash = $2 AND used_at < now() - interval '30 days'`,
      [accountId, this.hashOf(accountId, mark)],
    );
  }

  /**
   * Forgets the devices of an account, because its password has changed: who knew the former one may have signed in on any.
   * @param except mark of the device on which it was changed
   */
  async forget(manager: EntityManager, accountId: string, except: string | undefined): Promise<void> {
    await manager.query('DELETE FROM known_device WHERE account_id = $1 AND mark_hash IS DISTINCT FROM $2::bytea', [
      accountId,
      except === undefined ? null : this.hashOf(accountId, except),
    ]);
  }

  async sweep(): Promise<void> {
    await this.database.query('DELETE FROM known_device WHERE used_at <= $1', [forgottenBefore()]);
  }

  private hashOf(accountId: string, mark: string): Buffer {
    return this.vault.lookupHash('known device', `${accountId}\0${mark}`);
  }
}

const forgottenBefore = () => new Date(Date.now() - limits.knownDeviceDays * dayMilliseconds);
