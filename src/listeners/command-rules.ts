/** What a command may be made of: read here where smtp-server reads it otherwise than the rest of us. */

/** RFC 1870, RFC 6152, RFC 6531, and RFC 4954 section 5: with AUTH comes AUTH=. DSN and REQUIRETLS are not offered. */
const MAIL_PARAMETERS = new Set(['SIZE', 'BODY', 'SMTPUTF8', 'AUTH']);
const NO_PARAMETERS: ReadonlySet<string> = new Set();
/** Commands that bring no session forward. EHLO is one, said again and again. */
const PADDING = /^(?:NOOP|RSET|HELP|VRFY|EXPN|EHLO|HELO)\b/i;
/** RFC 4648 section 4, with the padding that it wants. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const SHOWN_CHARACTERS_MAX = 40;
/** RFC 5321 section 4.5.3.1.3 has 256 octets; U-labels are longer than what they stand for. Who owns the door knows more. */
const PATH_OCTETS_MAX = 1_024;

/** Verb, path in brackets, parameters. In a quoted string (RFC 5321 section 4.1.2) a bracket is a character as others are. */
const ADDRESS_COMMAND = {
  MAIL: /^MAIL FROM[ \t]*:[ \t]*<((?:"(?:[^"\\]|\\.)*"|[^<>"])*)>(?:[ \t]+(.*))?$/i,
  RCPT: /^RCPT TO[ \t]*:[ \t]*<((?:"(?:[^"\\]|\\.)*"|[^<>"])*)>(?:[ \t]+(.*))?$/i,
} as const;
/** RFC 5321 section 4.1.2 and appendix C: to be taken, and not to be heeded. A route to nobody is none. */
const SOURCE_ROUTE = /^@[^\s,:@]+(?:,@[^\s,:@]+)*:(?=.)/;
const CONTROL = /[\x00-\x1f\x7f-\x9f]/;

export type AddressVerb = keyof typeof ADDRESS_COMMAND;

/** MAIL FROM or RCPT TO, in the shape that smtp-server's handlers want. */
export interface AddressCommand {
  /** As it was given, without a source route; whether it is an address is for the owner of the door to judge. */
  readonly address: string;
  /** By names in capitals; true where there is no value. */
  readonly args: false | Record<string, string | true>;
  readonly duplicate?: string;
}

/** Reads MAIL FROM or RCPT TO; undefined where it is not written as a command. Nothing in it holds a control character. */
export function readAddressCommand(verb: AddressVerb, command: string): AddressCommand | undefined {
  const [, path, parameters = ''] = ADDRESS_COMMAND[verb].exec(command.trimEnd()) ?? [];
  if (path === undefined || CONTROL.test(path) || Buffer.byteLength(path) > PATH_OCTETS_MAX) return undefined;
  const address = path.replace(SOURCE_ROUTE, '');
  // Only a reverse path may be null: RFC 5321 section 4.1.1.3.
  if (verb === 'RCPT' && address === '') return undefined;
  const args: Record<string, string | true> = {};
  let duplicate: string | undefined;
  for (const parameter of parameters.split(/[ \t]+/)) {
    if (parameter === '') continue;
    const [name = ''] = parameter.split('=', 1);
    const key = name.toUpperCase();
    const value = decodeXtext(parameter.slice(name.length + 1));
    if (CONTROL.test(key) || CONTROL.test(value)) return undefined;
    if (Object.hasOwn(args, key)) duplicate = key;
    args[key] = value === '' ? true : value;
  }
  const isBare = Object.keys(args).length === 0;
  return { address, args: isBare ? false : args, ...(duplicate !== undefined && { duplicate }) };
}

/** The first parameter that is not offered, fit to be shown. */
export function unknownParameter(verb: AddressVerb, { args }: AddressCommand): string | undefined {
  const known = verb === 'MAIL' ? MAIL_PARAMETERS : NO_PARAMETERS;
  const name = Object.keys(args || {}).find((key) => !known.has(key));
  return name?.replace(/[^\x21-\x7e]/g, '?').slice(0, SHOWN_CHARACTERS_MAX);
}

export function isPadding(command: Buffer): boolean {
  return PADDING.test(command.toString('latin1', 0, 5));
}

export function isReset(command: Buffer): boolean {
  return /^RSET\b/i.test(command.toString('latin1', 0, 5));
}

/** Whether a line of an AUTH exchange is neither base64 nor the `*` that cancels it. RFC 4954 section 4. */
export function isBadBase64(line: string): boolean {
  const text = line.trim();
  return text !== '*' && !BASE64.test(text);
}

/** RFC 3461 section 4. */
function decodeXtext(text: string): string {
  return text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
