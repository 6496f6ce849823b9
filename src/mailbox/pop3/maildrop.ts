/**
 * The messages of one session: INBOX as it was at login, numbered from 1, and what the session has marked as deleted.
 * RFC 1939 section 3. Nobody is kept out meanwhile: section 3's lock is there so that numbers stay what they are, and
 * these do; a message that another session takes away is answered with -ERR. So [IN-USE] is never said.
 */
import type { StoredReport } from '../../bounces/reports/report-mailbox.js';
import { bad, REFUSED, type Reply } from './reply.js';

export interface Message {
  readonly number: number;
  readonly report: StoredReport;
}

export type NamedMessage =
  { readonly kind: 'message'; readonly message: Message } | { readonly kind: 'refused'; readonly reply: Reply };

/** No sign, no point, no exponent, and no more digits than a count of anything needs. */
const NUMBER = /^\d{1,10}$/;

export class Maildrop {
  /** By number. */
  private readonly deleted = new Set<number>();

  /** @param reports by uid; not copied, and never changed */
  constructor(private readonly reports: readonly StoredReport[]) {}

  /** Those that are not marked as deleted, in their order. */
  *messages(): Generator<Message> {
    for (const [index, report] of this.reports.entries()) {
      if (!this.deleted.has(index + 1)) yield { number: index + 1, report };
    }
  }

  /** Of those that are not marked as deleted. */
  size(): { readonly count: number; readonly octets: number } {
    let [count, octets] = [0, 0];
    for (const { report } of this.messages()) {
      count += 1;
      octets += report.octets;
    }
    return { count, octets };
  }

  /** The message of which a client says the number. */
  named(text: string): NamedMessage {
    const number = readNumber(text.trim());
    if (number === undefined) return { kind: 'refused', reply: bad('The argument is no number of a message') };
    const report = this.reports[number - 1];
    if (!report) return { kind: 'refused', reply: REFUSED.noSuchMessage };
    if (this.deleted.has(number)) return { kind: 'refused', reply: REFUSED.deleted };
    return { kind: 'message', message: { number, report } };
  }

  delete({ number }: Message): void {
    this.deleted.add(number);
  }

  /** Takes all marks away. */
  reset(): void {
    this.deleted.clear();
  }

  deletedUids(): number[] {
    return this.reports.filter((_, index) => this.deleted.has(index + 1)).map(({ uid }) => uid);
  }
}

export function readNumber(text: string): number | undefined {
  return NUMBER.test(text) ? Number(text) : undefined;
}
