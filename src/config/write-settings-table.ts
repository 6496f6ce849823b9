/** Run by `npm run docs`: puts today's table of settings into the README. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withSettingsTable } from './settings-table.js';

const path = join(import.meta.dirname, '../../README.md');
const refreshed = withSettingsTable(readFileSync(path, 'utf8'));
if (refreshed.kind === 'no markers') {
  process.stderr.write(`${refreshed.why}\n`);
  process.exitCode = 1;
} else if (refreshed.isStale) {
  writeFileSync(path, refreshed.text);
  process.stdout.write('README.md: the table of settings is new\n');
} else {
  process.stdout.write('README.md: the table of settings was up to date\n');
}
