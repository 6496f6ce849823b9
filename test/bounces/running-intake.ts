/**
 * The intake in this process, on a Redis of its own and with a clock that a test moves: its door on a port, and the work on
 * what it has kept, which a test asks for.
 */
import type { Redis } from 'ioredis';
import { Accounts } from '../../src/accounts/accounts.js';
import { SendingDomains, verifiedDomain } from '../../src/accounts/sending-domains.js';
import { AccountTraces } from '../../src/bounces/account-traces.js';
import { IntakeDoor } from '../../src/bounces/intake/intake-door.js';
import { IntakeRecipients } from '../../src/bounces/intake/intake-recipients.js';
import { OurDomains } from '../../src/bounces/intake/our-domains.js';
import { ProcessReturnedMail } from '../../src/bounces/intake/process-returned-mail.js';
import { readReturnedMail } from '../../src/bounces/returned-mail/read-returned-mail.js';
import { RedisReports, STRAYS_MAX } from '../../src/bounces/reports/redis-reports.js';
import type { StoredReport } from '../../src/bounces/reports/report-mailbox.js';
import { ReturnedMailQueue, WAITING_LIMITS, type WaitingLimits } from '../../src/bounces/intake/returned-mail-queue.js';
import { openReturnPathSigner } from '../../src/bounces/return-path/return-path-key.js';
import type { ReturnPathSigner } from '../../src/bounces/return-path/return-path.js';
import { SentMessageIds } from '../../src/bounces/return-path/sent-message-ids.js';
import { ConnectionGate } from '../../src/listeners/connection-gate.js';
import { ConnectionLimits } from '../../src/listeners/connection-limits.js';
import { ConnectionTable } from '../../src/listeners/connection-table.js';
import { LoginGuard } from '../../src/listeners/login-guard.js';
import { createSelfSignedCertificate } from '../../src/listeners/self-signed-certificate.js';
import { SESSION_TIMES, type SessionTimes } from '../../src/listeners/session-deadlines.js';
import { SmtpServerDoor } from '../../src/listeners/smtp-server-door.js';
import { ByteBudget } from '../../src/mail/byte-budget.js';
import type { RecipientState } from '../../src/mail/outcome.js';
import { blockListOf } from '../../src/network/client-networks.js';
import { BullmqLanes } from '../../src/queue/bullmq-lanes.js';
import { RedisSpool } from '../../src/queue/redis-spool.js';
import { RETURNED_MAIL_KEY, SHARD, shardKeys } from '../../src/store/keyspace.js';
import { connectRedis, disconnectRedis, untilReady } from '../../src/store/connect-redis.js';
import { RedisRoom } from '../../src/store/redis-room.js';
import { entryOf } from '../../src/store/work-stream.js';
import { Log } from '../../src/telemetry/logger.js';
import { Metrics } from '../../src/telemetry/metrics.js';
import { HOUR_MS } from '../contract/redis-spool-bench.js';
import { delivered, SpoolSteps, workOf } from '../contract/spool-steps.js';
import { MovableClock } from '../smtp-doors/guard-redis.js';
import { openClassifier } from '../../src/bounces/classify/open-classifier.js';
import { KeptReports } from './kept-reports.js';

export const HOSTNAME = 'relay.example';
export const BOUNCE_DOMAIN = 'bounces.relay.example';
export const MESSAGE_BYTES_MAX = 200_000;
export const RECIPIENTS_MAX = 3;
const DAY_MS = 24 * HOUR_MS;
const RETENTION_MS = 90 * DAY_MS;
const RETENTION = { eventRetentionMs: DAY_MS, bodyRetentionMs: 0, historyMax: 1_000, bodyBytesMax: 1_048_576 };

export interface IntakeSetup {
  readonly times?: Partial<SessionTimes>;
  readonly proxies?: readonly string[];
  readonly connectionsMax?: number;
  readonly waiting?: Partial<WaitingLimits>;
}

/** A message that was sent, and where its bounces go. */
export interface SentMessage {
  readonly id: string;
  readonly recipients: readonly string[];
  /** Of each transaction. */
  readonly returnPaths: readonly string[];
  /** What stands in `X-Posthorn-Ref`, of each transaction. */
  readonly references: readonly string[];
}

export class RunningIntake {
  readonly clock = new MovableClock();
  readonly metrics = new Metrics();
  private readonly classifier = openClassifier();
  private readonly doors: SmtpServerDoor[] = [];
  private readonly gates: ConnectionGate[] = [];
  private readonly log = Log.open({ level: 'error', addresses: 'full', process: 'test' });

  private constructor(
    private readonly steps: SpoolSteps,
    /** As the door's process has it. */
    readonly redis: Redis,
    private readonly lanes: BullmqLanes,
    readonly signer: ReturnPathSigner,
    readonly certificate: { readonly key: string; readonly cert: string },
  ) {}

  static async start(): Promise<RunningIntake> {
    const steps = await SpoolSteps.start();
    const { path } = steps.redis.options;
    const redis = connectRedis(`unix://${path ?? ''}`, 'answering');
    const reached = await untilReady(redis, 60_000);
    if (reached.kind !== 'ready') throw new Error(reached.why);
    const lanes = new BullmqLanes(SHARD, redis, () => undefined);
    await lanes.ready();
    const signer = await openReturnPathSigner(redis);
    return new RunningIntake(steps, redis, lanes, signer, await createSelfSignedCertificate(HOSTNAME));
  }

  async stop(): Promise<void> {
    await this.closeDoors();
    await this.lanes.close();
    await disconnectRedis(this.redis);
    await this.steps.dispose();
  }

  /** For beforeEach: an account `default` that sends as example.org, and nothing else. */
  async begin(): Promise<void> {
    await this.steps.forget();
    this.metrics.registry.resetMetrics();
    await this.account('default', 'example.org');
  }

  async account(name: string, ...domains: readonly string[]): Promise<void> {
    await new Accounts(this.redis, this.clock).create(name);
    const sending = new SendingDomains(this.redis, this.clock);
    for (const domain of domains) await sending.add(name, verifiedDomain(domain, this.clock.now()), undefined);
  }

  async remove(account: string): Promise<void> {
    await new Accounts(this.redis, this.clock).remove(account);
    await new AccountTraces(this.redis, this.clock).forget(account);
  }

  /** A domain that nobody has proven to be the account's. */
  async claims(account: string, name: string): Promise<void> {
    const domain = { name, state: 'pending', addedAt: this.clock.now(), returnPath: 'pending' } as const;
    await new SendingDomains(this.redis, this.clock).add(account, domain, undefined);
  }

  async untilRedisAnswers(): Promise<void> {
    const reached = await untilReady(this.redis, 60_000);
    if (reached.kind !== 'ready') throw new Error(reached.why);
  }

  /** Opens the door on a port of its own. */
  async open(setup: IntakeSetup = {}): Promise<number> {
    const { redis, clock, metrics, log } = this;
    const names = { hostname: HOSTNAME, bounceDomain: BOUNCE_DOMAIN };
    const domains = new OurDomains(new Accounts(redis, clock), new SendingDomains(redis, clock), names, clock);
    const spool = new RedisSpool(redis, this.lanes, RETENTION, metrics, log);
    const recipients = new IntakeRecipients(names, this.signer, spool, domains, clock);
    const queue = new ReturnedMailQueue(redis, new RedisRoom(redis), { ...WAITING_LIMITS, ...setup.waiting });
    const limits = { hostname: HOSTNAME, messageBytesMax: MESSAGE_BYTES_MAX, recipientsMax: RECIPIENTS_MAX };
    const counts = new ConnectionLimits(redis, clock, [500, 1_500, 3_000]);
    const table = new ConnectionTable(setup.connectionsMax);
    const gate = new ConnectionGate(table, counts, new LoginGuard(redis, clock), metrics);
    this.gates.push(gate);
    const door = new SmtpServerDoor(
      {
        ...limits,
        kind: 'intake',
        certificate: this.certificate,
        budget: new ByteBudget(10_000_000),
        gate,
        proxies: blockListOf(setup.proxies ?? []),
        times: { ...SESSION_TIMES, lookEveryMs: 10, greetingPauseMs: 50, ...setup.times },
      },
      new IntakeDoor(recipients, queue, limits, clock, { metrics, log }),
      () => undefined,
    );
    this.doors.push(door);
    return door.listen(0, '127.0.0.1');
  }

  async closeDoors(): Promise<void> {
    for (const gate of this.gates.splice(0)) gate.close();
    await Promise.all(this.doors.splice(0).map((door) => door.close()));
  }

  /** A message of `account` that every recipient's server has taken. */
  async sent(recipients: readonly string[], account = 'default', fromDomain = 'example.org'): Promise<SentMessage> {
    const acceptedAt = this.clock.now();
    const { id, transactions } = await this.steps.accepted(recipients, { account, fromDomain, acceptedAt });
    const history = await this.steps.spool.read(id);
    if (!history) throw new Error('the message is not there');
    for (const [number, transaction] of transactions.entries()) {
      const claim = await this.steps.claimOf(workOf(history.message, number));
      await this.steps.spool.settle(claim, [delivered(...transaction.recipients)]);
    }
    const references = transactions.map((_, transaction) => this.signer.localPart({ messageId: id, transaction }));
    return { id, recipients, references, returnPaths: references.map((local) => `${local}@${BOUNCE_DOMAIN}`) };
  }

  async states({ id }: SentMessage): Promise<readonly RecipientState[]> {
    return (await this.steps.spool.read(id))?.states ?? [];
  }

  /** The history but for its beginning: what was accepted and delivered. */
  async heardLater({ id }: SentMessage) {
    const { events = [] } = (await this.steps.spool.read(id)) ?? {};
    return events.filter(({ type }) => type !== 'accepted' && type !== 'delivered');
  }

  /** Forgets a message as if its time were over. */
  async forget({ id }: SentMessage): Promise<void> {
    await this.redis.del(...(await this.redis.keys(`*${id}*`)));
  }

  /** What is to be followed up: only of that addresses are suppressed. */
  async outcomeCount(): Promise<number> {
    return this.redis.xlen(shardKeys(SHARD).outcomes);
  }

  /** Entries that the door has kept. */
  async keptCount(): Promise<number> {
    return this.redis.xlen(RETURNED_MAIL_KEY);
  }

  /** Works on all that the door has kept; `times` over, as where a process died in between. */
  async work(times = 1): Promise<void> {
    const entries = (await this.redis.callBuffer('XRANGE', [RETURNED_MAIL_KEY, '-', '+'])) as [Buffer, Buffer[]][];
    for (const raw of entries) {
      for (let i = 0; i < times; i++) await this.processing.handle(entryOf(raw));
      await this.redis.xdel(RETURNED_MAIL_KEY, raw[0]);
    }
  }

  /** Has failed at all that the door has kept too often. */
  async giveUp(): Promise<void> {
    const entries = (await this.redis.callBuffer('XRANGE', [RETURNED_MAIL_KEY, '-', '+'])) as [Buffer, Buffer[]][];
    for (const raw of entries) await this.processing.giveUp(entryOf(raw));
  }

  async reports(account = 'default'): Promise<readonly StoredReport[]> {
    return this.keptReports.of(account);
  }

  async reportText(uid: number, account = 'default'): Promise<string> {
    return String(await this.keptReports.content(account, uid));
  }

  /** The sum of a metric's series that have these labels. */
  async counted(series: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const { values } = (await this.metrics.registry.getSingleMetric(series)?.get()) ?? { values: [] };
    return values
      .filter((value) => Object.entries(labels).every(([name, label]) => value.labels[name] === label))
      .reduce((sum, { value }) => sum + value, 0);
  }

  /** As the step writes it that settles what a smarthost took. */
  async tookBySmarthost(messageId: string, { id }: { readonly id: string }): Promise<void> {
    await this.redis.set(shardKeys(SHARD).sentMessageId(messageId), `${id}.0`);
  }

  private get keptReports(): KeptReports {
    return new KeptReports(this.redis, this.clock, RETENTION_MS);
  }

  private get reportStore(): RedisReports {
    const quota = { retentionMs: RETENTION_MS, countMax: 100, bytesMax: 10_000_000, strays: STRAYS_MAX };
    return new RedisReports(this.redis, quota, this.clock, this.metrics, this.log);
  }

  private get processing(): ProcessReturnedMail {
    const { signer, clock, metrics, log, classifier } = this;
    return new ProcessReturnedMail(
      {
        ...{ signer, clock, metrics, log },
        accounts: new Accounts(this.redis, clock),
        spool: this.steps.spool,
        reports: this.reportStore,
        read: (content) => readReturnedMail(content, classifier),
        referenceOf: (id) => new SentMessageIds(this.redis).referenceOfMessageId(id),
      },
      2 * MESSAGE_BYTES_MAX,
    );
  }
}
