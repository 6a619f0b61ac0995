export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts', '<rootDir>/src/**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^(\\.{1,2}/(?!.*node_modules).*)(?<!\\.json)\\.js$': '$1',
    '^bcrypt$': '<rootDir>/test/setup/quick-bcrypt.mjs',
  },
  transform: { '^.+\\.ts$': '@swc/jest' },
  globalSetup: '<rootDir>/test/setup/start-postgres.mjs',
  globalTeardown: '<rootDir>/test/setup/stop-postgres.mjs',
  // Much longer than any test takes, on a machine that does other things as well.
  testTimeout: 120_000,
  testSequencer: '<rootDir>/test/setup/sequencer.mjs',
  maxWorkers: 2,
};
