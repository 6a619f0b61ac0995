// Runs a script with the pinned Node: `node scripts/pinned-node.mjs scripts/start.mjs …`. It is found in its package, because
// npm before 11.6.2 makes no node_modules/.bin/node for it. This file itself has to run on Node 20.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';

const enough = 26;
const root = fileURLToPath(new URL('..', import.meta.url));
const { optionalDependencies: packages } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const onWindows = process.platform === 'win32';
const platform = `${onWindows ? 'win' : process.platform}-${process.arch}`;
const name = [`node-${platform}`, `node-bin-${platform}`].find((each) => each in packages);
const binary = name && join(root, 'node_modules', name, 'bin', onWindows ? 'node.exe' : 'node');

if (binary && existsSync(binary)) run(binary);
else if (Number.parseInt(process.versions.node, 10) >= enough) run(process.execPath);
else if (name) fail(`The package ${name} with the pinned Node is not installed: run npm ci, or use Node ${enough}.`);
else fail(`There is no pinned Node for ${platform}: use Node ${enough}.`);

function run(node) {
  const parameters = process.argv.slice(2);
  // Taking the place of this process keeps its id, group, signals and streams, and leaves nothing in between.
  if (process.execve && !onWindows) process.execve(node, [node, ...parameters], process.env);
  else remainInFrontOf(spawn(node, parameters, { stdio: 'inherit' }));
}

/** Passes signals on to the child and ends as it ends, where no process can take the place of another: before Node 22.15 and on Windows. */
function remainInFrontOf(child) {
  // A key such as Ctrl-C signals every process of the terminal's group, so the child has that signal already.
  const typed = [0, 1, 2].some((stream) => isatty(stream)) ? ['SIGINT', 'SIGQUIT'] : [];
  const signals = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, () => void (typed.includes(signal) || child.kill(signal)));
  child.once('error', ({ message }) => fail(`The pinned Node cannot run here (${message}): use Node ${enough}.`));
  child.once('exit', (code, signal) => {
    if (!signal) return process.exit(code);
    for (const each of signals) process.removeAllListeners(each);
    process.kill(process.pid, signal);
    // As the first process of a container this one is not ended by a signal that it sends to itself.
    setTimeout(() => process.exit(1), 1_000);
  });
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
