/**
 * Three projects: `unit` beside the sources, `contract` on whole parts against real peers (every folder of test/ but
 * e2e), `e2e` on the built service from outside. `./posthorn test` runs them all, e2e last; `node --run unit` one.
 */
import { readFileSync } from 'node:fs';

// The sources run in tests as they are built: one .swcrc for both.
const swc = JSON.parse(readFileSync(new URL('.swcrc', import.meta.url), 'utf8'));
delete swc.$schema;
swc.sourceMaps = 'inline';

const project = (displayName, testMatch) => ({
  displayName,
  testMatch,
  roots: ['<rootDir>/src', '<rootDir>/test'],
  extensionsToTreatAsEsm: ['.ts'],
  // TypeScript's imports say .js (module nodenext); the file on disk is .ts.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': ['@swc/jest', swc] },
  testEnvironment: '<rootDir>/test/leak-checking-environment.ts',
  setupFilesAfterEnv: ['<rootDir>/test/test-timeout.ts'],
});

export default {
  cacheDirectory: '<rootDir>/.cache/jest',
  maxWorkers: '100%',
  projects: [
    project('unit', ['<rootDir>/src/**/*.spec.ts']),
    project('contract', ['<rootDir>/test/!(e2e)/**/*.spec.ts']),
    project('e2e', ['<rootDir>/test/e2e/**/*.spec.ts']),
  ],
};
