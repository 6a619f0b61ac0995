// Runs Jest as native ESM and prints the plain count as the last line. Without more it runs the tests of *.test.ts and
// *.spec.ts; with --quick fewer of them; with --long those of *.long.ts, which take too long to wait for at every change; with --all both, one after the other.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import './build.mjs';

const root = join(import.meta.dirname, '..');
const long = '--testMatch=<rootDir>/test/**/*.long.ts';
/** Files that start processes or browsers, and those that put the service under load or let much go wrong. */
const slow = [
  '(process|browser)/',
  '(backup|erasures|failures|floods|hostile|hostile-files|imports|mail|media|one-sender|races|s3)[.]test',
];
const quick = `--testPathIgnorePatterns=/test/(${slow.join('|')})`;
const forms = { '--quick': [[quick]], '--long': [[long]], '--all': [[], [long]] };

const given = process.argv.slice(2);
const form = given.find((each) => each in forms);
const parameters = given.filter((each) => each !== form);
const runs = (forms[form] ?? [[]]).map((more) => run(...parameters, ...more));
const [passed, failed, skipped] = ['passed', 'failed', 'skipped'].map((name) =>
  runs.reduce((sum, each) => sum + each[name], 0),
);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = runs.find(({ status }) => status !== 0)?.status ?? 0;

function run(...parameters) {
  const folder = mkdtempSync(join(tmpdir(), 'colloquio-test-'));
  const report = join(folder, 'report.json');
  const { status } = spawnSync(
    process.execPath,
    [
      '--experimental-vm-modules',
      // Workers load thousands of modules, and live long: a tenth of their time went into collecting young garbage.
      '--max-semi-space-size=64',
      '--disable-warning=ExperimentalWarning',
      join(root, 'node_modules/jest/bin/jest.js'),
      '--json',
      `--outputFile=${report}`,
      ...parameters,
    ],
    {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
      // Each worker loads the service; the folder is the one that a start uses.
      env: { NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'), ...process.env },
    },
  );
  const counts = { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, numRuntimeErrorTestSuites: 0 };
  try {
    Object.assign(counts, JSON.parse(readFileSync(report, 'utf8')));
  } catch {
    console.error('Jest ended without a report.');
  }
  rmSync(folder, { recursive: true, force: true });
  return {
    passed: counts.numPassedTests,
    // A file that cannot even be loaded holds no test, and must not count as none failed.
    failed: counts.numFailedTests + counts.numRuntimeErrorTestSuites,
    skipped: counts.numPendingTests,
    status: status ?? 1,
  };
}
