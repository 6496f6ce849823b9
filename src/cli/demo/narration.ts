/**
 * The lines of the demonstration: a heading for each message, a line for each thing that happens to a recipient, and under
 * it what Posthorn makes of it. They fit a terminal of 100 columns, and say without colours what they say with them.
 */
import { styleText } from 'node:util';
import { formatReply } from '../../mail/reply.js';
import { shown } from '../api-client.js';
import type { DkimProof } from './dkim-proof.js';
import type { TrailEvent } from './message-trail.js';
import type { DemoMessage } from './scenario.js';
import { doorOf } from './submit-message.js';
import type { Verdict } from './verdict.js';

type Format = Parameters<typeof styleText>[0];

const COLUMNS = 96;
const TIME_COLUMNS = 9;
const ADDRESS_COLUMNS = 24;
/** What is made of a reply stands under the address, behind time and sign. */
const INDENT = ' '.repeat(TIME_COLUMNS + 4);

const SIGNS: Readonly<Record<string, readonly [string, Format]>> = {
  delivered: ['✓', 'green'],
  deferred: ['↻', 'yellow'],
  bounced: ['✗', 'red'],
};

export class Narration {
  private messageShown: DemoMessage | undefined;

  /** @param startedAt the zero of the times, in milliseconds since the epoch */
  constructor(
    private readonly write: (text: string) => void,
    private readonly hasColours: boolean,
    private readonly startedAt: number,
  ) {}

  opening(): void {
    this.line(
      this.paint('bold', 'Posthorn demo: real mail through a real relay into a small internet, all on this machine'),
    );
    this.line('');
  }

  fact(name: string, text: string): void {
    this.line(`  ${this.paint('cyan', name.padEnd(7))}${text}`);
  }

  accepted(message: DemoMessage, answer: string, at: number): void {
    this.heading(message, doorOf(message.submission));
    this.line(`${this.time(at)}  · ${'accepted'.padEnd(ADDRESS_COLUMNS)} ${answer}`);
  }

  event(message: DemoMessage, event: TrailEvent, proof: DkimProof | undefined): void {
    if (this.messageShown !== message) this.heading(message, `try ${event.attempt}`);
    const [sign, colour] = SIGNS[event.type] ?? ['?', 'magenta'];
    const address = event.recipient.padEnd(ADDRESS_COLUMNS);
    this.line(`${this.time(event.at)}  ${this.paint(colour, sign)} ${address} ${shown(formatReply(event.reply))}`);
    this.line(`${INDENT}${this.paint(colour, event.type)} ${this.upshot(event)}${this.proof(proof)}`);
  }

  closing(messages: number, { delivered, verified, bounced, retried }: Verdict, now: number): void {
    const counts = `${delivered} delivered, ${verified} DKIM verified, ${bounced} bounced, ${retried} at the second try`;
    const seconds = ((now - this.startedAt) / 1000).toFixed(1);
    this.line('');
    this.line(
      this.paint('bold', `${messages} messages to ${delivered + bounced} recipients in ${seconds} s: ${counts}`),
    );
  }

  private line(text: string): void {
    this.write(`${text}\n`);
  }

  private heading(message: DemoMessage, aside: string): void {
    this.messageShown = message;
    this.line('');
    const gap = ' '.repeat(Math.max(2, COLUMNS - message.title.length - aside.length));
    this.line(`${this.paint('bold', message.title)}${gap}${this.paint('dim', aside)}`);
  }

  private upshot({ type, host, tls, nextInMs, category }: TrailEvent): string {
    const means = category === undefined ? '' : `as ${category} `;
    const by = host === undefined ? 'before any server was asked' : `by ${host}`;
    if (type === 'delivered') return `${host === undefined ? '' : `to ${host}`}${tls ? ' over TLS' : ''}`;
    return nextInMs === undefined
      ? `${means}${by}, for good`
      : `${means}${by}, next try in ${(nextInMs / 1000).toFixed(1)} s`;
  }

  private proof(proof: DkimProof | undefined): string {
    if (!proof) return '';
    return proof.kind === 'verified'
      ? `, ${this.paint('green', 'DKIM verified')} d=${proof.domain}`
      : `, ${this.paint('red', 'DKIM not verified')}: ${shown(proof.why)}`;
  }

  private time(at: number): string {
    return this.paint('dim', `${((at - this.startedAt) / 1000).toFixed(2)} s`.padStart(TIME_COLUMNS));
  }

  private paint(format: Format, text: string): string {
    return this.hasColours ? styleText(format, text, { validateStream: false }) : text;
  }
}
