/** A mail that came back, read once for all who judge it. */
import { decodeWords } from '../../../mail/encoded-words.js';
import { fieldOf, readMimeTree, type MimePart } from '../../../mail/mime-tree.js';
import type { OriginalMessage } from '../returned-mail.js';
import { readOriginal, splitInlineOriginal } from './original-message.js';
import { returnedParts, type ReturnedParts } from './returned-parts.js';

export interface MailFacts {
  readonly raw: Buffer;
  readonly root: MimePart;
  readonly parts: ReturnedParts;
  /** What is for people and was not in the message that came back. */
  readonly words: string;
  /** Decoded, as `from`. */
  readonly subject: string;
  readonly from: string;
  readonly original?: OriginalMessage;
  /** The first field of the name (lower case), decoded. */
  readonly header: (name: string) => string | undefined;
}

export function readMailFacts(raw: Buffer): MailFacts {
  const root = readMimeTree(raw);
  const parts = returnedParts(raw, root);
  const header = (name: string): string | undefined => {
    const value = fieldOf(raw, root, name);
    return value === undefined ? undefined : decodeWords(value);
  };
  const { words, original: inline } = splitInlineOriginal(parts.text);
  if (parts.originals.length === 0 && inline !== undefined) parts.originals.push(inline);
  const original = parts.originals.map(readOriginal).find((one) => one !== undefined);
  return {
    raw,
    root,
    parts,
    words,
    subject: header('subject') ?? '',
    from: header('from') ?? '',
    ...(original && { original }),
    header,
  };
}
