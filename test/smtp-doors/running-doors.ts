/**
 * The SMTP doors in this process, on a Redis of their own, with times that a test can wait for: for what is spoken octet
 * by octet. Behind them is all of the way in; nothing is delivered.
 */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { INestApplicationContext } from '@nestjs/common';
import { Redis } from 'ioredis';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFirstAccountOnce, type FirstCredentials } from '../../src/accounts/first-start.js';
import { DoorsModule } from '../../src/cli/up/doors.module.js';
import { loadSettings } from '../../src/config/load-settings.js';
import { ConnectionGate } from '../../src/listeners/connection-gate.js';
import { ConnectionLimits, type ConnectionsPerNetwork } from '../../src/listeners/connection-limits.js';
import { ConnectionTable } from '../../src/listeners/connection-table.js';
import { LoginGuard } from '../../src/listeners/login-guard.js';
import { createSelfSignedCertificate } from '../../src/listeners/self-signed-certificate.js';
import { SESSION_TIMES, type SessionTimes } from '../../src/listeners/session-deadlines.js';
import { SmtpServerDoor, type SmtpDoorOptions } from '../../src/listeners/smtp-server-door.js';
import { ByteBudget } from '../../src/mail/byte-budget.js';
import { Clock } from '../../src/mail/clock.js';
import { blockListOf } from '../../src/network/client-networks.js';
import { BullmqLanes } from '../../src/queue/bullmq-lanes.js';
import { disconnectRedis } from '../../src/store/connect-redis.js';
import { startEmbeddedRedis, type EmbeddedRedis } from '../../src/store/embedded-redis.js';
import { AcceptMessage } from '../../src/submission/accept-message.js';
import { SmtpLogin } from '../../src/submission/smtp-login.js';
import { SubmissionDoor, type DoorKind } from '../../src/submission/submission-door.js';
import { Log } from '../../src/telemetry/logger.js';
import { Metrics } from '../../src/telemetry/metrics.js';

export const MESSAGE_BYTES_MAX = 100_000;
export const RECIPIENTS_MAX = 1_000;

export interface DoorSetup {
  readonly times?: Partial<SessionTimes>;
  readonly proxies?: readonly string[];
  readonly perNetwork?: ConnectionsPerNetwork;
  readonly connectionsMax?: number;
  readonly trustedNetworks?: readonly string[];
}

export interface OpenDoor {
  readonly port: number;
  readonly door: SmtpServerDoor;
}

export class RunningDoors {
  private readonly doors: SmtpServerDoor[] = [];
  private readonly gates: ConnectionGate[] = [];

  private constructor(
    readonly first: FirstCredentials,
    readonly certificate: { readonly key: string; readonly cert: string },
    private readonly dataDir: string,
    private readonly embedded: EmbeddedRedis,
    private readonly app: INestApplicationContext,
  ) {}

  static async start(): Promise<RunningDoors> {
    const dataDir = mkdtempSync(join(tmpdir(), 'posthorn-doors-'));
    const embedded = await startEmbeddedRedis({ dataDir, durability: 'memory', log: () => undefined });
    if (embedded.kind !== 'running') throw new Error(embedded.why);
    const loaded = loadSettings(
      {
        POSTHORN_DATA_DIR: dataDir,
        POSTHORN_MESSAGE_BYTES_MAX: String(MESSAGE_BYTES_MAX),
        POSTHORN_RECIPIENTS_MAX: String(RECIPIENTS_MAX),
        POSTHORN_LOG_LEVEL: 'error',
      },
      { fqdn: 'relay.example', cores: 1, mayBindLowPorts: false, cwd: tmpdir() },
    );
    if (loaded.kind === 'faults') throw new Error(JSON.stringify(loaded.faults));
    const log = Log.open({ level: 'error', addresses: 'full', process: 'test' });
    const options = { settings: loaded.settings, redisUrl: embedded.url, redisPurpose: 'answering', log } as const;
    const app = await NestFactory.createApplicationContext(DoorsModule.of(options), { logger: false });
    const account = { dataDir, domain: 'example.org', hostname: 'relay.example', nowMs: Date.now() };
    const first = await createFirstAccountOnce(app.get(Redis), account);
    if (!first) throw new Error('there was an account already');
    const certificate = await createSelfSignedCertificate('relay.example');
    return new RunningDoors(first, certificate, dataDir, embedded, app);
  }

  /** Opens a door on a port of its own. What a process shares (limits, table) is the door's own here. */
  async open(kind: SmtpDoorOptions['kind'], setup: DoorSetup = {}): Promise<OpenDoor> {
    const [acceptMessage, login, metrics, log] = [
      this.app.get(AcceptMessage),
      this.app.get(SmtpLogin),
      this.metrics,
      this.app.get(Log),
    ];
    const clients: DoorKind =
      kind === 'trusted'
        ? { kind: 'trusted', account: 'default', networks: setup.trustedNetworks ?? ['127.0.0.0/8'] }
        : { kind: 'authenticated' };
    const limits = new ConnectionLimits(this.redis, this.app.get(Clock), setup.perNetwork ?? [500, 1_500, 3_000]);
    const gate = new ConnectionGate(new ConnectionTable(setup.connectionsMax), limits, this.guard, metrics);
    this.gates.push(gate);
    const door = new SmtpServerDoor(
      {
        hostname: 'relay.example',
        kind,
        certificate: this.certificate,
        messageBytesMax: MESSAGE_BYTES_MAX,
        recipientsMax: RECIPIENTS_MAX,
        budget: new ByteBudget(10_000_000),
        gate,
        proxies: blockListOf(setup.proxies ?? []),
        times: { ...SESSION_TIMES, lookEveryMs: 10, greetingPauseMs: 100, ...setup.times },
      },
      new SubmissionDoor(clients, acceptMessage, login, metrics, log),
      () => undefined,
    );
    const port = await door.listen(0, '127.0.0.1');
    this.doors.push(door);
    return { port, door };
  }

  get redis(): Redis {
    return this.app.get(Redis);
  }

  get guard(): LoginGuard {
    return this.app.get(LoginGuard);
  }

  get metrics(): Metrics {
    return this.app.get(Metrics);
  }

  /** The sum of a metric's series that have these labels. */
  async counted(series: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const { values } = (await this.metrics.registry.getSingleMetric(series)?.get()) ?? { values: [] };
    return values
      .filter((value) => Object.entries(labels).every(([name, label]) => value.labels[name] === label))
      .reduce((sum, { value }) => sum + value, 0);
  }

  /** Forgets all that the doors have counted of their clients. */
  async forgetClients(): Promise<void> {
    const keys = await this.redis.keys('{ph:guard}*');
    if (keys.length > 0) await this.redis.del(...keys);
  }

  async closeDoors(): Promise<void> {
    for (const gate of this.gates.splice(0)) gate.close();
    await Promise.all(this.doors.splice(0).map((door) => door.close()));
  }

  async stop(): Promise<void> {
    await this.closeDoors();
    await this.app.close();
    await this.app.get(BullmqLanes).close();
    await disconnectRedis(this.redis);
    await this.embedded.stop();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
