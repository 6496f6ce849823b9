/** The first part of a report: what happened, whose fault it is, what to do, and what we do ourselves, in plain words. */
import type { MessageEvent } from '../../events/event.js';
import { inWords, OWN_RULE } from '../../mail/categories.js';
import type { Fault } from '../../mail/classification.js';
import { decodeWords } from '../../mail/encoded-words.js';
import { formatReply } from '../../mail/reply.js';
import type { MessageRecord } from '../../queue/spool.js';
import { mailDate, oneLine, paragraph, verbatim } from './report-lines.js';
import type { Suppression } from '../suppression/suppressions.js';

/** The events that people are told of. */
export type ReportedEvent = Extract<MessageEvent, { type: 'bounced' | 'expired' | 'delayed' | 'complained' }>;

/** What a report is made of. */
export interface ReportFacts {
  readonly message: MessageRecord;
  readonly event: ReportedEvent;
  /** Those of the message's recipients that the event is about. */
  readonly recipients: readonly string[];
  /** Those of them that are suppressed now, by address. */
  readonly suppressed: ReadonlyMap<string, Suppression>;
}

const FAULT_WORDS: Readonly<Record<Fault, string>> = {
  recipient: "The recipient's side: the address, the mailbox, or what its owner takes.",
  sender: 'The sending side: the sender address, its domain or its DNS records.',
  content: "The message's own: its content, form or size.",
  reputation: "The sending side's: its reputation with that server. The address is not to blame.",
  infrastructure: 'A server, the network or DNS. Neither you nor the recipient did anything wrong.',
  protocol: 'The two servers: how they speak with each other.',
  unknown: 'The server does not say.',
};

/** Addresses named in the text; the second part has them all. */
const NAMED_MAX = 50;

/** What a subject says: of whom, and in a few words why. */
export function subjectOf({ event, recipients }: ReportFacts): string {
  const [first = 'nobody'] = recipients;
  const whom = recipients.length === 1 ? first : `${first} and ${String(recipients.length - 1)} more`;
  if (event.type === 'complained') return `Complaint about your mail from ${whom}`;
  if (event.type === 'delayed') return `Delayed, and still being tried: your mail to ${whom}`;
  const why = inWords(event.classification).explanation.replace(/\.$/, '');
  return event.type === 'expired' ? `Given up: your mail to ${whom}` : `Not delivered to ${whom}: ${why}`;
}

/** Its lines, each short enough for a mail. */
export function explainReport(facts: ReportFacts): string[] {
  const { event, message } = facts;
  const blocks = [opening(facts), named(facts.recipients)];
  if (event.type === 'complained') {
    blocks.push(
      section('What happened', `The recipient called this mail unwanted (${oneLine(event.feedbackType)}).`),
      section(
        'Whose fault',
        'The sending side: somebody got mail that they did not want, or do not remember asking for.',
      ),
      section('What to do', 'Take the person off your lists, and see how the address came onto them.'),
    );
  } else {
    const { explanation, todo, fault } = inWords(event.classification);
    blocks.push(
      section('What happened', explanation),
      section('Whose fault', FAULT_WORDS[fault]),
      section('What to do', todo),
    );
  }
  blocks.push(section('What Posthorn does', ownDeeds(facts)), ...dialogue(event), aboutMessage(message));
  if (event.type !== 'complained') {
    const { category, type, rule } = event.classification;
    blocks.push([`Class: ${category} (${type})`, ...paragraph(`Rule: ${rule}`)]);
  }
  return blocks.flatMap((lines) => [...lines, '']);
}

function opening({ event }: ReportFacts): string[] {
  switch (event.type) {
    case 'bounced':
      return ['Your mail was not delivered to:'];
    case 'expired':
      return ['Your mail could not be delivered in time, and is given up, to:'];
    case 'delayed':
      return ['Your mail has not been delivered yet, and is still being tried, to:'];
    case 'complained':
      return ['A complaint about your mail came from:'];
    default:
      return event satisfies never;
  }
}

function named(recipients: readonly string[]): string[] {
  const lines = recipients.slice(0, NAMED_MAX).flatMap((address) => verbatim(address));
  const more = recipients.length - NAMED_MAX;
  return more > 0 ? [...lines, `    and ${String(more)} more`] : lines;
}

function section(title: string, text: string): string[] {
  return paragraph(`${title}: ${text}`);
}

function ownDeeds({ event, message, recipients, suppressed }: ReportFacts): string {
  if (event.type === 'delayed') {
    const until = mailDate(message.expiresAt);
    return event.source === 'dsn'
      ? 'Nothing: another server took the mail, and is still trying. It is not to be sent again.'
      : `It is tried again and again until ${until}, then you are told. It is not to be sent again.`;
  }
  if (suppressed.size === 0)
    return 'This mail is not sent again. The address is not suppressed: other mail to it goes out.';
  const [suppression] = suppressed.values();
  const which = suppressed.size < recipients.length ? `${String(suppressed.size)} of the addresses` : 'The address';
  const until =
    suppression?.until === undefined ? 'until it is taken off by hand' : `until ${mailDate(suppression.until)}`;
  const mail = suppression?.streams ? `mail of the stream ${suppression.streams.join(', ')}` : 'your mail';
  return `${which} is on the suppression list: ${mail} to it is held back ${until}.`;
}

function dialogue(event: ReportedEvent): string[][] {
  if (event.type === 'complained') return [];
  const { reply, mx, attempt, at, source } = event;
  if (!reply) return [];
  const who = isOwnFinding(event) ? 'Posthorn found' : `${mx ?? 'The server'} said`;
  const when = attempt === undefined ? mailDate(at) : `at attempt ${String(attempt)}, ${mailDate(at)}`;
  const how = source === 'dsn' ? `${who}, as a mail that came back tells` : `${who} ${when}`;
  return [paragraph(`${how}:`), verbatim(formatReply(reply))];
}

/** Whether no server said it, so that nobody is to be blamed for the words. */
export function isOwnFinding({ source, mx, classification }: Exclude<ReportedEvent, { type: 'complained' }>): boolean {
  return source === 'reply' && (mx === undefined || classification.rule === OWN_RULE);
}

function aboutMessage({ id, acceptedAt, subject }: MessageRecord): string[] {
  const lines = [`Message: ${id}`, `Accepted: ${mailDate(acceptedAt)}`];
  return subject === undefined ? lines : [...lines, ...verbatim(`Subject: ${decodeWords(subject)}`, '')];
}
