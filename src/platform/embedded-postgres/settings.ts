import { constants } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster, Settings } from './cluster.js';
import { freePort } from '../free-port.js';
import { socketPort } from './connection.js';
import { replaceFile } from './files.js';
import { PostgresStartError } from './postgres-start-error.js';
import { onLinux, onWindows } from './system.js';

/**
 * For a machine with 2 GB and two cores that it shares with the service. They stand in `colloquio.conf`, which is written
 * anew before each start and included at the end of `postgresql.conf`: so better defaults of a later release reach old
 * clusters, while lines after the include, and ALTER SYSTEM, stay the operator's.
 */
const defaults: Settings = {
  // The service opens two small pools; a few more for a second node starting up, backups and an operator.
  max_connections: '50',
  // An eighth of the memory: the page cache and Node need the rest. It is mapped anonymously, not in /dev/shm.
  shared_buffers: '256MB',
  effective_cache_size: '1GB',
  work_mem: '8MB',
  maintenance_work_mem: '128MB',
  // With the default of 1 GB a burst of messages forces checkpoints, and each makes the following writes log full pages.
  max_wal_size: '2GB',
  wal_compression: 'pglz',
  // Any disk bought today is an SSD; the default of 4 makes the planner avoid indexes.
  random_page_cost: '1.1',
  // Compiling costs more than these short queries.
  jit: 'off',
  // An acknowledged message is on the disk. These two are the promise, do not trade them for speed.
  fsync: 'on',
  synchronous_commit: 'on',
  // Memory of parallel queries. `posix` lives in /dev/shm, which containers cut to 64 MB and systemd empties when the user
  // logs out (RemoveIPC); `mmap` writes it to the disk. PostgreSQL needs one System V segment in any case as its lock, so
  // where it runs, `sysv` works. macOS allows only 4 MB of it, so there the default stays.
  ...(onLinux && { dynamic_shared_memory_type: 'sysv' }),
  timezone: 'UTC',
  log_timezone: 'UTC',
  unix_socket_permissions: '0700',

  // One file per weekday, each emptied when its day comes again: seven small files, whatever happens.
  logging_collector: 'on',
  log_directory: 'log',
  log_filename: 'postgresql-%a.log',
  log_rotation_age: '1d',
  log_rotation_size: '0',
  log_truncate_on_rotation: 'on',

  // What people write must not reach the log. PostgreSQL logs no statements unless it is told to; but an error is logged
  // with the statement and details of the row, and its own line can quote a value ('invalid input syntax for type uuid:
  // "…"'). So errors of statements, which the service receives anyway, are not logged at all. (In the order of
  // log_min_messages, LOG stands above ERROR.)
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  // For an operator who logs slow statements for a while.
  log_parameter_max_length: '0',
};

const includeLines = `
# Colloquio writes colloquio.conf before each start. Settings of your own go below this line and win.
include 'colloquio.conf'
`;

/** Lets a new cluster read the settings that are written before each start. */
export async function includeSettings(dir: string): Promise<void> {
  const flag = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW;
  await appendFile(join(dir, 'postgresql.conf'), includeLines, { flag, flush: true });
}

export async function writeSettings({ dir, name, socketDir, user }: Cluster, settings: Settings): Promise<void> {
  const lines = Object.entries({
    ...defaults,
    ...settings,
    // Shows in the titles of its processes, by which those of a killed server are recognised.
    cluster_name: name,
    ...(onWindows
      ? { listen_addresses: '127.0.0.1', port: String(await freePort()) }
      : {
          listen_addresses: '',
          port: String(socketPort),
          unix_socket_directories: `"${socketDir.replaceAll('"', '""')}"`,
        }),
  }).map(asLine);
  const header = '# Written by Colloquio before each start; changes here are lost. See the end of postgresql.conf.\n';
  await replaceFile(join(dir, 'colloquio.conf'), header + lines.join(''), user);
}

function asLine([name, value]: [string, string]): string {
  if (!/^[a-z][a-z0-9_.]*$/i.test(name) || /[\r\n\0]/.test(value)) {
    throw new PostgresStartError(
      `${JSON.stringify(name)} is not a setting of PostgreSQL, or its value is not one line.`,
    );
  }
  return `${name} = '${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'\n`;
}
