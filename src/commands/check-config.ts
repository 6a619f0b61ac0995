import { type Config, ConfigError, loadConfig, variables, withoutMarkdown } from '../platform/config.js';
import { Postman, Undeliverable } from '../platform/mail/postman.js';
import { failureInWords } from '../platform/mail/refusals.js';

/** `npm run check-config`: explains every variable, shows what is set, finds mistakes, and tries the mail server. */
const { mistakes, warnings } = judge(process.env);
const width = Math.max(...Object.keys(variables).map((name) => name.length));
for (const [name, variable] of Object.entries(variables)) {
  const set = process.env[name]?.trim();
  const value = set
    ? 'secret' in variable
      ? '(set, secret)'
      : set
    : `(not set: ${withoutMarkdown(variable.default)})`;
  console.log(`${name.padEnd(width)}  ${value}`);
  console.log(`${' '.repeat(width)}  ${withoutMarkdown(variable.about)}`);
}
console.log();
for (const warning of warnings) console.log(`WARNING  ${warning}`);
for (const { variable, message } of mistakes) console.log(`MISTAKE  ${variable}: ${message}`);
if (mistakes.length === 0) console.log('No mistakes found.');
process.exitCode = mistakes.length === 0 ? 0 : 1;
if (mistakes.length === 0) await tryMailServer(loadConfig(process.env));

/** A server that is away now is no mistake in the settings: mails wait for it. */
async function tryMailServer(config: Config): Promise<void> {
  if (!config.smtpUrl) return;
  const postman = new Postman(config);
  try {
    await postman.verify();
    console.log('The mail server of SMTP_URL answers, and takes the user and the password if there are any.');
  } catch (error) {
    if (!(error instanceof Undeliverable)) throw error;
    console.log(
      `WARNING  SMTP_URL: ${failureInWords(error.code) ?? 'the mail server cannot be used'} (${error.code}).`,
    );
  } finally {
    postman.onModuleDestroy();
  }
}

function judge(environment: NodeJS.ProcessEnv): Pick<ConfigError, 'mistakes'> & { warnings: string[] } {
  try {
    return { mistakes: [], warnings: loadConfig(environment).warnings };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { mistakes: error.mistakes, warnings: [] };
  }
}
