import Sequencer from '@jest/test-sequencer';

/** Files that take longest: begun last, each would be waited for alone. */
const longest = [
  'test/process/crash.long.ts',
  'test/process/crash-files.long.ts',
  'test/process/erasure.long.ts',
  'test/process/backup.long.ts',
  'test/process/stopping.long.ts',
  'test/process/starting.long.ts',
  'test/process/starting.test.ts',
  'test/process/crash.test.ts',
  'test/process/erasure.test.ts',
  'test/process/stopping.test.ts',
  'test/broadcasts.test.ts',
  'test/isolation.test.ts',
  'test/backup.test.ts',
  'test/imports.test.ts',
  'test/delivery.test.ts',
];

/** Begins with the longest, which on a fresh clone nobody has measured yet; the rest as Jest does. */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const place = longest.findIndex((file) => path.endsWith(`/${file}`));
      return place < 0 ? longest.length : place;
    };
    return super.sort(tests).sort((a, b) => rank(a) - rank(b));
  }
}
