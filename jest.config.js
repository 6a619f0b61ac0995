export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts', '<rootDir>/src/**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)(?<!\\.json)\\.js$': '$1' },
  transform: { '^.+\\.ts$': '@swc/jest' },
  globalSetup: '<rootDir>/test/setup/start-postgres.mjs',
  globalTeardown: '<rootDir>/test/setup/stop-postgres.mjs',
  testTimeout: 60_000,
  testSequencer: '<rootDir>/test/setup/sequencer.mjs',
  maxWorkers: 2,
};
