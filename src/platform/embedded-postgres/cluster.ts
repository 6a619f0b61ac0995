import type { Binaries } from './binaries.js';
import type { User } from './system.js';

/** Settings of PostgreSQL, by their names. */
export type Settings = Record<string, string>;

/** The files of a database server, and what it takes to run one on them. */
export interface Cluster {
  dir: string;
  /** Tells its processes from those of other clusters. */
  name: string;
  /** The folder of its Unix socket. */
  socketDir: string;
  user: User | undefined;
  binaries: Binaries;
  password: string;
  passwordFile: string;
}
