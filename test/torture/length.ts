/** Length and seed of a torture run, as given by scripts/torture.mjs. */
export const minutes = Number(process.env['TORTURE_MINUTES'] ?? 10);
export const seed = Number(process.env['TORTURE_SEED'] ?? 1);

/** Beyond its time, what was begun is brought to an end. */
export const patience = (minutes + 10) * 60_000;
