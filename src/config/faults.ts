/** What is wrong with settings, said so that it can be put right; and what is hidden of secrets when it is said. */
import type { AboutSetting } from './setting.js';

export interface Fault {
  /** The environment variable, or the key in the file. */
  readonly name: string;
  /** The text that was given, on one line, secrets hidden; empty where there is none. */
  readonly value: string;
  /** What it must be. */
  readonly expected: string;
  /** The file that it stands in, where it is not the environment. */
  readonly file?: string;
}

const HIDDEN = '***';
/** Longer texts are cut: the name says which it is. */
const VALUE_CHARACTERS_MAX = 200;
/** All from a ? that is not followed by what a route says, up to the end of the route. */
const FOREIGN_QUERY = /\?(?!(?:tls|dkim)=\w*(?:&(?:tls|dkim)=\w*)*\s*(?:,|$))[^]*$/i;
const UNPRINTABLE = /[\x00-\x1f\x7f-\x9f\u2028\u2029]/g;

/** The text for a person who has to correct them, several lines; `warnings` may be the cause of a fault, such as a misspelt name. */
export function formatFaults(faults: readonly Fault[], warnings: readonly string[] = []): string {
  const wrong = new Set(faults.map((fault) => `${fault.file ?? ''}\n${fault.name}`)).size;
  const head = `posthorn: ${wrong === 1 ? '1 setting is' : `${wrong} settings are`} wrong, nothing was started`;
  const lines = [...faults.map(formatFault), ...warnings.map((warning) => `warning: ${warning}`)];
  return [head, ...lines.map((line) => `  ${line}`)].join('\n');
}

function formatFault({ name, value, expected, file }: Fault): string {
  return `${name}${value === '' ? '' : `=${value}`}${file === undefined ? '' : ` (in ${file})`}: ${expected}`;
}

/** A given value as it may be shown: secrets hidden, control characters written out, not longer than a line or two. */
export function shownValue(value: string, secret?: AboutSetting['secret']): string {
  const text = secret === 'whole' ? HIDDEN : withoutPasswords(value, secret);
  const line = text.replace(UNPRINTABLE, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return line.length <= VALUE_CHARACTERS_MAX ? line : `${line.slice(0, VALUE_CHARACTERS_MAX)}...`;
}

/**
 * Hides the login of a URL in a text that may be no proper URL: all from the scheme to the last @ goes, though of a
 * list that is more than the logins, because a login that was not percent-encoded can hold any character.
 */
export function withoutPasswords(text: string, secret?: AboutSetting['secret']): string {
  const end = text.lastIndexOf('@');
  const scheme = text.indexOf('://');
  const equals = text.indexOf('=');
  const start = scheme >= 0 && scheme < end ? scheme + 3 : equals < end ? equals + 1 : 0;
  const hasLogin = end >= 0 && (secret === 'in urls' || text.includes('://'));
  const plain = hasLogin ? `${text.slice(0, start)}${HIDDEN}${text.slice(end)}` : text;
  // Redis clients know URLs with `?password=`; we do not, and so it stands here as a fault.
  return secret === 'in urls' ? plain.replace(FOREIGN_QUERY, `?${HIDDEN}`) : plain;
}
