import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

export const superuser = 'colloquio';
export const socketPort = 5432;

export interface PostgresConnection {
  /** The folder of the Unix socket, or 127.0.0.1 on Windows. */
  host: string;
  port: number;
  user: string;
  password: string;
}

export type Answer = 'ready' | 'starting' | 'full' | 'denied' | 'silent';

export function clientOf(connection: PostgresConnection): pg.Client {
  const client = new pg.Client({ ...connection, database: 'postgres', ssl: false, connectionTimeoutMillis: 5_000 });
  // A connection that breaks fails what is asked next.
  client.on('error', () => undefined);
  return client;
}

/** The first `ready` or `denied`, or the last answer when patience ended. */
export async function waitForAnswer(
  connection: PostgresConnection,
  milliseconds: number,
  isGone: () => boolean | Promise<boolean>,
): Promise<Exclude<Answer, 'starting'> | 'gone'> {
  let deadline = Date.now() + milliseconds;
  for (;;) {
    if (await isGone()) return 'gone';
    const answer = await ask(connection);
    if (answer === 'ready' || answer === 'denied') return answer;
    // Recovery after a crash takes as long as it takes; to interrupt it would only begin it again.
    if (answer === 'starting') deadline = Date.now() + milliseconds;
    else if (Date.now() > deadline) return answer;
    await sleep(30);
  }
}

/** Tries to connect and reports the answer. */
export async function ask(connection: PostgresConnection): Promise<Answer> {
  const client = clientOf(connection);
  try {
    await client.connect();
    return 'ready';
  } catch (error) {
    switch ((error as { code?: string }).code) {
      case '57P03':
        return 'starting';
      case '53300':
        return 'full';
      case '28P01':
      case '28000':
        return 'denied';
      default:
        return 'silent';
    }
  } finally {
    await client.end().catch(() => undefined);
  }
}
