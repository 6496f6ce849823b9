/** The structure of a message: RFC 3501 section 7.4.2, BODYSTRUCTURE and BODY, worded as Dovecot words them. */
import { contentFields, type ContentFields } from './content-fields.js';
import { envelope } from './envelope.js';
import { HeaderLimit } from './header-limit.js';
import { imapString, unfolded } from './imap-string.js';
import type { MessagePart } from './message-parts.js';
import type { Parameter } from './parameters.js';

const DEFAULT_CHARSET = '"charset" "us-ascii"';
const PLAIN_TYPE = { subtype: 'plain', parameters: [] as readonly Parameter[] };
const PLAIN_TEXT = `"text" "plain" (${DEFAULT_CHARSET}) NIL NIL "7bit"`;
/** A list of no parts has no form: a multipart without any shows an empty text. */
const NO_PART = `${PLAIN_TEXT} 0 0`;

/** The parenthesized list of `part`; `extended` for BODYSTRUCTURE, else BODY. Recursion is as deep as parts are. */
export function bodyStructure(raw: Buffer, part: MessagePart, extended: boolean): string {
  return structureOf(part, { raw, extended, limit: new HeaderLimit() });
}

interface Asked {
  readonly raw: Buffer;
  readonly extended: boolean;
  readonly limit: HeaderLimit;
}

function structureOf(part: MessagePart, asked: Asked): string {
  const fields = contentFields(asked.raw, part, asked.limit);
  return part.kind === 'multipart' ? multipartStructure(part, fields, asked) : singleStructure(part, fields, asked);
}

function multipartStructure(part: MessagePart, fields: ContentFields, asked: Asked): string {
  const parts = part.children.map((child) => structureOf(child, asked)).join('');
  const basic = `${parts || emptyPart(asked.extended)} ${imapString(fields.type?.subtype ?? '')}`;
  if (!asked.extended) return `(${basic})`;
  return `(${basic} ${parameterList(fields.type?.parameters ?? [])} ${commonExtension(fields)})`;
}

function emptyPart(extended: boolean): string {
  return extended ? `(${NO_PART} NIL NIL NIL NIL)` : `(${NO_PART})`;
}

function singleStructure(part: MessagePart, fields: ContentFields, asked: Asked): string {
  const { extended } = asked;
  const [type, isText] = shownType(part, fields);
  if (isPlainMail(part, fields)) {
    const plain = `${PLAIN_TEXT} ${part.end - part.bodyStart} ${part.bodyLines}`;
    return extended ? `(${plain} NIL NIL NIL NIL)` : `(${plain})`;
  }
  const basic = [
    type,
    parameterList(fields.type?.parameters ?? [], isText),
    imapLine(fields.id),
    imapLine(fields.description),
    imapString(fields.encoding ?? '7bit'),
    part.end - part.bodyStart,
    ...kindExtension(part, isText, asked),
  ].join(' ');
  return extended ? `(${basic} ${imapLine(fields.md5)} ${commonExtension(fields)})` : `(${basic})`;
}

/** Whether a mail is the plain text that RFC 2045 section 5.2 takes one for that says nothing. It is shown in lower case. */
function isPlainMail(part: MessagePart, fields: ContentFields): boolean {
  if (part.parent || part.kind !== 'text') return false;
  const { type = PLAIN_TYPE, encoding = '7bit', ...others } = fields;
  const isAscii = type.parameters.every(({ name, value }) => /^charset us-ascii$/i.test(`${name} ${value}`));
  const isPlain = /^plain$/i.test(type.subtype) && isAscii && type.parameters.length < 2;
  return isPlain && /^7bit$/i.test(encoding) && Object.values(others).every((value) => value === undefined);
}

/** Type and subtype, and whether the fields of a text follow. */
function shownType(part: MessagePart, { type }: ContentFields): [string, boolean] {
  if (part.kind === 'message') return ['"message" "rfc822"', false];
  const wanted = type && `${type.type}/${type.subtype}`.toLowerCase();
  const isCut = wanted === undefined ? part.parent?.isDigest : /^(?:multipart\/.*|message\/rfc822)$/s.test(wanted);
  // Beyond the limits of depth or number its parts are not shown, so it is not called what would have parts.
  if (isCut) return ['"application" "octet-stream"', false];
  if (!type) return ['"text" "plain"', true];
  return [`${imapString(type.type)} ${imapString(type.subtype)}`, type.type.toLowerCase() === 'text'];
}

function kindExtension(part: MessagePart, isText: boolean, asked: Asked): readonly (string | number)[] {
  if (isText) return [part.bodyLines];
  const [inner] = part.children;
  if (part.kind !== 'message' || !inner) return [];
  return [envelope(asked.raw, inner, asked.limit), structureOf(inner, asked), part.bodyLines];
}

function commonExtension({ disposition, languages, location }: ContentFields): string {
  const shown = disposition && `(${imapString(disposition.value)} ${parameterList(disposition.parameters)})`;
  return [
    shown ?? 'NIL',
    languages ? `(${languages.map((language) => imapString(language)).join(' ')})` : 'NIL',
    imapLine(location),
  ].join(' ');
}

function imapLine(text: string | undefined): string {
  return imapString(unfolded(text));
}

/** RFC 2046 section 4.1.2: a text without a charset is us-ascii. */
function parameterList(parameters: readonly Parameter[], isText = false): string {
  const pairs = parameters.map(({ name, value }) => `${imapString(name)} ${imapString(value)}`);
  if (isText && !parameters.some(({ name }) => name.toLowerCase() === 'charset')) pairs.push(DEFAULT_CHARSET);
  return pairs.length === 0 ? 'NIL' : `(${pairs.join(' ')})`;
}
