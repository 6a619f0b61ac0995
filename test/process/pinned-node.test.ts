import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { until } from '../support/installation.js';

/** Ways of npm's scripts to the pinned Node: in their own process where Node can do that, otherwise in a child. */

const runner = fileURLToPath(new URL('../../scripts/pinned-node.mjs', import.meta.url));
const platform = `${process.platform}-${process.arch}`;
const pinned = `node-${platform === 'darwin-arm64' ? `bin-${platform}` : platform}`;
const withoutExec = ['--import', 'data:text/javascript,delete process.execve'];

async function packages(): Promise<Record<string, string>> {
  return JSON.parse(await readFile('package.json', 'utf8')).optionalDependencies;
}

function begin(nodeArguments: string[], code: string) {
  const child = spawn(process.execPath, [...nodeArguments, runner, '-e', code], { stdio: ['pipe', 'pipe', 'inherit'] });
  const run = { child, said: '', ended: once(child, 'close') };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (run.said += text));
  return run;
}

test('every npm script finds the pinned Node, whatever npm has linked', async () => {
  const { scripts } = JSON.parse(await readFile('package.json', 'utf8')) as { scripts: Record<string, string> };
  const commands = Object.values(scripts).flatMap((script) => script.split(' && '));
  expect(commands.filter((each) => !/^(exec node scripts\/pinned-node\.mjs |npm run check:\w+$)/.test(each))).toEqual(
    [],
  );
});

describe.each([
  ['in the place of the Node that npm runs on', []],
  ['in front of it, under an older Node', withoutExec],
] as const)('%s', (_where, nodeArguments) => {
  test('the pinned Node gets input and arguments, and its exit code is passed on', async () => {
    const code = 'process.stdin.pipe(process.stdout); process.exitCode = 7; process.stdout.write(process.version)';
    const run = begin([...nodeArguments], code);
    run.child.stdin.end(', heard');
    expect(await run.ended).toEqual([7, null]);
    expect(run.said).toBe(`v${(await packages())[pinned]!}, heard`);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s reaches it exactly once', async (signal) => {
    const code = `let count = 0;
      process.on('${signal}', () => count++ || setTimeout(() => process.exit(count), 300));
      setInterval(() => {}, 1000);
      console.log('ready');`;
    const run = begin([...nodeArguments], code);
    await until(() => run.said.includes('ready'), 'it runs');
    run.child.kill(signal);
    expect(await run.ended).toEqual([1, null]);
  });

  test('a signal that ends it also ends the process that npm waits for', async () => {
    const run = begin([...nodeArguments], `console.log('ready'); setInterval(() => {}, 1000)`);
    await until(() => run.said.includes('ready'), 'it runs');
    run.child.kill('SIGTERM');
    expect(await run.ended).toEqual([null, 'SIGTERM']);
  });
});
