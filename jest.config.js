/** Node loads the service and packages, once for all files of a worker; see test/setup/environment.mjs. */
const loadedByNode = '/(?:dist/src|node_modules)/';

/**
 * Packages that Jest loads after all: objects that they make or judge as plain ones are those of the tests, the rules of
 * classes stand in one place, and passwords are hashed at their real cost.
 */
const loadedByJest = [
  ...['fast-check', 'pure-rand', 'socket.io-client', 'socket.io-parser', 'bcrypt'],
  ...['class-validator', 'class-transformer', '@nestjs/mapped-types', '@nestjs/swagger'],
].join('|');

export default {
  testEnvironment: '<rootDir>/test/setup/environment.mjs',
  testMatch: [
    '<rootDir>/test/**/*.test.ts',
    '<rootDir>/src/**/*.spec.ts',
    '<rootDir>/client/*.spec.ts',
    '<rootDir>/web/**/*.spec.ts',
  ],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    // Tests are about the built service; what is beside a spec is loaded as it is written.
    '^(?:\\.\\./)+src/(.*)\\.js$': '<rootDir>/dist/src/$1.js',
    '^(\\.{1,2}/.*)(?<!\\.json)\\.js$': '$1',
  },
  transform: { '^.+\\.ts$': '@swc/jest', [`${loadedByNode}.*\\.[cm]?js$`]: '<rootDir>/test/setup/built-module.mjs' },
  transformIgnorePatterns: [`/node_modules/(?:${loadedByJest})/`],
  globalSetup: '<rootDir>/test/setup/start-postgres.mjs',
  globalTeardown: '<rootDir>/test/setup/stop-postgres.mjs',
  // Much longer than any test takes, on a machine that does other things as well.
  testTimeout: 300_000,
  testSequencer: '<rootDir>/test/setup/sequencer.mjs',
  // Two more than two processors: half of a worker's time is waiting, for PostgreSQL and for what must not come.
  maxWorkers: 4,
  // A worker gives a gigabyte back, which takes a moment on a busy machine.
  workerGracefulExitTimeout: 10_000,
};
