export interface RunRow {
  subscriberId: string;
  id: string;
  months: number;
  cutoff: Date;
  /** The conversation after which it continues. */
  checkpoint: string | null;
}

/** Begins a run for every subscriber whose messages go, unless one is under way. $1 now. */
export const beginRunsQuery = `
  INSERT INTO retention_run (subscriber_id, id, months, cutoff, started_at)
  SELECT subscriber_id, gen_random_uuid(), retention_months, $1::timestamptz - make_interval(months => retention_months), $1
  FROM subscriber WHERE retention_from <= $1 AND stopped_at IS NULL
  ON CONFLICT (subscriber_id) WHERE finished_at IS NULL DO NOTHING`;

/** Runs under way, the oldest first. */
export const runsUnderWayQuery = `
  SELECT subscriber_id AS "subscriberId", id, months, cutoff, checkpoint FROM retention_run
  WHERE finished_at IS NULL ORDER BY started_at LIMIT 1000`;

/** $1 subscriber, $2 run, $3 the conversation behind which it goes on. */
export const checkpointQuery = `UPDATE retention_run SET checkpoint = $3 WHERE subscriber_id = $1 AND id = $2`;

/** Adds to the counts of a run. $1 subscriber, $2 run, $3 messages, $4 files, $5 broadcasts. */
export const countQuery = `
  UPDATE retention_run SET messages = messages + $3, files = files + $4, broadcasts = broadcasts + $5
  WHERE subscriber_id = $1 AND id = $2`;

/** $1 subscriber, $2 run, $3 conversations that were left out. */
export const finishQuery = `
  UPDATE retention_run SET finished_at = clock_timestamp(), checkpoint = NULL, left_out = $3
  WHERE subscriber_id = $1 AND id = $2`;

/** Forgets runs that deleted nothing, and those of two years ago. $1 subscriber. */
export const forgetRunsQuery = `
  DELETE FROM retention_run
  WHERE subscriber_id = $1 AND finished_at IS NOT NULL
    AND (messages + broadcasts = 0 OR finished_at < now() - interval '2 years')`;

export interface RunViewRow {
  id: string;
  months: number;
  before: Date;
  startedAt: Date;
  finishedAt: Date | null;
  messages: number;
  files: number;
  broadcasts: number;
  leftOut: number;
}

/** The last runs. $1 subscriber, $2 how many. */
export const lastRunsQuery = `
  SELECT id, months, cutoff AS before, started_at AS "startedAt", finished_at AS "finishedAt", messages, files, broadcasts,
         left_out AS "leftOut"
  FROM retention_run WHERE subscriber_id = $1 ORDER BY started_at DESC, id DESC LIMIT $2`;

/**
 * The next midnight at least this many days after a time, and the time this many months before it. $1 now, $2 days, $3 months.
 */
export const termQuery = `
  SELECT "from", "from" - make_interval(months => $3) AS before
  FROM (SELECT date_trunc('day', $1::timestamptz + make_interval(days => $2 + 1), 'UTC') AS "from") AS term`;
