import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { SETTINGS } from './settings-schema.js';
import { settingsTable, TABLE_BEGIN, TABLE_END, withSettingsTable } from './settings-table.js';

describe('the table of settings', () => {
  it('has a row for every setting, with three cells', () => {
    const rows = settingsTable()
      .split('\n')
      .filter((line) => line.startsWith('| `POSTHORN_'));
    expect(rows).toHaveLength(SETTINGS.length);
    for (const row of rows) expect(row.split(/(?<!\\)\|/)).toHaveLength(5);
  });

  it('takes the place of what stands between the markers, and of nothing else', () => {
    const refreshed = withSettingsTable(`# A\n${TABLE_BEGIN}\nold\n${TABLE_END}\nB\n`);
    expect(refreshed).toEqual({
      kind: 'ok',
      isStale: true,
      text: `# A\n${TABLE_BEGIN}\n\n${settingsTable()}\n\n${TABLE_END}\nB\n`,
    });
    if (refreshed.kind === 'ok') expect(withSettingsTable(refreshed.text)).toEqual({ ...refreshed, isStale: false });
  });

  it('needs both markers', () => {
    for (const readme of ['', TABLE_BEGIN, `${TABLE_END}${TABLE_BEGIN}`])
      expect(withSettingsTable(readme).kind).toBe('no markers');
  });

  it('stands in the README as it is today', () => {
    expect(stateOfReadme()).toBe('up to date');
  });
});

function stateOfReadme(): string {
  let readme: string;
  try {
    readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
  } catch {
    return 'there is no README.md';
  }
  const refreshed = withSettingsTable(readme);
  if (refreshed.kind === 'no markers') return refreshed.why;
  return refreshed.isStale ? 'the table of settings in README.md is stale: run npm run docs' : 'up to date';
}
