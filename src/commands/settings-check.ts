import { type Config, ConfigError, loadConfig } from '../platform/config.js';
import { defaultInWords, variables, withoutMarkdown } from '../platform/settings/variables.js';
import { ScannerAway } from '../media/media.errors.js';
import { Scanner } from '../media/scanner.service.js';
import { Postman, Undeliverable } from '../platform/mail/postman.js';
import { failureInWords } from '../platform/mail/refusals.js';
import type { Command, Terminal } from './command.js';

/** `npm run check-config`: explains every variable, shows what is set, finds mistakes, and tries the mail server and the virus scanner. */
export const checkSettings: Command = async (environment, _parameters, terminal) => {
  const { mistakes, warnings } = judge(environment);
  const width = Math.max(...Object.keys(variables).map((name) => name.length));
  for (const [name, variable] of Object.entries(variables)) {
    const set = environment[name]?.trim();
    const value = set
      ? 'secret' in variable
        ? '(set, secret)'
        : set
      : `(not set: ${withoutMarkdown(defaultInWords(variable))})`;
    terminal.print(`${name.padEnd(width)}  ${value}`);
    terminal.print(`${' '.repeat(width)}  ${withoutMarkdown(variable.about)}`);
  }
  terminal.print('');
  for (const warning of warnings) terminal.print(`WARNING  ${warning}`);
  for (const { variable, message } of mistakes) terminal.print(`MISTAKE  ${variable}: ${message}`);
  if (mistakes.length > 0) return 1;
  terminal.print('No mistakes found.');
  await tryMailServer(loadConfig(environment), terminal);
  await tryScanner(loadConfig(environment), terminal);
  return 0;
};

/** A server that is away now is no mistake in the settings: mails wait for it. */
async function tryMailServer(config: Config, { print }: Terminal): Promise<void> {
  if (!config.smtpUrl) return;
  const postman = new Postman(config);
  try {
    await postman.verify();
    print('The mail server of SMTP_URL answers, and accepts the user and password if there are any.');
  } catch (error) {
    if (!(error instanceof Undeliverable)) throw error;
    print(`WARNING  SMTP_URL: ${failureInWords(error.code) ?? 'the mail server cannot be used'} (${error.code}).`);
  } finally {
    postman.onModuleDestroy();
  }
}

/** A scanner that is away now is no mistake either: files wait for it. */
async function tryScanner(config: Config, { print }: Terminal): Promise<void> {
  const scanner = new Scanner(config);
  if (!scanner.configured) return;
  try {
    await scanner.reach();
    print('The virus scanner of CLAMD_URL answers.');
  } catch (error) {
    if (!(error instanceof ScannerAway)) throw error;
    print(`WARNING  CLAMD_URL: the address does not answer like a virus scanner (${error.code}).`);
  }
}

function judge(
  environment: Record<string, string | undefined>,
): Pick<ConfigError, 'mistakes'> & { warnings: string[] } {
  try {
    return { mistakes: [], warnings: loadConfig(environment).warnings };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { mistakes: error.mistakes, warnings: [] };
  }
}
