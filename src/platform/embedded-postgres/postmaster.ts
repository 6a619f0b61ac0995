import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { program } from './binaries.js';
import type { Cluster } from './cluster.js';
import { ifMissing } from './files.js';
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

/** Whether this process is the PostgreSQL of this folder: process numbers are used again. */
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

/**
 * Fast shutdown: open transactions are rolled back, everything is written. Immediate only if that takes a minute, in which
 * case the next start recovers from the write-ahead log.
 */
export async function stopPostmaster(pid: number, { dir, binaries }: Pick<Cluster, 'dir' | 'binaries'>): Promise<void> {
  if (onWindows) {
    if (!isAlive(pid)) return;
    const stop = (mode: string) =>
      run(program(binaries, 'pg_ctl'), ['stop', '-s', '-w', '-t', '60', '-m', mode, '-D', dir]);
    if (!(await stop('fast')).succeeded) await stop('immediate');
    return;
  }
  const steps = [
    ['SIGINT', 60_000],
    ['SIGQUIT', 15_000],
    ['SIGKILL', 5_000],
  ] as const;
  for (const [signal, patience] of steps) {
    if (!serves(pid, dir)) return;
    send(pid, signal);
    const deadline = Date.now() + patience;
    while (serves(pid, dir) && Date.now() < deadline) await sleep(25);
  }
  if (serves(pid, dir)) throw new Error(`PostgreSQL (process ${pid}) does not stop`);
}

/** Ends the children of a killed PostgreSQL that have not noticed, because they compute. */
export function endOrphans({ name }: Pick<Cluster, 'name'>): void {
  if (!onLinux) return;
  for (const pid of readdirSync('/proc').map(Number)) {
    if (pid > 1 && processFile(pid, 'cmdline').startsWith(`postgres: ${name}: `)) send(pid, 'SIGQUIT');
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
