/** What the message that came back says of itself: inside a part of its own, or below the words of the report. */
import { decodeWords } from '../../../mail/encoded-words.js';
import { fieldOf } from '../../../mail/mime-tree.js';
import { REFERENCE_FIELD } from '../../return-path/return-path.js';
import type { OriginalMessage } from '../returned-mail.js';
import { addressesIn } from '../address-finder.js';
import { readInner, type InnerMessage } from './returned-parts.js';

/** Recipient fields of the original; what others add when they take a message in names the recipient best. */
const RECIPIENT_FIELDS = ['to', 'cc', 'x-hmxmroriginalrecipient', 'x-original-to', 'x-apparently-to', 'delivered-to'];
const RECIPIENTS_MAX = 1_000;

export function readOriginal(inner: InnerMessage): OriginalMessage | undefined {
  const { raw, root } = readInner(withoutMargin(inner));
  if (root.fields.every(({ name }) => name === '')) return undefined;
  const field = (name: string): string | undefined => {
    const value = fieldOf(raw, root, name);
    return value === undefined ? undefined : decodeWords(value);
  };
  const messageId = /<[^<>\s]+>/.exec(field('message-id') ?? '')?.[0] ?? field('message-id')?.split(/\s/)[0];
  const from = addressesIn(field('from') ?? '')[0];
  const subject = field('subject');
  const reference = field(REFERENCE_FIELD.toLowerCase())?.split(/\s/)[0];
  const to = new Set(RECIPIENT_FIELDS.flatMap((name) => addressesIn(field(name) ?? '')).slice(0, RECIPIENTS_MAX));
  return {
    ...(messageId !== undefined && messageId !== '' && { messageId }),
    ...(reference !== undefined && reference !== '' && { reference }),
    ...(from !== undefined && { from }),
    to: [...to],
    ...(subject !== undefined && { subject }),
  };
}

/** Some quote the message, or indent it. */
function withoutMargin(inner: string): string {
  const text = inner.replace(/\r\n?/g, '\n').replace(/^(?:[ \t]*\n)+/, '');
  const margin = /^(?:[>|] ?| {1,8})(?=[A-Za-z])/.exec(text)?.[0];
  if (margin === undefined) return text;
  return text
    .split('\n')
    .map((line) => (line.startsWith(margin) ? line.slice(margin.length) : line))
    .join('\n');
}

/** Lines that programs put between their words and the message that they could not deliver, in families of words. */
const SEPARATOR = new RegExp(
  [
    // "--- Below this line is a copy of the message.", "------ This is a copy of the message, including all the headers. ------"
    '^\\W{0,80}(?:below (?:this|the next) line is|this is|here is|the following is|attached is|enclosed is|included is) (?:a|the) (?:copy|transcript|content|header|beginning|original|first)[^]{0,80}\\b(?:message|mail|headers?)\\b',
    // "----- Original message -----", "----- Unsent message follows -----", "-------- Returned Mail --------"
    '^[\\s>]{0,20}[-=*_#+]{2,80}[ \\t]*(?:the |your )?(?:(?:original|returned|unsent|undelivered|rejected|bounced|failed) )?(?:message|mail)(?:[- ]?(?:headers?|text|body|contents?))?(?: (?:follows?|is|begins?|starts?)[^]{0,40})?[ \\t:]*[-=*_#+]{0,80}[ \\t]*$',
    // "The original message headers follow:", "Original mail as follows:", "The first 50 lines of your message follow:"
    "^\\W{0,80}(?:the |your )?(?:(?:text|headers?|beginning|first \\d{1,6} (?:lines|bytes|characters)) of )?(?:the |your )?(?:(?:original|returned|unsent|undelivered|rejected|bounced|failed|full) )?(?:message|mail)(?:'s)?(?: (?:headers?|text|body|contents?))? (?:follows?|as follows|(?:is|are) (?:below|attached|included|returned|as follows))[^]{0,60}$",
    '^\\W{0,80}(?:message|mail|original) headers?(?: follows?)?\\s*[:.]\\W{0,80}$',
    // French, German, Spanish, Italian, Portuguese.
    '^\\W{0,80}(?:copie du|voici le) message[^]{0,60}$',
    '^\\W{0,80}(?:urspr\\S{1,3}ngliche |original[ -]?)(?:nachricht|message|mail)[^]{0,40}$',
    '^\\W{0,80}(?:mensaje|messaggio|mensagem) originale?[^]{0,40}$',
  ].join('|'),
  'i',
);
/** No separator is longer. */
const SEPARATOR_CHARACTERS_MAX = 200;
/** So many lines after a separator the message has begun. */
const LINES_TO_MESSAGE_MAX = 12;
// A block of header fields: at least three of those that every message has, one of them at its beginning.
const HEADER_START =
  /^[>| \t]{0,8}(?:Return-Path|Received|From|To|Subject|Date|Message-ID|MIME-Version|X-[\w-]{1,60}|Delivered-To|DKIM-Signature)[ \t]*:/i;
const HEADER_FIELD = /^[>| \t]{0,8}(?:[A-Za-z][\w-]{1,60}[ \t]*:|[ \t]+\S|From )/;
const TELLING_FIELD = /^[>| \t]{0,8}(Received|From|To|Subject|Date|Message-ID|MIME-Version|Content-Type)[ \t]*:/i;
// No message has such a field: the report says in one go of which message it speaks, and why.
const NOTICE_FIELD =
  /^[>| \t]{0,8}(?:reason|cause|error(?:[- ](?:text|code|message))?|diagnostics?|grund|fehler|motif|raison|motivo|causa|erreur)[ \t]*:/i;
const TELLING_MIN = 3;
const LINES_MAX = 5_000;

/** The words of a report, and the message that stands below them in the same text, if one does. */
export function splitInlineOriginal(text: string): { readonly words: string; readonly original?: InnerMessage } {
  const lines = text.split('\n', LINES_MAX);
  let blockBy = 0;
  for (const [index, line] of lines.entries()) {
    if (line.length > SEPARATOR_CHARACTERS_MAX || !/[a-z]/i.test(line) || !SEPARATOR.test(line)) continue;
    // Lines that were looked at are not looked at again, so that time is linear.
    const block = headerBlockIn(lines, Math.max(index + 1, blockBy), index + 1 + LINES_TO_MESSAGE_MAX);
    if (block !== undefined) return split(lines, index, block);
    blockBy = index + 1 + LINES_TO_MESSAGE_MAX;
  }
  // Without a separator an indented block may be what the report says of the message, and go on with its reasons.
  const block = headerBlockIn(lines, 0, lines.length, /^[ \t]/);
  return block === undefined ? { words: text } : split(lines, block, block);
}

function split(lines: readonly string[], wordsEnd: number, block: number): { words: string; original: InnerMessage } {
  return { words: lines.slice(0, wordsEnd).join('\n'), original: lines.slice(block).join('\n') };
}

/** The first line of a block of header fields that begins between two lines. */
function headerBlockIn(lines: readonly string[], from: number, to: number, not?: RegExp): number | undefined {
  for (let i = from; i < Math.min(lines.length, to); i++) {
    if (!HEADER_START.test(lines[i] ?? '') || not?.test(lines[i] ?? '')) continue;
    const telling = new Set<string>();
    const begin = i;
    let isNotice = false;
    for (; i < lines.length && HEADER_FIELD.test(lines[i] ?? ''); i++) {
      isNotice ||= NOTICE_FIELD.test(lines[i] ?? '');
      const name = TELLING_FIELD.exec(lines[i] ?? '')?.[1];
      if (name !== undefined) telling.add(name.toLowerCase());
    }
    if (telling.size >= TELLING_MIN && !isNotice) return begin;
  }
  return undefined;
}
