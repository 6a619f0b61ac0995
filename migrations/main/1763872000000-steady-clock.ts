import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A time of change that no step of the clock takes back below a time that a client was told to sync from
 * (docs/decisions/0004).
 */
export class SteadyClock1763872000000 implements MigrationInterface {
  readonly name = 'SteadyClock1763872000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    // Every watermark gets another time, which takes longer than a statement may otherwise.
    await queryRunner.query('SET LOCAL statement_timeout = 0');
    for (const statement of [...mark, changeTime, oldestTransaction, syncHorizon, ...watermarks])
      await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const statement of back) await queryRunner.query(statement);
  }
}

/**
 * The highest time that a client was told to sync from, in milliseconds since 1970: a sequence, because its value is seen
 * by everybody at once, whatever their transaction began with, and is never rolled back. The second one counts steps above
 * the mark, so that changes keep their order while the clock is behind it.
 */
const mark = [
  `CREATE SEQUENCE sync_mark AS bigint MINVALUE 0 START 0`,
  `CREATE SEQUENCE sync_step AS bigint MINVALUE 1`,
];

/** Time of a change: not before its transaction began, and not before any time that was told. */
const changeTime = `
CREATE FUNCTION change_time(moment timestamptz DEFAULT clock_timestamp()) RETURNS timestamptz(3)
LANGUAGE plpgsql AS $$
DECLARE
  told timestamptz := (SELECT to_timestamp(last_value / 1000.0) FROM sync_mark);
BEGIN
  IF greatest(moment, now()) >= told THEN
    RETURN greatest(moment, now());
  END IF;
  RETURN told + nextval('sync_step') * interval '1 ms';
END $$`;

/**
 * A time that is safe to ask changes since: whatever is not visible yet is stamped at it or later. It is the start of the
 * oldest transaction that is open, and the mark is raised to it before it is told. While the clock is behind the mark, it
 * is the mark: no transaction that was open when the mark was raised had begun before it, and later ones stamp by it.
 *
 * A transaction that began between the two looks on a clock that was set back meanwhile may have stamped by the mark as it
 * was before, so then the mark stays as it was. One call at a time raises it.
 */
const syncHorizon = `
CREATE FUNCTION sync_horizon() RETURNS timestamptz(3) LANGUAGE plpgsql AS $$
DECLARE
  mark bigint;
  oldest timestamptz;
  wanted bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('sync_horizon'));
  mark := (SELECT last_value FROM sync_mark);
  oldest := least(now(), oldest_transaction());
  wanted := floor(extract(epoch FROM oldest) * 1000);
  IF wanted > mark THEN
    PERFORM setval('sync_mark', wanted);
    PERFORM pg_stat_clear_snapshot();
    IF oldest_transaction() < oldest THEN
      PERFORM setval('sync_mark', mark);
    ELSE
      mark := wanted;
    END IF;
  END IF;
  RETURN to_timestamp(mark / 1000.0);
END $$`;

/** Start of the oldest open transaction of the service, except the asking one; null when there is none. */
const oldestTransaction = `
CREATE FUNCTION oldest_transaction() RETURNS timestamptz LANGUAGE sql AS $$
  SELECT min(xact_start) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = current_setting('application_name')
    AND backend_type = 'client backend' AND pid <> pg_backend_pid()
$$`;

/**
 * In a cursor `minute` says when something was seen, as the clock had it then; `changed_minute` and `told_minute` say
 * since when that counts as a change, and never fall.
 */
const watermarks = [
  `ALTER TABLE cursor ADD COLUMN changed_minute timestamptz`,
  `UPDATE cursor SET changed_minute = minute`,
  `ALTER TABLE cursor ALTER COLUMN changed_minute SET NOT NULL,
     ALTER COLUMN changed_minute SET DEFAULT date_trunc('minute', change_time())`,
  `DROP INDEX cursor_by_minute`,
  `CREATE INDEX cursor_by_changed_minute ON cursor (subscriber_id, changed_minute) WHERE party = 'subscriber'`,
];

const back = [
  'DROP INDEX cursor_by_changed_minute',
  `CREATE INDEX cursor_by_minute ON cursor (subscriber_id, minute) WHERE party = 'subscriber'`,
  'ALTER TABLE cursor DROP COLUMN changed_minute',
  'DROP FUNCTION sync_horizon, oldest_transaction, change_time',
  'DROP SEQUENCE sync_step, sync_mark',
];
