/** Packages whose classes tests ask a running service for, so that there may be only one of each. */
const frameworks =
  'typeorm|@nestjs/common|@nestjs/core|socket.io-client|pg|uuid|smtp-server|mailparser|sharp|fast-check|socket.io-adapter|iconv-lite|ajv|ajv-formats|jsqr|@seriousme/openapi-schema-validator|typescript';
const loadedByNode = `/(?:dist/src|node_modules/(?:${frameworks}))/`;

export default {
  testEnvironment: '<rootDir>/test/setup/environment.mjs',
  testMatch: ['<rootDir>/test/**/*.test.ts', '<rootDir>/src/**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    // Tests are about the built service; what is beside a spec is loaded as it is written.
    '^(?:\\.\\./)+src/(.*)\\.js$': '<rootDir>/dist/src/$1.js',
    '^(\\.{1,2}/.*)(?<!\\.json)\\.js$': '$1',
  },
  transform: { '^.+\\.ts$': '@swc/jest', [`${loadedByNode}.*\\.m?js$`]: '<rootDir>/test/setup/built-module.mjs' },
  transformIgnorePatterns: [`/node_modules/(?!(?:${frameworks})/)`],
  globalSetup: '<rootDir>/test/setup/start-postgres.mjs',
  globalTeardown: '<rootDir>/test/setup/stop-postgres.mjs',
  // Much longer than any test takes, on a machine that does other things as well.
  testTimeout: 120_000,
  testSequencer: '<rootDir>/test/setup/sequencer.mjs',
  maxWorkers: 2,
};
