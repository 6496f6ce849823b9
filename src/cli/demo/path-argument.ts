/** The argument of MAIL and RCPT: `FROM:<path> KEYWORD=value`, RFC 5321 sections 4.1.2 and 4.1.1.11. Read strictly. */

export interface PathArgument {
  /** What stood between the brackets; empty for the null reverse path. */
  readonly path: string;
  /** Keywords in upper case; empty where a parameter has no value. */
  readonly parameters: Readonly<Record<string, string>>;
}

// A quoted local part may hold `>` and spaces; nothing may stand between the colon and the bracket.
const ARGUMENT = /^(FROM|TO):<((?:"(?:[^"\\]|\\.)*"|[^">\s])*)>((?: [^ ]+)*)$/i;

/** The extension that gives each parameter of MAIL its meaning. */
const EXTENSION_OF_PARAMETER: Readonly<Record<string, string>> = {
  SIZE: 'SIZE', // RFC 1870
  BODY: '8BITMIME', // RFC 6152
  SMTPUTF8: 'SMTPUTF8', // RFC 6531
  RET: 'DSN', // RFC 3461
  ENVID: 'DSN',
  REQUIRETLS: 'REQUIRETLS', // RFC 8689
  AUTH: 'AUTH', // RFC 4954
};

/** Undefined where `text` is not what MAIL (`FROM`) or RCPT (`TO`) takes. */
export function parsePathArgument(keyword: 'FROM' | 'TO', text: string): PathArgument | undefined {
  const match = ARGUMENT.exec(text);
  if (match === null || match[1]?.toUpperCase() !== keyword) return undefined;
  const parameters: Record<string, string> = {};
  for (const parameter of (match[3] ?? '').split(' ').filter((each) => each !== '')) {
    const equals = parameter.indexOf('=');
    const name = equals === -1 ? parameter : parameter.slice(0, equals);
    parameters[name.toUpperCase()] = equals === -1 ? '' : parameter.slice(equals + 1);
  }
  return { path: match[2] ?? '', parameters };
}

/** The first parameter of MAIL whose extension is not among the capabilities that were offered. */
export function unsupportedParameter(
  parameters: Readonly<Record<string, string>>,
  offered: readonly string[],
): string | undefined {
  const extensions = new Set(offered.map((capability) => capability.split(' ', 1)[0]?.toUpperCase()));
  return Object.keys(parameters).find((name) => !extensions.has(EXTENSION_OF_PARAMETER[name]));
}
