import { ConfigError, loadConfig, misspelled, type VariableName, variables } from '../platform/config.js';

/** `npm run check-config`: explains every variable, shows what is set, and finds mistakes. */
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
