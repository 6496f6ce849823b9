/**
 * The one way in. Whatever door a message comes by, here it is judged, given its trace and identification fields,
 * stripped of Bcc and of its options, and handed to the spool; only then may the door answer for it.
 *
 * Everything else of the message leaves as it came, byte for byte. RFC 6409 section 8, RFC 5321 section 4.4.
 */
import type { Account } from '../accounts/account.js';
import type { Accounts } from '../accounts/accounts.js';
import type { Credential } from '../accounts/credentials.js';
import type { RateFacts } from '../accounts/message-allowance.js';
import type { SendingDomains } from '../accounts/sending-domains.js';
import type { TrafficWatch } from '../accounts/traffic-watch.js';
import type { Suppressions } from '../bounces/suppression/suppressions.js';
import type { Clock } from '../mail/clock.js';
import type { Door } from '../mail/door.js';
import { HEADER_FIELDS_MAX, parseHeaderBlock } from '../mail/header-block.js';
import { hasNul, withCrlf } from '../mail/line-endings.js';
import { newMessageId } from '../mail/message-id.js';
import type { SmtpSession } from '../listeners/smtp-session.js';
import type { StoredAnswer } from '../queue/idempotency.js';
import { SCHEDULE_AHEAD_MAX_MS, type MessageRecord, type Settlement, type Spool } from '../queue/spool.js';
import { SHARD } from '../store/keyspace.js';
import type { Log } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { Admission, AdmitMessage } from './admit-message.js';
import { completedBody } from './completed-body.js';
import { forbiddenMail, forbiddenRecipient } from './envelope-rules.js';
import { envelopeFingerprint, recordOf, timesOf, type Draft } from './message-draft.js';
import { badOption, messageOptions, optionFields } from './message-options.js';
import type { MessageOptions } from './option-schemas.js';
import { refusal, type Refusal } from './refusals.js';
import { readParties } from './read-parties.js';
import { forbiddenReversePath, forbiddenSender } from './sender-rules.js';
import type { SenderStanding } from './sender-standing.js';
import { answeredRecipients, forbiddenAll, forbiddenSuppressed, suppressedOf } from './suppressed-recipients.js';
import type { TraceSource } from '../listeners/trace-fields.js';

/** Who hands a message over. */
export interface MailSender {
  readonly account: string;
  /** What it was let in with; absent where a network is trusted. */
  readonly credential?: Credential;
}

/** A message as a door hands it over. */
export interface Submission extends MailSender {
  readonly door: Door;
  /** Empty for the null reverse path. */
  readonly reversePath: string;
  readonly recipients: readonly string[];
  /** Header and body, with any line endings. */
  readonly content: Buffer;
  readonly source: TraceSource;
  /** What was said beside the message; its own header may say more. */
  readonly options: MessageOptions;
  /** What makes two submissions with one idempotency key the same; the envelope where it is absent. */
  readonly fingerprint?: () => string;
}

export type Acceptance =
  | {
      readonly kind: 'accepted';
      readonly id: string;
      readonly recipients: StoredAnswer['recipients'];
      /** It is the answer that the first message with its idempotency key got. */
      readonly replayed: boolean;
      readonly rate?: RateFacts;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly rate?: RateFacts };

export interface AcceptLimits {
  readonly hostname: string;
  readonly messageBytesMax: number;
  readonly recipientsMax: number;
  readonly expireAfterMs: number;
}

/** Where accounts, their rights and their mail are kept. */
export interface AcceptStores {
  readonly spool: Spool;
  readonly accounts: Accounts;
  readonly domains: SendingDomains;
  readonly standing: SenderStanding;
  readonly suppressions: Suppressions;
}

/** A message that may come in, and whom of its recipients it does not go to. */
type Admitted = Admission & { readonly suppressed: readonly Settlement[] };

/** Received, Message-ID, Date, From, the reference; some to spare. */
const OWN_FIELDS_MAX = 100;
const TAB = 9;
const SPACE = 32;

export class AcceptMessage {
  constructor(
    private readonly stores: AcceptStores,
    private readonly admitMessage: AdmitMessage,
    readonly limits: AcceptLimits,
    private readonly clock: Clock,
    private readonly telemetry: { readonly metrics: Metrics; readonly log: Log; readonly traffic: TrafficWatch },
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
  async checkReversePath(sender: MailSender, reversePath: string, session: SmtpSession): Promise<Refusal | undefined> {
    const { domains, standing } = this.stores;
    try {
      const stands = await standing.of(sender.account, sender.credential);
      if (stands.kind === 'fallen') return stands.refusal;
      return (
        forbiddenMail(stands.account, reversePath, session) ??
        forbiddenReversePath(await domains.recent(sender.account), reversePath)
      );
    } catch {
      return refusal('queue_unavailable');
    }
  }

  /** Whether the message may have this recipient, too. */
  async checkRecipient(
    sender: MailSender | undefined,
    recipient: string,
    session: SmtpSession,
  ): Promise<Refusal | undefined> {
    try {
      const account = sender && (await this.stores.accounts.recent(sender.account));
      return (
        forbiddenRecipient(account, recipient, session) ??
        (await forbiddenSuppressed(this.stores.suppressions, account, recipient))
      );
    } catch {
      return refusal('queue_unavailable');
    }
  }

  private async judgeAndStore(submission: Submission): Promise<Acceptance> {
    const standing = await this.stores.standing.of(submission.account, submission.credential);
    if (standing.kind === 'fallen') return { kind: 'refused', refusal: standing.refusal };
    const { account, credential } = standing;
    const now = this.clock.now();
    const draft = await this.judge(submission, account, now);
    if ('cause' in draft) return { kind: 'refused', refusal: draft };
    const { parties, options } = draft;
    const { stream = 'default', idempotencyKey, supersedeKey } = options;
    const { sendAt: leavesAt = now, expiresAt } = timesOf(options, now, this.limits.expireAfterMs);
    const applicant = {
      account: submission.account,
      stream,
      expiresAt,
      ...(credential && { credential }),
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      fingerprint: submission.fingerprint ?? (() => envelopeFingerprint(parties)),
    };
    const admission = await this.admitMessage.admit(applicant, account, now);
    if (admission.kind === 'refused') return admission;
    if (admission.kind === 'replayed') return { kind: 'accepted', ...admission.answer, replayed: true };
    try {
      const incoming = { account: submission.account, recipients: parties.recipients, stream, supersedeKey };
      const suppressed = await suppressedOf(this.stores.suppressions, incoming, { now, leavesAt });
      const refused = submission.door === 'http' ? undefined : forbiddenAll(account, parties.recipients, suppressed);
      if (refused) {
        await this.giveBack(admission);
        return { kind: 'refused', refusal: refused };
      }
      return await this.store(submission, draft, { ...admission, suppressed }, now);
    } catch (error) {
      // It may have been written: what was counted for it stays counted, or more would leave than is allowed.
      const { reservation: _, ...uncounted } = admission;
      await this.giveBack(uncounted);
      throw error;
    }
  }

  /** Whether the message is sound and its sender may send it; else why not. */
  private async judge(submission: Submission, account: Account | undefined, nowMs: number): Promise<Draft | Refusal> {
    const { messageBytesMax, recipientsMax } = this.limits;
    const { messageBytes, recipientsPerMessage } = account?.limits ?? {};
    const bytes = submission.content.length;
    if (bytes > messageBytesMax) return refusal('message_too_large', messageBytesMax);
    if (messageBytes !== undefined && bytes > messageBytes) return refusal('account_message_too_large', messageBytes);
    if (hasNul(submission.content)) return refusal('nul_octet');
    const content = withCrlf(submission.content);
    // RFC 5322 section 2.2.3: it would be read as the continuation of the fields that we put on top.
    if (content[0] === SPACE || content[0] === TAB) return refusal('bad_header');
    const header = parseHeaderBlock(content);
    // Ours are still to come, and all of them must be seen by who signs.
    const fieldsMax = HEADER_FIELDS_MAX - OWN_FIELDS_MAX;
    if (header.fields.length >= fieldsMax) return refusal('too_many_fields', fieldsMax);
    const parties = readParties(submission, content, header, recipientsMax);
    if ('cause' in parties) return parties;
    if (recipientsPerMessage !== undefined && parties.recipients.length > recipientsPerMessage) {
      return refusal('account_recipients', recipientsPerMessage);
    }
    const domains = await this.stores.domains.recent(submission.account);
    const notAllowed = forbiddenSender(domains, parties.reversePath, parties.senders);
    if (notAllowed) return notAllowed;
    const fields = optionFields(header);
    const options = messageOptions(content, fields, submission.options);
    if ('cause' in options) return options;
    if ((options.sendAt ?? 0) > nowMs + SCHEDULE_AHEAD_MAX_MS) {
      return badOption('sendAt (X-Posthorn-Send-At)', 'must be at most 30 days ahead');
    }
    return { content, header, parties, options, optionFields: fields };
  }

  /** Writes the message; only when this has returned may it be answered for. */
  private async store(submission: Submission, draft: Draft, admission: Admitted, now: number): Promise<Acceptance> {
    const { recipients } = draft.parties;
    const { hostname } = this.limits;
    const id = newMessageId(now, SHARD);
    const trace = { id, hostname, source: submission.source, atMs: now };
    const body = completedBody(trace, draft);
    const { account, door } = submission;
    const message = recordOf(draft, { id, account, door, bodyBytes: body.length }, now, this.limits.expireAfterMs);
    const { heldKey, suppressed, rate } = admission;
    // Where nobody is left to send it to, it waits for nothing.
    const holding = suppressed.length < recipients.length ? admission.holding : undefined;
    const state = holding ? 'held' : message.sendAt === undefined ? 'queued' : 'scheduled';
    const answer: StoredAnswer = { id, recipients: answeredRecipients(recipients, state, suppressed) };
    const result = await this.stores.spool.accept(message, body, {
      ...(holding && { holding }),
      ...(suppressed.length > 0 && { suppressed }),
      ...(heldKey && { once: { ...heldKey, answer: JSON.stringify(answer) } }),
    });
    if (result.kind === 'lease-lost') {
      await this.giveBack(admission);
      return { kind: 'refused', refusal: refusal('idempotency_in_flight', '', 1) };
    }
    if (result.kind === 'not-written') {
      this.telemetry.log.error('message.not_stored', new Error(result.why), { account, door });
      await this.giveBack(admission);
      return { kind: 'refused', refusal: refusal('queue_unavailable') };
    }
    this.recordAccepted(message, suppressed.length);
    return { kind: 'accepted', ...answer, replayed: false, ...(rate && { rate }) };
  }

  /** What cannot be given back lapses by itself; the client hears of the fault that came first. */
  private async giveBack(admission: Admission): Promise<void> {
    await this.admitMessage.undo(admission).catch((error: unknown) => {
      this.telemetry.log.warn('message.not_given_back', { error: String(error) });
    });
  }

  private recordAccepted(message: MessageRecord, suppressed: number): void {
    const { metrics, log, traffic } = this.telemetry;
    metrics.messagesAccepted.inc({ door: message.door, stream: message.stream });
    traffic.accepted(message.account);
    log.info('message.accepted', {
      id: message.id,
      account: message.account,
      door: message.door,
      stream: message.stream,
      from: log.address(message.reversePath),
      to: message.recipients.slice(0, 10).map((address) => log.address(address)),
      recipients: message.recipients.length,
      ...(suppressed > 0 && { suppressed }),
      bytes: message.bodyBytes,
    });
  }
}
