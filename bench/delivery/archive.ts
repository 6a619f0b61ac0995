import type { Figure } from './figure.js';
import type { Contestant, Scene } from './scene.js';
import type { Stage } from './stage.js';
import { requireAll } from './throughput.js';

const empty = 'archive_empty';
const full = 'archive_full';
const window = 8;
const warmUpSeconds = 2;

/** Messages per second on an archive of millions, in turns with an empty one on the same server. */
export async function archive(scene: Scene): Promise<Figure[]> {
  const stage = await scene.newDatabase(empty);
  await scene.newDatabase(full);
  const stored = await fillMessages(stage, full, scene.options.stored);
  const [few, many] = [await scene.colloquio(empty), await scene.colloquio(full)];
  const speeds = new Map<Contestant, number[]>([
    [few, []],
    [many, []],
  ]);
  for (let round = 0; round < scene.options.rounds; round++) {
    for (const [contestant, measured] of speeds) {
      await stage.query('postgres', 'CHECKPOINT');
      const run = { window, warmUpSeconds, seconds: scene.options.seconds };
      const result = await contestant.load.run(run, () => undefined);
      requireAll(contestant, result);
      measured.push(result.finished / result.seconds);
    }
  }
  const [size] = await stage.query<{ size: string }>(
    'postgres',
    `SELECT pg_size_pretty(pg_database_size('${full}')) AS size`,
  );
  return [
    {
      title: `Messages with receipts, with ${stored.toLocaleString('en')} stored`,
      unit: '/s',
      ours: speeds.get(many)!,
      beside: 'with an empty archive',
      others: speeds.get(few)!,
      mark: { kind: 'at least', value: 0.85 },
      notes: [`The full database has ${size!.size}; both have the same 256 MB of shared buffers.`],
    },
  ];
}

/**
 * Writes messages of the size of sealed ones into all conversations, in the order in which time brings them. What they
 * would say nobody reads here.
 * @returns how many
 */
export async function fillMessages(stage: Stage, database: string, wanted: number): Promise<number> {
  const client = await stage.connect(database);
  try {
    const { rows } = await client.query<{ count: number }>('SELECT count(*)::integer AS count FROM conversation');
    const each = Math.ceil(wanted / rows[0]!.count);
    // What the rows refer to is there; looking it up five million times would only take time.
    await client.query('SET session_replication_role = replica');
    await client.query(
      `INSERT INTO message (subscriber_id, conversation_id, seq, sender, client_id, digest, body, revision, sent_at)
       SELECT subscriber_id, id, seq, (ARRAY['subscriber', 'interlocutor'])[1 + seq % 2]::party, gen_random_uuid()::text,
              ${randomBytes(32)}, ${randomBytes(128)}, seq, now() - ($1 - seq) * interval '10 hours'
       FROM generate_series(1, $1::integer) AS seq CROSS JOIN conversation`,
      [each],
    );
    await client.query('UPDATE conversation SET last_seq = $1, revision = $1, last_message_at = now()', [each]);
    await client.query('UPDATE watermark SET delivered_seq = $1, seen_seq = $1', [each]);
    await client.query('VACUUM ANALYZE');
    await client.query('CHECKPOINT');
    return each * rows[0]!.count;
  } finally {
    await client.end();
  }
}

/** An expression that gives so many bytes, a multiple of 16, new for each row. */
function randomBytes(count: number): string {
  const sixteen = `uuid_send(gen_random_uuid())`;
  return Array.from({ length: count / 16 }, () => sixteen).join(' || ');
}
