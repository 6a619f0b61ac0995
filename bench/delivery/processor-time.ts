import { readFileSync, readdirSync } from 'node:fs';

/** The kernel counts processor time in hundredths of a second, whatever its own clock (sysconf _SC_CLK_TCK). */
const ticksPerSecond = 100;

interface Times {
  parent: number;
  own: number;
  /** Time of children that have ended. */
  ended: number;
}

/** Seconds of processor time of a process and all that descend from it. */
export function processorSeconds(pid: number): number {
  const all = new Map<number, Times>();
  for (const name of readdirSync('/proc')) {
    const times = /^\d+$/.test(name) ? timesOf(Number(name)) : undefined;
    if (times) all.set(Number(name), times);
  }
  const sum = (root: number): number => {
    const times = all.get(root);
    if (!times) return 0;
    const children = [...all].filter(([, { parent }]) => parent === root);
    return times.own + times.ended + children.reduce((total, [child]) => total + sum(child), 0);
  };
  return sum(pid) / ticksPerSecond;
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html; the name, in brackets, may hold spaces. */
function timesOf(pid: number): Times | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [user, system, endedUser, endedSystem] = fields.slice(11, 15) as [number, number, number, number];
    return { parent: fields[1]!, own: user + system, ended: endedUser + endedSystem };
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}
