/** What a command may be made of, beyond what smtp-server asks of it. */

/** RFC 1870, RFC 6152, RFC 6531, and RFC 4954 section 5: with AUTH comes AUTH=. DSN and REQUIRETLS are not offered. */
const MAIL_PARAMETERS = new Set(['SIZE', 'BODY', 'SMTPUTF8', 'AUTH']);
const NO_PARAMETERS: ReadonlySet<string> = new Set();
/** Commands that bring no session forward. EHLO is one, said again and again. */
const PADDING = /^(?:NOOP|RSET|HELP|VRFY|EXPN|EHLO|HELO)\b/i;
/** RFC 4648 section 4, with the padding that it wants. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const SHOWN_CHARACTERS_MAX = 40;

/** The first parameter of MAIL FROM or RCPT TO that is not offered, fit to be shown. */
export function unknownParameter(verb: 'MAIL' | 'RCPT', command: string): string | undefined {
  const known = verb === 'MAIL' ? MAIL_PARAMETERS : NO_PARAMETERS;
  const parameters = command.slice(command.indexOf('>') + 1).trim();
  if (!command.includes('>') || parameters === '') return undefined;
  for (const parameter of parameters.split(/\s+/)) {
    const name = parameter.split('=', 1)[0]?.toUpperCase() ?? '';
    if (!known.has(name)) return name.replace(/[^\x21-\x7e]/g, '?').slice(0, SHOWN_CHARACTERS_MAX);
  }
  return undefined;
}

export function isPadding(command: Buffer): boolean {
  return PADDING.test(command.toString('latin1', 0, 5));
}

/** Whether a line of an AUTH exchange is neither base64 nor the `*` that cancels it. RFC 4954 section 4. */
export function isBadBase64(line: string): boolean {
  const text = line.trim();
  return text !== '*' && !BASE64.test(text);
}
