import type { Command } from '../../src/commands/command.js';

/** Runs a command of package.json in this process, to its end. */
export async function run(command: Command, environment: Record<string, string> = {}, ...parameters: string[]) {
  const said = { stdout: '', stderr: '' };
  const terminal = {
    print: (text: string) => void (said.stdout += `${text}\n`),
    complain: (text: string) => void (said.stderr += `${text}\n`),
  };
  const code = await command(environment, parameters, terminal);
  return { code, ...said };
}
