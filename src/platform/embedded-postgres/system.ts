import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export const onWindows = process.platform === 'win32';
export const onLinux = process.platform === 'linux';
export const asRoot = process.getuid?.() === 0;

/** User that runs PostgreSQL when the service runs as root, because PostgreSQL refuses to run as root. */
export interface User {
  uid: number;
  gid: number;
}

const { SystemRoot, PATH, TEMP, TMP } = process.env;

/** Nothing of ours: it holds secrets, and PostgreSQL's behaviour must not depend on who started the service. */
export const environment: NodeJS.ProcessEnv = {
  LC_ALL: 'C',
  TZ: 'UTC',
  ...(onWindows && { SystemRoot, PATH, TEMP, TMP }),
};

/** Runs a program to its end. The output is all that it printed or, when there is nothing, why it failed. */
export async function run(
  program: string,
  parameters: string[],
  { user, input }: { user?: User; input?: string } = {},
): Promise<{ succeeded: boolean; output: string }> {
  try {
    const options = { ...user, cwd: onWindows ? undefined : '/', env: environment, windowsHide: true };
    const running = promisify(execFile)(program, parameters, options);
    // It may end without reading.
    running.child.stdin?.on('error', () => undefined).end(input);
    const { stdout, stderr } = await running;
    return { succeeded: true, output: stdout + stderr };
  } catch (error) {
    const { stdout, stderr, message } = error as { stdout?: string; stderr?: string; message: string };
    return { succeeded: false, output: [stdout, stderr].join('') || message };
  }
}

/** Tried out rather than derived from mode bits: access lists, mounts and capabilities have a say too. */
export async function may(user: User, script: string, ...parameters: string[]): Promise<boolean> {
  return (await run('/bin/sh', ['-c', script, 'sh', ...parameters], { user })).succeeded;
}
