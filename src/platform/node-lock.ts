import { Client } from 'pg';
import { clientOptions, type DatabaseAddress } from './database.js';
import { cutClient } from './database-connections.js';
import { within } from './deadline.js';
import type { Log } from './log.js';
import { StartError } from './start-error.js';

/** Any number that nothing else locks in the keyring database. */
const lockNumber = 0x0c0119;
const retryMilliseconds = 500;
const farewellMilliseconds = 300;
/** Deadlines of the lock's few queries, which are answered at once or not at all. */
const deadlines = { connectionTimeoutMillis: 5_000, query_timeout: 5_000 };
/** About five seconds: an own connection that broke may hold the lock for a moment. */
const refusalsUntilGivenUp = 10;

/**
 * Makes sure that one service at a time works on a keyring: a second one would not learn of destroyed keys and ended
 * sessions. The lock belongs to a connection, so that it is free as soon as the process is gone, however it ended.
 */
export class NodeLock {
  /** Called when another service holds the lock that this one has lost. */
  onTakenOver: () => void = () => {};
  private client: Client | undefined;
  private released = false;
  private retaking: Promise<void> | undefined;

  private constructor(
    private readonly connect: () => Client,
    /** Brings the database back, if that is in our hands. */
    private readonly revive: () => Promise<void>,
    private readonly log: Log,
  ) {}

  /** Tells if no service runs on this keyring now. */
  static async isFree(address: DatabaseAddress | string): Promise<boolean> {
    const client = new Client({ ...clientOptions(address), ...deadlines });
    await client.connect();
    try {
      const { rows } = await client.query<{ free: boolean }>('SELECT pg_try_advisory_lock($1) AS free', [lockNumber]);
      return rows[0]!.free;
    } finally {
      await client.end();
    }
  }

  /** @throws StartError when another service has the lock */
  static async acquire(address: DatabaseAddress | string, revive: () => Promise<void>, log: Log): Promise<NodeLock> {
    const connect = () =>
      new Client({
        ...clientOptions(address),
        ...deadlines,
        keepAlive: true,
        application_name: 'colloquio-lock',
      });
    const lock = new NodeLock(connect, revive, log);
    if (!(await lock.attempt())) {
      throw new StartError(
        'Another Colloquio is running on this data: stop it first, or choose another DATA_DIR and PORT.',
      );
    }
    return lock;
  }

  async release(): Promise<void> {
    this.released = true;
    // A database that is being brought back can be stopped only when it is there.
    await this.retaking;
    const { client } = this;
    if (!client) return;
    // A database that does not answer does not say goodbye either.
    await within(farewellMilliseconds, client.end(), 'a farewell').catch(() => cutClient(client));
  }

  private async attempt(): Promise<boolean> {
    // Its connection may break at any moment; what is under way on it rejects, and the end is noticed below.
    const client = this.connect().on('error', () => {});
    await client.connect();
    const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1) AS taken', [lockNumber]);
    if (!rows[0]!.taken) {
      await client.end();
      return false;
    }
    this.client = client;
    let lost = false;
    const notice = () => {
      if (lost || this.released) return;
      lost = true;
      this.retaking = this.retake();
    };
    client.once('error', notice).once('end', notice);
    return true;
  }

  /** After the database has gone: waits for it, and takes the lock again. Requests fail meanwhile and may be retried. */
  private async retake(): Promise<void> {
    this.log.warn('The database connection was lost; trying again.');
    let refusals = 0;
    while (!this.released) {
      try {
        await this.revive();
        if (await this.attempt()) return this.log.warn('The database is back.');
        if (++refusals >= refusalsUntilGivenUp) {
          this.log.warn('Another Colloquio has taken over this data; this one stops.');
          return this.onTakenOver();
        }
      } catch (error) {
        this.log.failure(error);
      }
      await new Promise((resolve) => setTimeout(resolve, retryMilliseconds));
    }
  }
}
