import { ConfigError, loadConfig, variables } from '../platform/config.js';

/** `npm run check-config`: explains every variable, shows what is set, and finds mistakes. */
const { mistakes, warnings } = judge(process.env);
const width = Math.max(...Object.keys(variables).map((name) => name.length));
for (const [name, variable] of Object.entries(variables)) {
  const set = process.env[name]?.trim();
  const value = set ? ('secret' in variable ? '(set, secret)' : set) : `(not set: ${variable.default})`;
  console.log(`${name.padEnd(width)}  ${value}`);
  console.log(`${' '.repeat(width)}  ${variable.about}`);
}
console.log();
for (const warning of warnings) console.log(`WARNING  ${warning}`);
for (const { variable, message } of mistakes) console.log(`MISTAKE  ${variable}: ${message}`);
if (mistakes.length === 0) console.log('No mistakes found.');
process.exitCode = mistakes.length === 0 ? 0 : 1;

function judge(environment: NodeJS.ProcessEnv): Pick<ConfigError, 'mistakes'> & { warnings: string[] } {
  try {
    return { mistakes: [], warnings: loadConfig(environment).warnings };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { mistakes: error.mistakes, warnings: [] };
  }
}
