/**
 * The one way in. Whatever door a message comes by, here it is judged, given its trace and identification fields,
 * stripped of Bcc, and handed to the spool; only then may the door answer for it.
 *
 * Everything else of the message leaves as it came, byte for byte. RFC 6409 section 8, RFC 5321 section 4.4.
 */
import type { SendingDomains } from '../accounts/sending-domains.js';
import { formatAddress, parseAddress } from '../mail/address.js';
import type { Clock } from '../mail/clock.js';
import type { Door } from '../mail/door.js';
import { fieldValue, parseHeaderBlock, withoutFields, type HeaderBlock } from '../mail/header-block.js';
import { hasNul, withCrlf } from '../mail/line-endings.js';
import { newMessageId } from '../mail/message-id.js';
import type { Stream } from '../mail/stream.js';
import { planTransactions } from '../queue/plan-transactions.js';
import type { MessageRecord, Spool } from '../queue/spool.js';
import { SHARD } from '../store/keyspace.js';
import type { Log } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { refusal, type Refusal } from './refusals.js';
import {
  authorDomain,
  forbiddenReversePath,
  forbiddenSender,
  readSenders,
  shown,
  type Senders,
} from './sender-rules.js';
import { formatDate, receivedField, type TraceSource } from './trace-fields.js';

/** A message as a door hands it over. */
export interface Submission {
  readonly account: string;
  readonly door: Door;
  readonly stream: Stream;
  /** Empty for the null reverse path. */
  readonly reversePath: string;
  readonly recipients: readonly string[];
  /** Header and body, with any line endings. */
  readonly content: Buffer;
  readonly source: TraceSource;
  /** Milliseconds until it is given up; the operator's limit where absent, never more than it. */
  readonly expiresInMs?: number;
  readonly tags?: readonly string[];
  readonly metadata?: Readonly<Record<string, string>>;
}

export type Acceptance =
  | { readonly kind: 'accepted'; readonly id: string; readonly recipients: readonly string[] }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface AcceptLimits {
  readonly hostname: string;
  readonly messageBytesMax: number;
  readonly recipientsMax: number;
  readonly expireAfterMs: number;
}

// RFC 6409 section 8 leaves Bcc to the client; a relay that passes it on tells everybody.
const STRIPPED: ReadonlySet<string> = new Set(['bcc', 'resent-bcc']);
const TAB = 9;
const LF = 10;
const SPACE = 32;
/** A subject is kept for people who search; this much of it is enough. */
const SUBJECT_CHARACTERS_MAX = 200;

interface Parties {
  readonly reversePath: string;
  readonly recipients: readonly string[];
  readonly senders: Senders;
}

export class AcceptMessage {
  constructor(
    private readonly spool: Spool,
    private readonly domains: SendingDomains,
    readonly limits: AcceptLimits,
    private readonly clock: Clock,
    private readonly telemetry: { readonly metrics: Metrics; readonly log: Log },
  ) {}

  /** Never throws: a fault of the spool is a refusal that asks the client to come back. */
  async accept(submission: Submission): Promise<Acceptance> {
    const { metrics, log } = this.telemetry;
    const stopTimer = metrics.acceptDuration.startTimer({ door: submission.door });
    let acceptance: Acceptance;
    try {
      acceptance = await this.judgeAndStore(submission);
    } catch (error) {
      log.error('message.not_stored', error, { account: submission.account, door: submission.door });
      acceptance = { kind: 'refused', refusal: refusal('queue_unavailable') };
    }
    stopTimer();
    if (acceptance.kind === 'refused') {
      const { cause, text } = acceptance.refusal;
      metrics.submissionsRejected.inc({ door: submission.door, reason: cause });
      log.info('message.refused', { account: submission.account, door: submission.door, cause, text });
    }
    return acceptance;
  }

  /** Whether `account` may use `reversePath`; for doors that hear it before the message. */
  async checkReversePath(account: string, reversePath: string): Promise<Refusal | undefined> {
    if (reversePath === '') return undefined;
    try {
      return forbiddenReversePath(await this.domains.recent(account), reversePath);
    } catch {
      return refusal('queue_unavailable');
    }
  }

  private async judgeAndStore(submission: Submission): Promise<Acceptance> {
    const refused = (why: Refusal): Acceptance => ({ kind: 'refused', refusal: why });
    const { messageBytesMax, expireAfterMs } = this.limits;
    if (submission.content.length > messageBytesMax) return refused(refusal('message_too_large', messageBytesMax));
    if (hasNul(submission.content)) return refused(refusal('nul_octet'));
    const content = withCrlf(submission.content);
    // RFC 5322 section 2.2.3: it would be read as the continuation of the fields that we put on top.
    if (content[0] === SPACE || content[0] === TAB) return refused(refusal('bad_header'));
    const header = parseHeaderBlock(content);
    const parties = readParties(submission, content, header, this.limits.recipientsMax);
    if ('cause' in parties) return refused(parties);
    const notAllowed = forbiddenSender(
      await this.domains.recent(submission.account),
      parties.reversePath,
      parties.senders,
    );
    if (notAllowed) return refused(notAllowed);

    const now = this.clock.now();
    const id = newMessageId(now, SHARD);
    const body = this.complete(id, now, submission, parties.reversePath, content, header);
    const subject = header.fields.find(({ name }) => name === 'subject');
    const message: MessageRecord = {
      id,
      account: submission.account,
      door: submission.door,
      stream: submission.stream,
      acceptedAt: now,
      expiresAt: now + Math.min(submission.expiresInMs ?? expireAfterMs, expireAfterMs),
      reversePath: parties.reversePath,
      recipients: parties.recipients,
      transactions: planTransactions(parties.recipients),
      fromDomain: authorDomain(parties.senders, parties.reversePath),
      ...(subject && { subject: fieldValue(content, subject).slice(0, SUBJECT_CHARACTERS_MAX) }),
      ...(submission.tags?.length && { tags: submission.tags }),
      ...(submission.metadata && { metadata: submission.metadata }),
      bodyBytes: body.length,
    };
    await this.spool.accept(message, body);
    this.recordAccepted(message);
    return { kind: 'accepted', id, recipients: parties.recipients };
  }

  /** The message as it will leave, but for its signature. */
  private complete(
    id: string,
    nowMs: number,
    submission: Submission,
    reversePath: string,
    content: Buffer,
    header: HeaderBlock,
  ): Buffer {
    const { hostname } = this.limits;
    const present = new Set(header.fields.map(({ name }) => name));
    let top = receivedField({ id, hostname, source: submission.source, atMs: nowMs });
    if (!present.has('message-id')) top += `Message-ID: <${id}@${hostname}>\r\n`;
    if (!present.has('date')) top += `Date: ${formatDate(nowMs)}\r\n`;
    if (!present.has('from') && reversePath !== '') top += `From: ${reversePath}\r\n`;
    // What is signed must already end as it will on the wire (RFC 5321 section 4.1.1.4).
    const end = content.length === 0 || content.at(-1) !== LF ? '\r\n' : '';
    return Buffer.concat([Buffer.from(top), withoutFields(content, header, STRIPPED), Buffer.from(end)]);
  }

  private recordAccepted(message: MessageRecord): void {
    const { metrics, log } = this.telemetry;
    metrics.messagesAccepted.inc({ door: message.door, stream: message.stream });
    log.info('message.accepted', {
      id: message.id,
      account: message.account,
      door: message.door,
      stream: message.stream,
      from: log.address(message.reversePath),
      to: message.recipients.slice(0, 10).map((address) => log.address(address)),
      recipients: message.recipients.length,
      bytes: message.bodyBytes,
    });
  }
}

/** Reads the envelope and who the header names; a refusal where the envelope cannot be. */
function readParties(
  submission: Submission,
  content: Buffer,
  header: HeaderBlock,
  recipientsMax: number,
): Parties | Refusal {
  const sender = submission.reversePath === '' ? undefined : parseAddress(submission.reversePath);
  if (submission.reversePath !== '' && !sender) return refusal('bad_sender', shown(submission.reversePath));
  const recipients = new Set<string>();
  for (const text of submission.recipients) {
    const recipient = parseAddress(text);
    if (!recipient) return refusal('bad_recipient', shown(text));
    recipients.add(formatAddress(recipient));
  }
  if (recipients.size === 0) return refusal('no_recipients');
  if (recipients.size > recipientsMax) return refusal('too_many_recipients', recipientsMax);
  const senders = readSenders(content, header);
  if (!senders.author && !sender) return refusal('missing_from_header');
  return { reversePath: sender ? formatAddress(sender) : '', recipients: [...recipients], senders };
}
