/**
 * Every metric series of the service, with its labels, in one place. Label values come from closed sets of ours, never
 * from outside; what operators may rely on is listed in the README.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

const SECONDS_FAST = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const SECONDS_ATTEMPT = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const SECONDS_DELIVERY = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 43_200, 172_800];

export class Metrics {
  readonly registry = new Registry();

  /** `door`: smtp, http, trusted. `stream`: critical, default, bulk. */
  readonly messagesAccepted = this.counter(
    'posthorn_messages_accepted_total',
    'Messages accepted, by door and stream',
    ['door', 'stream'],
  );

  /** `reason`: the cause of the refusal's row in `submission/refusals.ts`. */
  readonly submissionsRejected = this.counter(
    'posthorn_submissions_rejected_total',
    'Submissions refused, by door and reason',
    ['door', 'reason'],
  );

  /** `outcome`: accepted, refused, locked (refused unseen, for the failures before), error. */
  readonly authAttempts = this.counter('posthorn_auth_attempts_total', 'Attempts to authenticate', ['door', 'outcome']);

  /** `reason`: network (POSTHORN_CONNECTIONS_PER_NETWORK), process (all that a door holds). */
  readonly connectionsRefused = this.counter('posthorn_connections_refused_total', 'SMTP connections refused', [
    'reason',
  ]);

  /** `decision`: refused, held. `window`: second, hour, day, month. */
  readonly limitDecisions = this.counter(
    'posthorn_limit_decisions_total',
    'Messages over a limit of their account or credential',
    ['decision', 'window'],
  );

  /** `kind`: volume_jump, unknown_rate. */
  readonly accountAlerts = this.counter('posthorn_account_alerts_total', 'Accounts whose mail looked abused', ['kind']);

  /** `state`: what the check made of the domain. */
  readonly domainChecks = this.counter('posthorn_domain_checks_total', 'Checks of sending domains in DNS', ['state']);

  /** `outcome`: changed, unchanged, failed. */
  readonly provisioning = this.counter('posthorn_provisioning_total', 'Applications of the file POSTHORN_PROVISION', [
    'outcome',
  ]);

  /** `outcome`: delivered, deferred, bounced, unknown; counted per recipient. */
  readonly deliveryAttempts = this.counter(
    'posthorn_delivery_attempts_total',
    'Delivery attempts per recipient, by outcome',
    ['outcome'],
  );

  /** `state`: a settled state of `mail/outcome.ts`. */
  readonly recipientsSettled = this.counter(
    'posthorn_recipients_settled_total',
    'Recipients settled for the first time, by state',
    ['state'],
  );

  /** `category`: a class of `mail/classification.ts`, or complaint. `source`: reply, dsn, feedback. */
  readonly bounces = this.counter('posthorn_bounces_total', 'Recipients that mail did not reach, or who complained', [
    'category',
    'source',
  ]);

  /** `outcome`: stored, repeated, dropped (Redis had no room). */
  readonly reports = this.counter('posthorn_reports_total', 'Reports of bounces, delays and complaints', ['outcome']);

  /** `reason`: a class of `mail/classification.ts`, complaint, manual. */
  readonly suppressions = this.counter('posthorn_suppressions_total', 'Addresses suppressed, by reason', ['reason']);

  /** `reason`: as above. The account has as many suppressions as it may have, and mail still goes to these addresses. */
  readonly suppressionsDropped = this.counter(
    'posthorn_suppressions_dropped_total',
    'Suppressions for which there was no room',
    ['reason'],
  );

  /** `state`: waiting. */
  readonly queueRecipients = this.gauge('posthorn_queue_recipients', 'Recipients that wait in the queue', [
    'state',
    'stream',
  ]);

  readonly queueOldest = this.gauge('posthorn_queue_oldest_seconds', 'Age of the oldest waiting message', ['stream']);

  readonly acceptDuration = this.histogram(
    'posthorn_accept_duration_seconds',
    'From the last byte of a message to its durable acceptance',
    ['door'],
    SECONDS_FAST,
  );

  readonly timeToDelivery = this.histogram(
    'posthorn_time_to_delivery_seconds',
    "From acceptance to the MX's 250",
    ['stream'],
    SECONDS_DELIVERY,
  );

  /** `phase`: connect (DNS, TCP, TLS, EHLO), transfer (MAIL to the reply to the final dot). */
  readonly attemptDuration = this.histogram(
    'posthorn_delivery_attempt_duration_seconds',
    'Time spent in a phase of a delivery attempt',
    ['phase'],
    SECONDS_ATTEMPT,
  );

  /** `direction`: inbound, outbound. `state`: open, idle. */
  readonly connections = this.gauge('posthorn_connections', 'SMTP connections', ['direction', 'state']);

  /** `version`: TLSv1.2, TLSv1.3. `policy`: none, opportunistic, require. */
  readonly tlsSessions = this.counter('posthorn_tls_sessions_total', 'TLS sessions opened', [
    'direction',
    'version',
    'policy',
  ]);

  /** `algorithm`: rsa-sha256, ed25519-sha256. */
  readonly dkimSignatures = this.counter('posthorn_dkim_signatures_total', 'DKIM signatures made', ['algorithm']);

  readonly redisCommandDuration = this.histogram(
    'posthorn_redis_command_duration_seconds',
    "Time of the spool's own round trips to Redis",
    ['command'],
    SECONDS_FAST,
  );

  /** `reason`: the row in `bounces/intake/intake-refusals.ts`. */
  readonly intakeRefused = this.counter('posthorn_intake_refused_total', 'Refusals at the intake, by reason', [
    'reason',
  ]);

  /**
   * `kind`: of `bounces/returned-mail/returned-mail.ts`. `outcome`: matched (to a message of ours), kept (as a report of the account),
   * dropped (it says nothing that counts), forged (what it names was not signed by us), given_up (it could not be read).
   */
  readonly returnedMail = this.counter('posthorn_returned_mail_total', 'Mail that came back, by kind and outcome', [
    'kind',
    'outcome',
  ]);

  /** `protocol`: imap, pop3. */
  readonly mailboxSessions = this.gauge('posthorn_mailbox_sessions', 'Mailbox sessions that are logged in', [
    'protocol',
  ]);

  /** Adds prom-client's series of the process itself; once per process. */
  collectProcessMetrics(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  private counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  private gauge<L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  private histogram<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: number[],
  ): Histogram<L> {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.registry] });
  }
}
