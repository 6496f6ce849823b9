/** The FETCH response of one message: RFC 3501 section 7.4.2. */
import type { StoredReport } from '../../bounces/reports/report-mailbox.js';
import { bodyStructure } from '../message/body-structure.js';
import { envelope } from '../message/envelope.js';
import { readMessageParts, type MessagePart } from '../message/message-parts.js';
import { sectionOf, withoutNul } from '../message/section.js';
import { formatDateTime } from './date-time.js';
import type { FetchItem } from './fetch-items.js';

const NOTHING = Buffer.alloc(0);

export interface FetchedReport {
  readonly number: number;
  readonly report: StoredReport;
  /** As they are told. */
  readonly flags: string;
}

/** Its pieces, in their order; text is one octet a character. @param content where an item needs it */
export function answerFetch(
  fetched: FetchedReport,
  items: readonly FetchItem[],
  content: Buffer | undefined,
): (string | Buffer)[] {
  const message = content && new FetchedMessage(content);
  const pieces: (string | Buffer)[] = [`* ${fetched.number} FETCH (`];
  for (const [index, item] of items.entries()) {
    if (index > 0) pieces.push(' ');
    pieces.push(...answerItem(fetched, item, message));
  }
  pieces.push(')\r\n');
  return pieces;
}

function answerItem(
  { report, flags }: FetchedReport,
  item: FetchItem,
  message: FetchedMessage | undefined,
): (string | Buffer)[] {
  switch (item.kind) {
    case 'FLAGS':
      return [`FLAGS (${flags})`];
    case 'INTERNALDATE':
      return [`INTERNALDATE ${formatDateTime(report.at)}`];
    case 'RFC822.SIZE':
      return [`RFC822.SIZE ${report.octets}`];
    case 'UID':
      return [`UID ${report.uid}`];
    default:
      if (!message) throw new Error(`${item.kind} needs the content`);
      return message.answer(item);
  }
}

/** A message whose parts are looked for when they are asked for, once. */
class FetchedMessage {
  private known: MessagePart | undefined;

  constructor(private readonly raw: Buffer) {}

  answer(item: Extract<FetchItem, { kind: 'ENVELOPE' | 'structure' | 'section' }>): (string | Buffer)[] {
    switch (item.kind) {
      case 'ENVELOPE':
        return [`ENVELOPE ${envelope(this.raw, this.parts)}`];
      case 'structure':
        return [`${item.extended ? 'BODYSTRUCTURE' : 'BODY'} ${bodyStructure(this.raw, this.parts, item.extended)}`];
      case 'section':
        return this.section(item);
      default:
        return item satisfies never;
    }
  }

  private section({ label, section, partial }: Extract<FetchItem, { kind: 'section' }>): (string | Buffer)[] {
    const isWhole = section.part.length === 0 && section.what === '';
    // A part that is not there is empty, as Dovecot has it: programs that look for one take NIL for an error.
    const octets = (isWhole ? withoutNul(this.raw) : sectionOf(this.raw, this.parts, section)) ?? NOTHING;
    // Beyond the end there is nothing: section 6.4.5.
    const asked = partial ? octets.subarray(partial.from, partial.from + partial.octets) : octets;
    return [`${label} {${asked.length}}\r\n`, asked];
  }

  private get parts(): MessagePart {
    return (this.known ??= readMessageParts(this.raw));
  }
}
