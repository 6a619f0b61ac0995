import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { program } from './binaries.js';
import type { Cluster } from './cluster.js';
import { clusterName, ifMissing } from './files.js';
import { onLinux, onWindows, run } from './system.js';

/** The first process of a running PostgreSQL, from which all others descend. */
export interface Postmaster {
  pid: number;
  port: number;
  isStopping: boolean;
}

/** The live one that the cluster's postmaster.pid names, if that number is still (or again) its process. */
export async function findPostmaster(dir: string): Promise<Postmaster | undefined> {
  const named = await readPidFile(dir);
  return named && serves(named.pid, dir) ? named : undefined;
}

/** https://www.postgresql.org/docs/18/storage-file-layout.html; its lines are in src/include/utils/pidfile.h. */
export async function readPidFile(dir: string): Promise<Postmaster | undefined> {
  const text = await readFile(join(dir, 'postmaster.pid'), 'utf8').catch(ifMissing(''));
  const [pid, , , port, , , , status] = text.split('\n').map((line) => line.trim());
  // Negative: a single-user session; PostgreSQL itself refuses to start beside it.
  if (!(Number(pid) > 0)) return undefined;
  return { pid: Number(pid), port: Number(port), isStopping: status === 'stopping' };
}

/** Tells if this process is the PostgreSQL of this folder: process numbers are used again. */
export function serves(pid: number, dir: string): boolean {
  if (!isAlive(pid)) return false;
  if (onWindows) return true;
  if (onLinux) {
    return processFile(pid, 'comm').trim() === 'postgres' && processFile(pid, 'cmdline').split('\0').includes(dir);
  }
  const command = spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout;
  return command.includes('postgres') && command.includes(dir);
}

export function isAlive(pid: number): boolean {
  if (onLinux) {
    // A zombie, which containers without an init keep forever, answers signals like the living.
    const state = /^.*\) (\w)/s.exec(processFile(pid, 'stat'))?.[1];
    return state !== undefined && !'ZX'.includes(state);
  }
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** As shares of the time in which a PostgreSQL has to be gone: a fast shutdown, an immediate one, none at all. */
const stops = [
  ['SIGINT', 0.8],
  ['SIGQUIT', 0.15],
  ['SIGKILL', 0.05],
] as const;

/**
 * Fast shutdown: open transactions are rolled back, everything is written. Immediate only if that takes too long, in which
 * case the next start recovers from the write-ahead log.
 */
export async function stopPostmaster(
  pid: number,
  cluster: Pick<Cluster, 'dir' | 'binaries'>,
  milliseconds = 80_000,
): Promise<void> {
  const { dir, binaries } = cluster;
  if (onWindows) {
    if (!isAlive(pid)) return;
    const stop = (mode: string, share: number) => {
      const seconds = String(Math.max(1, Math.floor((milliseconds * share) / 1000)));
      return run(program(binaries, 'pg_ctl'), ['stop', '-s', '-w', '-t', seconds, '-m', mode, '-D', dir]);
    };
    if (!(await stop('fast', 0.8)).succeeded) await stop('immediate', 0.2);
    return;
  }
  for (const [signal, share] of stops) {
    if (!serves(pid, dir)) return;
    send(pid, signal);
    // It may only have been halted, and the others with it.
    send(pid, 'SIGCONT');
    signalChildren(cluster, 'SIGCONT');
    const deadline = performance.now() + milliseconds * share;
    while (serves(pid, dir) && performance.now() < deadline) await sleep(25);
  }
  // A killed one takes a moment to go, and its children may not have noticed.
  for (let tries = 0; serves(pid, dir) && tries < 20; tries++) await sleep(25);
  signalChildren(cluster, 'SIGKILL');
  if (serves(pid, dir)) throw new Error(`PostgreSQL (process ${pid}) does not stop`);
}

/** To the processes of a PostgreSQL other than the first; those of a killed one may not have noticed, because they compute. */
export function signalChildren({ dir }: Pick<Cluster, 'dir'>, signal: NodeJS.Signals): void {
  if (!onLinux) return;
  const title = `postgres: ${clusterName(dir)}: `;
  for (const pid of readdirSync('/proc').map(Number)) {
    if (pid > 1 && processFile(pid, 'cmdline').startsWith(title)) send(pid, signal);
  }
}

function processFile(pid: number, name: 'cmdline' | 'comm' | 'stat'): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has gone meanwhile.
  }
}
