/**
 * Sorts the parts of a mail that came back by what they are for: words for people, reports for programs (RFC 3464,
 * RFC 5965, RFC 8098), and the message that it is about.
 */
import { contentOf, textOf } from '../../../mail/mime-content.js';
import { decodeCharset } from '../../../mail/charset.js';
import { fieldOf, readMimeTree, type MimePart } from '../../../mail/mime-tree.js';
import { textOfHtml } from '../../../mail/html-text.js';

/** No words of a report are looked for behind these; whole messages come back with their attachments. */
const TEXT_OCTETS_MAX = 128 * 1024;
const REPORT_OCTETS_MAX = 256 * 1024;
const ORIGINAL_OCTETS_MAX = 64 * 1024;
/** A mail has one of each; some have as many as there are recipients. */
const REPORTS_MAX = 100;

/** A message inside, as its text: header and the beginning of its body. */
export type InnerMessage = string;

export interface ReturnedParts {
  /** All that is for people and stands before the message that came back. */
  text: string;
  /** Octets that it was read from. */
  textOctets: number;
  /** `message/delivery-status`. */
  readonly statuses: string[];
  /** `message/feedback-report`. */
  readonly feedback: string[];
  /** `message/disposition-notification`. */
  readonly dispositions: string[];
  readonly originals: InnerMessage[];
  /** The types and names of all other parts. */
  readonly attachments: { readonly type: string; readonly name: string }[];
}

export function returnedParts(raw: Buffer, root: MimePart): ReturnedParts {
  const found: ReturnedParts = {
    text: '',
    textOctets: 0,
    statuses: [],
    feedback: [],
    dispositions: [],
    originals: [],
    attachments: [],
  };
  const after: ReturnedParts = { ...found };
  sort(raw, root, found, after);
  // Some put the message before their words.
  if (found.text.trim() === '') found.text = after.text;
  return found;
}

const REPORTS: Readonly<Record<string, 'statuses' | 'feedback' | 'dispositions'>> = {
  'message/delivery-status': 'statuses',
  'message/global-delivery-status': 'statuses',
  'message/feedback-report': 'feedback',
  'message/disposition-notification': 'dispositions',
  'message/global-disposition-notification': 'dispositions',
};

function sort(raw: Buffer, part: MimePart, found: ReturnedParts, after: ReturnedParts): void {
  const report = REPORTS[part.type];
  if (report !== undefined) {
    if (found[report].length < REPORTS_MAX) found[report].push(textOf(raw, part, REPORT_OCTETS_MAX));
  } else if (part.type.startsWith('multipart/') && part.parts.length > 0) {
    for (const inner of shownParts(raw, part)) sort(raw, inner, found, after);
  } else if (isOriginal(part)) {
    if (found.originals.length < REPORTS_MAX) found.originals.push(innerMessage(raw, part));
  } else if (isText(part)) {
    const into = found.originals.length === 0 ? found : after;
    // What HTML shows may be little of what was read.
    if (into.textOctets < TEXT_OCTETS_MAX) {
      into.text += `${shownText(raw, part)}\n`;
      into.textOctets += part.end - part.start;
    }
  } else found.attachments.push({ type: part.type, name: nameOf(raw, part) });
}

/** RFC 2046 section 5.1.4: the plain one of alternatives, unless there is nothing in it. */
function shownParts(raw: Buffer, part: MimePart): readonly MimePart[] {
  if (part.type !== 'multipart/alternative') return part.parts;
  const plain = part.parts.filter(({ type }) => type !== 'text/html');
  const says = plain.some(
    (one) => one.parts.length > 0 || (isText(one) && /\S/.test(textOf(raw, one, TEXT_OCTETS_MAX))),
  );
  return says ? plain : part.parts;
}

function isOriginal({ type }: MimePart): boolean {
  return /^(?:message\/(?:rfc822|global|news|global-headers|rfc822-headers|partial)|text\/rfc822(?:-headers)?)$/.test(
    type,
  );
}

function isText({ type }: MimePart): boolean {
  return type.startsWith('text/') || type.startsWith('multipart/') || type === 'message/text';
}

function shownText(raw: Buffer, part: MimePart): string {
  const text = textOf(raw, part, TEXT_OCTETS_MAX);
  return part.type === 'text/html' ? textOfHtml(text) : text;
}

function innerMessage(raw: Buffer, part: MimePart): InnerMessage {
  const [inner] = part.parts;
  if (inner)
    return decodeCharset(raw.subarray(inner.start, Math.min(inner.end, inner.start + ORIGINAL_OCTETS_MAX)), '');
  return decodeCharset(contentOf(raw, part, ORIGINAL_OCTETS_MAX), '');
}

function nameOf(raw: Buffer, part: MimePart): string {
  const disposition = fieldOf(raw, part, 'content-disposition') ?? '';
  return part.parameters.get('name') ?? /filename\*?="?([^";]+)/i.exec(disposition)?.[1] ?? '';
}

/** Reads a message inside by itself. */
export function readInner(inner: InnerMessage): { readonly raw: Buffer; readonly root: MimePart } {
  const raw = Buffer.from(inner);
  return { raw, root: readMimeTree(raw) };
}
