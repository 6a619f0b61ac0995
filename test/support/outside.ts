import type { createRequire } from 'node:module';

/** Set by the environment of the tests, test/setup/environment.mjs: loads what the service itself has, outside Jest. */
declare const requireOutside: ReturnType<typeof createRequire>;

export const outside = (specifier: string): unknown => requireOutside(specifier);
