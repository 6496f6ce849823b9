/** The table of all settings in the README, between two markers. */
import { SETTINGS } from './settings-schema.js';
import type { Setting } from './settings-schema.js';

export const TABLE_BEGIN = '<!-- settings:begin -->';
export const TABLE_END = '<!-- settings:end -->';

/** The markdown that stands between the markers. Columns are not padded, or one long line would widen all the others. */
export function settingsTable(): string {
  const rows = SETTINGS.map((setting) => `| \`${setting.name}\` | ${defaultOf(setting)} | ${meaningOf(setting)} |`);
  const table = ['| setting | default | meaning |', '| --- | --- | --- |', ...rows];
  return ['<!-- prettier-ignore-start -->', ...table, '<!-- prettier-ignore-end -->'].join('\n');
}

export type Refreshed =
  | { readonly kind: 'ok'; readonly text: string; readonly isStale: boolean }
  | { readonly kind: 'no markers'; readonly why: string };

/** `readme` with the table of today between its markers, and whether it had another one. */
export function withSettingsTable(readme: string): Refreshed {
  const begin = readme.indexOf(TABLE_BEGIN);
  const end = readme.indexOf(TABLE_END, begin + TABLE_BEGIN.length);
  if (begin < 0 || end < 0) {
    return { kind: 'no markers', why: `README.md has no ${TABLE_BEGIN} with a ${TABLE_END} after it` };
  }
  const text = `${readme.slice(0, begin + TABLE_BEGIN.length)}\n\n${settingsTable()}\n\n${readme.slice(end)}`;
  return { kind: 'ok', text, isStale: text !== readme };
}

function defaultOf({ default: standard, defaultWords }: Setting): string {
  if (defaultWords !== undefined) return cell(defaultWords);
  return typeof standard === 'string' ? `\`${standard}\`` : 'none';
}

function meaningOf({ name, meaning, secret }: Setting): string {
  const file =
    secret === undefined
      ? ''
      : ` May hold a secret, and so may also be read from the file that \`${name}_FILE\` names.`;
  return cell(`${meaning}${file}`);
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
