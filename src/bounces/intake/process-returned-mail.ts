/**
 * Works on what the intake has kept: reads it, finds the message that it is about, tells the spool what has become of its
 * recipients, and keeps it as a report for people. All of it may be done twice and counts once.
 *
 * A message is found by the signed return path in the envelope; else by the same signed text in the header field
 * `X-Posthorn-Ref` of what came back; else, of what left through a server that rewrites both, by its Message-ID.
 */
import type { Accounts } from '../../accounts/accounts.js';
import type { MessageEvent } from '../../events/event.js';
import type { Finding } from '../../mail/classification.js';
import type { Clock } from '../../mail/clock.js';
import { parseHeaderBlock } from '../../mail/header-block.js';
import { withCrlf } from '../../mail/line-endings.js';
import { parseReply, type Reply } from '../../mail/reply.js';
import type { MessageHistory, Spool } from '../../queue/spool.js';
import type { StreamEntry } from '../../store/work-stream.js';
import type { Log } from '../../telemetry/logger.js';
import type { Metrics } from '../../telemetry/metrics.js';
import { matchRecipients, type RecipientHit } from './match-recipients.js';
import { reportKindOf } from '../reports/report-kind.js';
import type { Report, ReportKind, Reports } from '../reports/reports.js';
import type { ReturnedMail, ReturnedRecipient } from '../returned-mail/returned-mail.js';
import { readKeptMail, type KeptMail } from './returned-mail-queue.js';
import type { MailReference, ReturnPathSigner } from '../return-path/return-path.js';
import { isComplaint } from '../suppression/suppression-policy.js';

export interface ReturnedMailParts {
  readonly accounts: Accounts;
  readonly spool: Spool;
  readonly reports: Reports;
  readonly signer: ReturnPathSigner;
  /** What a mail says, whatever program wrote it. */
  readonly read: (content: Buffer) => ReturnedMail;
  /** The message that left with this Message-ID through a server that rewrites return paths. */
  readonly referenceOf: (messageId: string) => Promise<MailReference | undefined>;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
}

type Outcome = 'matched' | 'kept' | 'dropped' | 'forged' | 'given_up';

export class ProcessReturnedMail {
  /** @param bytesMax what a message can be at most */
  constructor(
    private readonly parts: ReturnedMailParts,
    private readonly bytesMax: number,
  ) {}

  async handle(entry: StreamEntry): Promise<void> {
    const { metrics, log } = this.parts;
    const kept = await readKeptMail(entry, this.bytesMax);
    const mail = this.parts.read(kept.content);
    const outcome = isReport(mail) ? await this.followUp(kept, mail) : await this.keepOther(kept, mail);
    metrics.returnedMail.inc({ kind: mail.kind, outcome });
    log.info('returned_mail.done', { entry: entry.id, kind: mail.kind, outcome, from: log.address(kept.reversePath) });
  }

  /** It could not be worked on, again and again: people may still read it. */
  async giveUp(entry: StreamEntry): Promise<void> {
    const { metrics, log } = this.parts;
    metrics.returnedMail.inc({ kind: 'other', outcome: 'given_up' });
    log.error('returned_mail.given_up', 'it failed too often', { entry: entry.id });
    try {
      const kept = await readKeptMail(entry, this.bytesMax);
      await this.keepWords(kept);
      await this.keepForSenders(kept);
    } catch (error) {
      log.error('returned_mail.lost', error, { entry: entry.id });
    }
  }

  private async followUp(kept: KeptMail, mail: ReturnedMail): Promise<Outcome> {
    const signed = signedReferences(kept);
    const inside = signed.length > 0 ? undefined : await this.referenceInside(mail);
    const references = inside && inside !== 'forged' ? [inside] : signed.map((one) => ({ ...one, isSigned: true }));
    let outcome: Outcome = inside === 'forged' ? 'forged' : 'dropped';
    for (const reference of references) {
      const history = await this.parts.spool.read(reference.messageId);
      if (!history) continue;
      const told = await this.tell(history, reference, kept, mail);
      if (outcome !== 'matched') outcome = told;
    }
    if (outcome === 'matched') return outcome;
    const asReport = await this.keep(kept, mail.kind === 'complaint' ? 'complaint' : 'other');
    return asReport === 'kept' && outcome === 'dropped' ? 'kept' : outcome;
  }

  /**
   * What the original says of itself, which its recipient may have written. What is signed is believed as the envelope is.
   * The Message-ID is not: whoever has seen one, or guesses it, can name it.
   */
  private async referenceInside({ original }: ReturnedMail): Promise<FoundReference | 'forged' | undefined> {
    const { signer, clock, referenceOf } = this.parts;
    const [text = ''] = (original?.reference ?? '').trim().split('@');
    if (text !== '') {
      const reading = signer.read(text, clock.now());
      if (reading.kind === 'valid') return { ...reading, isSigned: true };
      if (reading.kind !== 'expired') return 'forged';
    }
    const found = original?.messageId === undefined ? undefined : await referenceOf(original.messageId);
    return found && { ...found, isSigned: false };
  }

  /** Tells what has become of recipients of one transaction. */
  private async tell(
    { message, states, events }: MessageHistory,
    { transaction, isSigned }: FoundReference,
    kept: KeptMail,
    mail: ReturnedMail,
  ): Promise<Outcome> {
    const { id, account } = message;
    const found = matchRecipients(mail, message, transaction, isSigned);
    // This very mail may have been begun on before.
    const isBegun = events.some((event) => 'report' in event && event.report === kept.digest);
    const hits = found.filter(
      ({ recipient, what }) => isBegun || what !== 'bounced' || states[recipient] !== 'bounced',
    );
    // All were told of before: many servers say it twice.
    if (found.length > hits.length && hits.length === 0) return 'matched';
    const [worst] = [...hits].sort((a, b) => rankOf(b) - rankOf(a));
    if (!worst) {
      // Of several recipients it names none: people may find out which. What it says of others is not ours to hear.
      if (!isSigned || mail.recipients.some(({ address }) => address !== '')) return 'dropped';
      return this.store(account, kept, { kind: 'other', messageId: id });
    }
    const finding = worst.report?.classification;
    const kind = reportKindOf(worst.what, finding);
    const category = worst.what === 'complained' ? undefined : finding?.category;
    let isHeard = false;
    for (const [index, recipients] of grouped(hits).entries()) {
      const key = [kept.digest, transaction, index, ...recipients.map(({ recipient }) => recipient)].join('.');
      const result = await this.parts.spool.afterword(id, { key, event: eventOf(recipients, kept, mail) });
      isHeard ||= result === 'written' || result === 'repeated';
    }
    // Who sends one after another is to fill no mailbox either.
    if (!isHeard) return 'dropped';
    await this.store(account, kept, { kind, messageId: id, ...(category && { category }) });
    return 'matched';
  }

  /** What people write is kept as often as they write it; a bounce that comes twice is one. */
  private async keepWords(kept: KeptMail): Promise<'kept' | 'dropped'> {
    return this.keep(kept, 'other', `${kept.digest}.${kept.at}`);
  }

  /** Keeps it for those whose postmaster it was sent to. */
  private async keep(kept: KeptMail, kind: ReportKind, key = kept.digest): Promise<'kept' | 'dropped'> {
    const accounts = kept.recipients.flatMap((recipient) => (recipient.kind === 'role' ? [recipient.account] : []));
    for (const account of new Set(accounts)) await this.store(account, kept, { kind, key });
    return accounts.length > 0 ? 'kept' : 'dropped';
  }

  /** Mail without a sender to a return path is most likely a bounce that nobody here can read: people may. RFC 5321 section 6.1. */
  private async keepOther(kept: KeptMail, { kind, report }: ReturnedMail): Promise<Outcome> {
    const outcome = await this.keepWords(kept);
    const isUnread = kind === 'other' && report === undefined && kept.reversePath === '';
    return isUnread && (await this.keepForSenders(kept)) === 'kept' ? 'kept' : outcome;
  }

  /** Keeps it, unread, for those whose messages its return paths belong to. */
  private async keepForSenders(kept: KeptMail): Promise<'kept' | 'dropped'> {
    let outcome: 'kept' | 'dropped' = 'dropped';
    for (const { messageId, transaction } of signedReferences(kept)) {
      const history = await this.parts.spool.read(messageId);
      if (!history) continue;
      // At most 64 of a transaction, or whoever knows its return path could push the account's other reports out.
      const key = [messageId, transaction, kept.digest.charAt(0)].join('.');
      const stored = await this.store(history.message.account, kept, { key, kind: 'other', messageId });
      if (stored === 'kept') outcome = stored;
    }
    return outcome;
  }

  private async store(
    account: string,
    { digest, at, content }: KeptMail,
    about: Pick<Report, 'kind' | 'category' | 'messageId'> & { readonly key?: string },
  ): Promise<'kept' | 'dropped'> {
    // The reports went with it, and another account of that name is not to read them.
    if (!(await this.parts.accounts.get(account))) return 'dropped';
    await this.parts.reports.append(account, { key: digest, ...about, at, content: withHeaderEnd(withCrlf(content)) });
    return 'kept';
  }
}

const CRLF = Buffer.from('\r\n');

/** RFC 5322 section 2.1: a mail may be a header alone; mbsync passes over one without the empty line after it. */
function withHeaderEnd(content: Buffer): Buffer {
  if (parseHeaderBlock(content).end < content.length) return content;
  return Buffer.concat([content, ...(content.subarray(-2).equals(CRLF) ? [CRLF] : [CRLF, CRLF])]);
}

interface FoundReference extends MailReference {
  /** By us: whoever names it has had the mail. */
  readonly isSigned: boolean;
}

/** Whether it tells that mail did not arrive, is late, or is unwanted. */
function isReport({ kind, feedbackType = '' }: ReturnedMail): boolean {
  if (kind === 'complaint') return isComplaint(feedbackType);
  return kind === 'bounce' || kind === 'delayed';
}

/** Each once. */
function signedReferences({ recipients }: KeptMail): MailReference[] {
  const references = new Map<string, MailReference>();
  for (const recipient of recipients) {
    if (recipient.kind !== 'return_path') continue;
    const { messageId, transaction } = recipient;
    references.set(`${messageId}.${transaction}`, { messageId, transaction });
  }
  return [...references.values()];
}

/** Those of which the same is told are one event. */
function grouped(hits: readonly RecipientHit[]): [RecipientHit, ...RecipientHit[]][] {
  const groups = new Map<string, [RecipientHit, ...RecipientHit[]]>();
  for (const hit of hits) {
    const { classification, diagnostic, code, status, mx } = hit.report ?? {};
    const same = JSON.stringify([hit.what, classification, diagnostic, code, status, mx]);
    const group = groups.get(same);
    if (group) group.push(hit);
    else groups.set(same, [hit]);
  }
  return [...groups.values()];
}

function eventOf(
  group: readonly [RecipientHit, ...RecipientHit[]],
  { at, digest }: KeptMail,
  mail: ReturnedMail,
): MessageEvent & { readonly recipients: readonly number[] } {
  const [{ what, report }] = group;
  const base = { at, recipients: group.map(({ recipient }) => recipient), report: digest };
  if (what === 'complained' || !report) {
    return { ...base, type: 'complained', feedbackType: mail.feedbackType ?? 'abuse' };
  }
  const { classification, mx } = report;
  const reply = replyOf(report);
  return {
    ...base,
    type: what,
    source: 'dsn',
    classification,
    ...(reply && { reply }),
    ...(mx !== undefined && { mx }),
  };
}

/** Where the report tells no code there is one for what it tells: RFC 3463 section 2, the class is the first digit. */
function replyOf({ code, status, diagnostic, classification }: ReturnedRecipient): Reply | undefined {
  if (diagnostic === '' && code === undefined) return undefined;
  const isTemporary = status === undefined ? isSoft(classification) : status.startsWith('4');
  const said = code ?? (isTemporary ? 450 : 550);
  // The words of a diagnostic have the codes in front of them: of each line, where they were several.
  const lines = diagnostic.replace(/ (?=[245]\d\d[ -][245]\.\d{1,3}\.\d{1,3} )/g, '\n');
  const whole = parseReply(lines);
  const reply = whole?.code === said || (whole && code === undefined) ? whole : parseReply(`${String(said)} ${lines}`);
  const enhanced = reply?.enhanced ?? status;
  return { code: reply?.code ?? said, ...(enhanced !== undefined && { enhanced }), text: reply?.text ?? diagnostic };
}

function rankOf({ what, report }: RecipientHit): number {
  if (what === 'complained') return 3;
  if (what === 'delayed') return 0;
  return report?.classification.type === 'hard' ? 2 : 1;
}

function isSoft({ type }: Finding): boolean {
  return type === 'soft';
}
