import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const sources = join(import.meta.dirname, '../../scripts/bench-sources.mjs');

interface NodeOptions {
  /** Flags for Node itself. */
  flags?: string[];
  parameters?: string[];
  /** Instead of this process's own. */
  environment?: Record<string, string>;
}

/** Another process of the same Node, which we can talk with; a file of bench/ runs as it is. */
export function startNode(
  script: string,
  { flags = [], parameters = [], environment }: NodeOptions = {},
): ChildProcess {
  return spawn(process.execPath, [...flags, '--import', sources, script, ...parameters], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // A Ctrl-C is for the bench, which stops its processes itself.
    detached: true,
    ...(environment && { env: environment }),
  });
}
