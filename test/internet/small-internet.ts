/**
 * A relay's delivery side in this process, on a Redis of its own, before a scripted DNS and scripted MXs on 127.0.0.x: the
 * clock is an argument, so that a retry that is due in a minute need not be waited for.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import type { AccountChange } from '../../src/accounts/account.js';
import { Accounts } from '../../src/accounts/accounts.js';
import { DkimKeys } from '../../src/accounts/dkim-keys.js';
import { MessageAllowance } from '../../src/accounts/message-allowance.js';
import { Credentials } from '../../src/accounts/credentials.js';
import { SendingDomains, verifiedDomain } from '../../src/accounts/sending-domains.js';
import { Classifier, type RefusalFacts } from '../../src/bounces/classify/classifier.js';
import { openClassifier } from '../../src/bounces/classify/open-classifier.js';
import { openReturnPathSigner } from '../../src/bounces/return-path/return-path-key.js';
import { RedisSuppressions } from '../../src/bounces/suppression/redis-suppressions.js';
import type { Suppressions } from '../../src/bounces/suppression/suppressions.js';
import { findCommonPort } from '../../src/cli/demo/common-port.js';
import type { MxScript } from '../../src/cli/demo/mx-script.js';
import { startDns, type ScriptedDns } from '../../src/cli/demo/scripted-dns.js';
import { startMx, type MxOptions, type ScriptedMx } from '../../src/cli/demo/scripted-mx.js';
import { loadSettings } from '../../src/config/load-settings.js';
import { DeliveryWorker } from '../../src/delivery/delivery-worker.js';
import type { Finding } from '../../src/mail/classification.js';
import { Clock } from '../../src/mail/clock.js';
import { newMessageId } from '../../src/mail/message-id.js';
import type { Stream } from '../../src/mail/stream.js';
import { HeldMail } from '../../src/queue/held-mail.js';
import { ReleaseHeld } from '../../src/queue/release-held.js';
import { Idempotency } from '../../src/queue/idempotency.js';
import { BullmqLanes } from '../../src/queue/bullmq-lanes.js';
import { planTransactions } from '../../src/queue/plan-transactions.js';
import { RedisSpool } from '../../src/queue/redis-spool.js';
import type { MessageHistory } from '../../src/queue/spool.js';
import { connectRedis, disconnectRedis, untilReady } from '../../src/store/connect-redis.js';
import { startEmbeddedRedis, type EmbeddedRedis } from '../../src/store/embedded-redis.js';
import { SHARD } from '../../src/store/keyspace.js';
import { AcceptMessage } from '../../src/submission/accept-message.js';
import { AdmitMessage } from '../../src/submission/admit-message.js';
import { AccountLog } from '../../src/events/account-log.js';
import { TrafficWatch } from '../../src/accounts/traffic-watch.js';
import { SenderStanding } from '../../src/submission/sender-standing.js';
import { Log } from '../../src/telemetry/logger.js';
import { Metrics } from '../../src/telemetry/metrics.js';

const HOSTS = ['127.0.0.2', '127.0.0.3', '127.0.0.4'] as const;
const ACCOUNT = 'test';
const SENDER = 'sender.example';
const UNTIL_MS = 60_000;

export class MovableClock extends Clock {
  offsetMs = 0;

  now(): number {
    return Date.now() + this.offsetMs;
  }
}

class ListeningClassifier extends Classifier {
  constructor(
    private readonly classifier: Classifier,
    private readonly asked: RefusalFacts[],
  ) {
    super();
  }

  override classify(facts: RefusalFacts): Finding {
    this.asked.push(facts);
    return this.classifier.classify(facts);
  }
}

function testLog(): Log {
  return Log.open({ level: 'error', addresses: 'full', process: 'test' });
}

export class SmallInternet {
  readonly clock = new MovableClock();
  readonly metrics = new Metrics();
  readonly accounts: Accounts;
  readonly traffic: TrafficWatch;
  readonly suppressions: Suppressions;
  /** What the classifier was asked. */
  readonly asked: RefusalFacts[] = [];
  private readonly mxs: ScriptedMx[] = [];
  private worker: DeliveryWorker | undefined;

  private constructor(
    readonly dns: ScriptedDns,
    readonly mxPort: number,
    private readonly directory: string,
    private readonly embedded: EmbeddedRedis,
    readonly redis: Redis,
    private readonly lanes: BullmqLanes,
    readonly spool: RedisSpool,
  ) {
    const { clock, metrics } = this;
    this.accounts = new Accounts(redis, clock);
    const watched = { accounts: this.accounts, accountLog: new AccountLog(redis), metrics, log: testLog() };
    this.traffic = new TrafficWatch(redis, clock, watched);
    this.suppressions = new RedisSuppressions(redis, clock, this.accounts, metrics, testLog());
  }

  static async start(): Promise<SmallInternet> {
    const directory = await mkdtemp(join(tmpdir(), 'posthorn-internet-'));
    const embedded = await startEmbeddedRedis({ dataDir: directory, durability: 'memory', log: () => undefined });
    if (embedded.kind !== 'running') throw new Error(embedded.why);
    const redis = connectRedis(embedded.url, 'queue');
    await untilReady(redis, 60_000);
    const lanes = new BullmqLanes(SHARD, redis, () => undefined);
    await lanes.ready();
    const retention = { eventRetentionMs: 600_000, bodyRetentionMs: 0, historyMax: 1000, bodyBytesMax: 1e8 };
    const log = testLog();
    const spool = new RedisSpool(redis, lanes, retention, new Metrics(), log);
    await new SendingDomains(redis, new MovableClock()).add(ACCOUNT, verifiedDomain(SENDER, Date.now()), undefined);
    return new SmallInternet(await startDns(), await findCommonPort(HOSTS), directory, embedded, redis, lanes, spool);
  }

  /** An MX on the n-th host of the internet (0 to 2), on the port that all of them share. */
  async mx(host: 0 | 1 | 2, script: MxScript = {}, tls?: MxOptions['tls']): Promise<ScriptedMx> {
    const mx = await startMx({
      address: HOSTS[host],
      port: this.mxPort,
      name: `mx${String(host)}.example`,
      script,
      tls,
    });
    this.mxs.push(mx);
    this.dns.set(`mx${String(host)}.example`, 'A', [HOSTS[host]]);
    return mx;
  }

  /** Publishes the domain's MX records, by preference in the order that is given. */
  domain(name: string, ...hosts: (0 | 1 | 2)[]): void {
    for (const host of hosts) this.dns.set(`mx${String(host)}.example`, 'A', [HOSTS[host]]);
    this.dns.set(
      name,
      'MX',
      hosts.map((host, index) => ({ exchange: `mx${String(host)}.example`, priority: (index + 1) * 10 })),
    );
  }

  /** Starts delivering. `settings` are environment variables. */
  async deliver(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const loaded = loadSettings(
      {
        POSTHORN_HOSTNAME: 'relay.example',
        POSTHORN_DNS_SERVERS: this.dns.server,
        POSTHORN_MX_PORT: String(this.mxPort),
        POSTHORN_ALLOW_PRIVATE_MX: 'true',
        ...settings,
      },
      { fqdn: 'relay.example', cores: 2, mayBindLowPorts: true, cwd: this.directory },
    );
    if (loaded.kind === 'faults') throw new Error(JSON.stringify(loaded.faults));
    const { accounts, clock, metrics, redis, spool, traffic } = this;
    const log = testLog();
    const parts = {
      traffic,
      spool,
      accounts,
      clock,
      metrics,
      domains: new SendingDomains(redis, clock),
      dkimKeys: new DkimKeys(redis, clock),
      classifier: new ListeningClassifier(openClassifier(), this.asked),
      suppressions: this.suppressions,
      returnPaths: await openReturnPathSigner(redis),
      log,
    };
    const held = new HeldMail(redis, this.lanes);
    const releaseHeld = new ReleaseHeld(held, accounts, new MessageAllowance(redis), clock, log);
    this.worker = new DeliveryWorker(loaded.settings, redis, parts, releaseHeld);
    this.worker.start();
  }

  /** Accepts a message as a door would, and returns its id. */
  async send(
    recipients: readonly string[],
    stream: Stream = 'default',
    expiresInMs = 3_600_000,
    reversePath = `a@${SENDER}`,
  ): Promise<string> {
    const now = this.clock.now();
    const id = newMessageId(now, SHARD);
    const body = Buffer.from(`Subject: ${id}\r\nMessage-ID: <${id}@${SENDER}>\r\nFrom: a@${SENDER}\r\n\r\nHello\r\n`);
    await this.spool.accept(
      {
        id,
        account: ACCOUNT,
        door: 'http',
        stream,
        acceptedAt: now,
        expiresAt: now + expiresInMs,
        reversePath,
        recipients,
        transactions: planTransactions(recipients),
        fromDomain: SENDER,
        bodyBytes: body.length,
      },
      body,
    );
    return id;
  }

  /** Takes the sending domain away from the account, and its keys. */
  async removeSender(): Promise<void> {
    await new SendingDomains(this.redis, this.clock).remove(ACCOUNT, SENDER);
    await new DkimKeys(this.redis, this.clock).remove(ACCOUNT, SENDER);
  }

  /** The one way in of a door: an account `test` that may send as anybody is what its limits say. */
  async door(account: AccountChange): Promise<AcceptMessage> {
    const { accounts, clock, metrics, redis, spool } = this;
    const domains = new SendingDomains(redis, clock);
    await accounts.create('test', account);
    await domains.add('test', verifiedDomain('*', clock.now()), undefined);
    const standing = new SenderStanding(accounts, new Credentials(redis, clock));
    const held = new HeldMail(redis, this.lanes);
    const admitMessage = new AdmitMessage(new MessageAllowance(redis), held, new Idempotency(redis), metrics);
    const limits = { hostname: 'relay.example', messageBytesMax: 1e6, recipientsMax: 100, expireAfterMs: 172_800_000 };
    const log = testLog();
    return new AcceptMessage(
      { spool, accounts, domains, standing, suppressions: this.suppressions },
      admitMessage,
      limits,
      clock,
      {
        metrics,
        log,
        traffic: this.traffic,
      },
    );
  }

  /** The history of `id`, as soon as it is as wanted; rejects with what it was in the end. */
  async until(id: string, wanted: (history: MessageHistory) => boolean): Promise<MessageHistory> {
    const deadline = Date.now() + UNTIL_MS;
    for (;;) {
      const history = await this.spool.read(id);
      if (history && wanted(history)) return history;
      if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(history, null, 1)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Resolves when a worker has put the message off. */
  async putOff(id: string): Promise<void> {
    const deadline = Date.now() + UNTIL_MS;
    while (!(await this.redis.zrange('{ph:0}:default:delayed', '0', '-1')).some((job) => job.startsWith(id))) {
      if (Date.now() > deadline) throw new Error(`${id} was not put off`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** As `until`, when every recipient has one of these states. */
  settled(id: string, ...states: MessageHistory['states'][number][]): Promise<MessageHistory> {
    return this.until(id, (history) => history.states.every((state) => states.includes(state)));
  }

  /** Stops delivering, as SIGTERM does. */
  async drain(): Promise<void> {
    await this.worker?.stop();
    this.worker = undefined;
  }

  async stop(): Promise<void> {
    await this.drain();
    await this.lanes.close();
    await disconnectRedis(this.redis);
    await Promise.all(this.mxs.map((mx) => mx.close()));
    await this.dns.close();
    await this.embedded.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}
