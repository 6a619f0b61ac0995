/** Takes what a command says, as a terminal does. */
export interface Terminal {
  print: (text: string) => void;
  complain: (text: string) => void;
}

/** A command of package.json, as a function of its environment and parameters. Gives the exit code. */
export type Command = (
  environment: Record<string, string | undefined>,
  parameters: string[],
  terminal: Terminal,
) => Promise<number>;

/** Runs a command as this process. */
export async function runCommand(command: Command): Promise<void> {
  const terminal: Terminal = { print: (text) => console.log(text), complain: (text) => console.error(text) };
  process.exitCode = await command(process.env, process.argv.slice(2), terminal);
}
