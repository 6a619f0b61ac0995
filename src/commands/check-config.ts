import { failureInWords } from '../platform/mail/refusals.js';
import { Postman, Undeliverable } from '../platform/mail/postman.js';
import { type Config, ConfigError, loadConfig, misspelled, type VariableName, variables } from '../platform/config.js';

/** `npm run check-config`: explains every variable, shows what is set, finds mistakes, and tries the mail server. */
const mistakes = mistakesIn(process.env);
const width = Math.max(...Object.keys(variables).map((name) => name.length));
for (const [name, variable] of Object.entries(variables)) {
  const set = process.env[name]?.trim();
  const value = set ? ('secret' in variable ? '(set, secret)' : set) : `(not set: ${variable.default})`;
  console.log(`${name.padEnd(width)}  ${value}`);
  console.log(`${' '.repeat(width)}  ${variable.about}`);
}
console.log();
for (const [variable, message] of mistakes) console.log(`MISTAKE  ${variable}: ${message}`);
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

function mistakesIn(environment: NodeJS.ProcessEnv): [string, string][] {
  const spelling = Object.keys(environment).flatMap((name): [string, string][] => {
    const meant: VariableName | undefined = misspelled(name);
    return meant ? [[name, `is not read; did you mean ${meant}?`]] : [];
  });
  try {
    loadConfig(environment);
    return spelling;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [...error.mistakes.map(({ variable, message }): [string, string] => [variable, message]), ...spelling];
  }
}
