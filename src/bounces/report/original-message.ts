/** What the message that came back says of itself: inside a part of its own, or below the words of the report. */
import { decodeWords } from '../../mail/encoded-words.js';
import { fieldOf } from '../../mail/mime-tree.js';
import type { OriginalMessage } from '../returned-mail.js';
import { addressesIn } from './header-addresses.js';
import { readInner, type InnerMessage } from './returned-parts.js';

/** Recipient fields of the original; what others add when they take a message in names the recipient best. */
const RECIPIENT_FIELDS = ['to', 'cc', 'x-hmxmroriginalrecipient', 'x-original-to', 'x-apparently-to', 'delivered-to'];
const RECIPIENTS_MAX = 1_000;
const REFERENCE_FIELD = 'x-posthorn-ref';

export function readOriginal(inner: InnerMessage): OriginalMessage | undefined {
  const { raw, root } = readInner(inner.replace(/^\s+/, '').replace(/^[>|] ?(?=[A-Za-z-]+:)/gm, ''));
  if (root.fields.every(({ name }) => name === '')) return undefined;
  const field = (name: string): string | undefined => {
    const value = fieldOf(raw, root, name);
    return value === undefined ? undefined : decodeWords(value);
  };
  const messageId = /<[^<>\s]+>/.exec(field('message-id') ?? '')?.[0] ?? field('message-id')?.split(/\s/)[0];
  const from = addressesIn(field('from') ?? '')[0];
  const subject = field('subject');
  const reference = field(REFERENCE_FIELD)?.split(/\s/)[0];
  const to = new Set(RECIPIENT_FIELDS.flatMap((name) => addressesIn(field(name) ?? '')).slice(0, RECIPIENTS_MAX));
  return {
    ...(messageId !== undefined && messageId !== '' && { messageId }),
    ...(reference !== undefined && reference !== '' && { reference }),
    ...(from !== undefined && { from }),
    to: [...to],
    ...(subject !== undefined && { subject }),
  };
}

/** Lines that programs put between their words and the message that they could not deliver, in families of words. */
const SEPARATOR = new RegExp(
  [
    // "--- Below this line is a copy of the message.", "------ This is a copy of the message, including all the headers. ------"
    '^[\\s\\W]*(?:below this line is|this is|here is|the following is|attached is|enclosed is) (?:a|the) (?:copy|transcript|content|header|beginning|original|first)[^\\n]{0,80}\\b(?:message|mail|headers?)\\b',
    // "----- Original message -----", "--- Message header follows", "----- Unsent message follows -----"
    '^[\\s>]*[-=*_#+]{2,}[ \\t]*(?:the )?(?:(?:original|returned|unsent|undelivered|rejected|bounced|failed|your) ?)?(?:message|mail)(?:[- ]?(?:headers?|text|body|content|contents))?(?: (?:follows?|is|begins?|starts?)[^\\n]{0,40})?[ \\t:]*[-=*_#+]{0,80}[ \\t]*$',
    // "The original message headers follow:", "Your message header is:"
    "^[\\s\\W]*(?:the |your )?(?:text of |header of |headers of |beginning of |first \\d+ (?:lines|bytes|characters) of )?(?:the |your )?(?:(?:original|returned|unsent|undelivered|rejected|bounced|failed) )?(?:message|mail)(?:'s)?(?: (?:headers?|text|body|contents?))? (?:follows?|(?:is|are) (?:below|attached|included|returned|as follows))[^\\n]{0,60}$",
    // "Original message follows.", "Message headers follow:", "Received headers:"
    '^[\\s\\W]*(?:original|returned|unsent|undelivered|rejected|full) (?:message|mail)(?: (?:headers?|text|body))?(?: (?:follows?|below))?[.:]?[\\s\\W]*$',
    '^[\\s\\W]*(?:message|mail|original) headers?(?: follows?)?\\s*[:.][\\s\\W]*$',
    // French, German, Spanish, Italian, Dutch, Portuguese.
    '^[\\s\\W]*(?:copie du|voici le) message[^\\n]{0,60}$',
    '^[\\s\\W]*(?:urspr\\S{1,3}ngliche|original)[ -]?(?:nachricht|message|mail)[^\\n]{0,40}$',
    '^[\\s\\W]*(?:mensaje|messaggio|mensagem) original[eE]?[^\\n]{0,40}$',
  ].join('|'),
  'gim',
);
// A block of header fields: at least three of those that every message has, one of them at its beginning.
const HEADER_START =
  /^(?:[>|] ?)?(?:Return-Path|Received|From|To|Subject|Date|Message-ID|MIME-Version|X-[\w-]+|Delivered-To|DKIM-Signature)[ \t]*:/i;
const HEADER_FIELD = /^(?:[>|] ?)?(?:[A-Za-z][\w-]{1,60}[ \t]*:|[ \t]+\S)/;
const TELLING_FIELD = /^(?:[>|] ?)?(Received|From|To|Subject|Date|Message-ID|MIME-Version|Content-Type)[ \t]*:/i;
const TELLING_MIN = 3;
const LINES_MAX = 5_000;

/** The words of a report, and the message that stands below them in the same text, if one does. */
export function splitInlineOriginal(text: string): { readonly words: string; readonly original?: InnerMessage } {
  for (const { index, 0: line } of text.matchAll(SEPARATOR)) {
    const rest = text.slice(index + line.length).replace(/^\s*(?:[-=*_]+\s*)?\n/, '\n');
    const block = headerBlockIn(rest, 12);
    if (block !== undefined) return { words: text.slice(0, index), original: rest.slice(block) };
  }
  const block = headerBlockIn(text, LINES_MAX);
  return block === undefined ? { words: text } : { words: text.slice(0, block), original: text.slice(block) };
}

/** Where in `text` a block of header fields begins, within so many lines. */
function headerBlockIn(text: string, linesMax: number): number | undefined {
  const lines = text.split('\n', LINES_MAX);
  let at = 0;
  for (let i = 0; i < Math.min(lines.length, linesMax); i++) {
    const line = lines[i] ?? '';
    if (HEADER_START.test(line)) {
      const telling = new Set<string>();
      let end = i;
      for (; end < lines.length && HEADER_FIELD.test(lines[end] ?? ''); end++) {
        const name = TELLING_FIELD.exec(lines[end] ?? '')?.[1];
        if (name !== undefined) telling.add(name.toLowerCase());
      }
      if (telling.size >= TELLING_MIN) return at;
      // Lines that were looked at are not looked at again, so that time is linear.
      for (; i < end - 1; i++) at += (lines[i] ?? '').length + 1;
      at += (lines[i] ?? '').length + 1;
    } else at += line.length + 1;
  }
  return undefined;
}
