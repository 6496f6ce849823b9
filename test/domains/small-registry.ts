/** Sending domains of an account on a Redis of their own, before a scripted DNS: the clock and chance are arguments. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { Accounts } from '../../src/accounts/accounts.js';
import { CheckDomain } from '../../src/accounts/check-domain.js';
import { DkimKeys } from '../../src/accounts/dkim-keys.js';
import { DomainChecks } from '../../src/accounts/domain-checks.js';
import { DomainJournal } from '../../src/accounts/domain-journal.js';
import { DomainKeeper } from '../../src/accounts/domain-keeper.js';
import { DomainRegistry } from '../../src/accounts/domain-registry.js';
import { SendingDomains } from '../../src/accounts/sending-domains.js';
import { startDns, type ScriptedDns } from '../../src/cli/demo/scripted-dns.js';
import { AccountLog } from '../../src/events/account-log.js';
import { Clock } from '../../src/mail/clock.js';
import { askThrough, type AskDns } from '../../src/network/ask-dns.js';
import { DnsResolver } from '../../src/network/dns-resolver.js';
import { connectRedis, disconnectRedis, untilReady } from '../../src/store/connect-redis.js';
import { startEmbeddedRedis, type EmbeddedRedis } from '../../src/store/embedded-redis.js';
import { Log } from '../../src/telemetry/logger.js';
import { Metrics } from '../../src/telemetry/metrics.js';
import { publishRecord } from './publish-record.js';
import { RELAY } from './relay-names.js';

export const ACCOUNT = 'shop';

export class SetClock extends Clock {
  constructor(public time: number) {
    super();
  }

  now(): number {
    return this.time;
  }
}

export class SmallRegistry {
  readonly clock = new SetClock(1_800_000_000_000);
  readonly metrics = new Metrics();
  readonly accountLog: AccountLog;
  readonly domains: SendingDomains;
  readonly checks: DomainChecks;
  readonly accounts: Accounts;
  readonly registry: DomainRegistry;
  private readonly log = Log.open({ level: 'error', addresses: 'full', process: 'test' });
  private readonly dkimKeys: DkimKeys;
  private readonly journal: DomainJournal;

  private constructor(
    private readonly directory: string,
    private readonly embedded: EmbeddedRedis,
    readonly redis: Redis,
    readonly dns: ScriptedDns,
  ) {
    this.accountLog = new AccountLog(redis);
    this.domains = new SendingDomains(redis, this.clock);
    this.checks = new DomainChecks(redis);
    this.accounts = new Accounts(redis, this.clock);
    this.dkimKeys = new DkimKeys(redis, this.clock);
    this.journal = new DomainJournal(this.accountLog, this.log);
    this.registry = new DomainRegistry(this.parts, RELAY, this.clock);
  }

  static async start(): Promise<SmallRegistry> {
    const directory = await mkdtemp(join(tmpdir(), 'posthorn-domains-'));
    const embedded = await startEmbeddedRedis({ dataDir: directory, durability: 'memory', log: () => undefined });
    if (embedded.kind !== 'running') throw new Error(embedded.why);
    const redis = connectRedis(embedded.url, 'queue');
    await untilReady(redis, 60_000);
    return new SmallRegistry(directory, embedded, redis, await startDns());
  }

  get ask(): AskDns {
    return askThrough(new DnsResolver([this.dns.server]));
  }

  checkDomain(ask = this.ask): CheckDomain {
    const { clock, metrics } = this;
    return new CheckDomain(this.registry, this.parts, RELAY, ask, { metrics, clock });
  }

  /** A keeper as one process has it. */
  keeper(ask = this.ask): DomainKeeper {
    const { accounts, domains, checks, clock } = this;
    const checkDomain = this.checkDomain(ask);
    return new DomainKeeper({ accounts, domains, checks, checkDomain }, clock, () => 0.5, this.log);
  }

  async publish(name: string): Promise<void> {
    for (const record of await this.recordsOf(name)) publishRecord(this.dns, record);
  }

  async recordsOf(name: string): Promise<Awaited<ReturnType<DomainRegistry['records']>>> {
    const domain = await this.domains.get(ACCOUNT, name);
    return domain ? this.registry.records(ACCOUNT, domain) : [];
  }

  async stateOf(name: string): Promise<string | undefined> {
    return (await this.domains.get(ACCOUNT, name))?.state;
  }

  async stop(): Promise<void> {
    await disconnectRedis(this.redis);
    await this.dns.close();
    await this.embedded.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  private get parts() {
    const { domains, dkimKeys, checks, journal } = this;
    return { domains, dkimKeys, checks, journal };
  }
}
