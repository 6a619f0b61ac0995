/** Ids and numbers: nothing that a person wrote stands in a job. */
export type JobPayload = Record<string, string | number>;

export interface JobOptions {
  retryLimit?: number;
  /** Seconds before the first retry; doubled each time with `retryBackoff`. */
  retryDelay?: number;
  retryBackoff?: boolean;
  retryDelayMax?: number;
  /** Seconds after which a job under way counts as failed. */
  expireInSeconds?: number;
  /** Schedule as a crontab entry in UTC. */
  cron?: string;
  /** At most one waits or is under way for each singleton key; adding another does nothing. */
  exclusive?: boolean;
}

/** Name, payload and retries of a job. */
export interface JobKind<Payload extends JobPayload> {
  name: string;
  options: JobOptions;
  /** Only a type. */
  payload?: Payload;
}

/** Every kind of job that a slice defines; the boot fails for one without a handler. */
export const jobKinds: JobKind<JobPayload>[] = [];

export function defineJob<Payload extends JobPayload>(name: string, options: JobOptions = {}): JobKind<Payload> {
  const kind: JobKind<Payload> = { name, options };
  jobKinds.push(kind);
  return kind;
}
