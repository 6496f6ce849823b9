/** The doors' application with a Redis of its own, listening on loopback: for tests that speak HTTP to it. */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Redis } from 'ioredis';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Accounts } from '../../src/accounts/accounts.js';
import { Credentials, type Scope } from '../../src/accounts/credentials.js';
import { SendingDomains } from '../../src/accounts/sending-domains.js';
import { createFirstAccountOnce, type FirstCredentials } from '../../src/accounts/first-start.js';
import { DoorsModule } from '../../src/cli/up/doors.module.js';
import { loadSettings } from '../../src/config/load-settings.js';
import type { Settings } from '../../src/config/settings.js';
import { configureHttpApi, fastifyOptions } from '../../src/http-api/configure-http-api.js';
import { LoginGuard } from '../../src/listeners/login-guard.js';
import { BullmqLanes } from '../../src/queue/bullmq-lanes.js';
import { Spool, type Claim } from '../../src/queue/spool.js';
import { disconnectRedis } from '../../src/store/connect-redis.js';
import { startEmbeddedRedis, type EmbeddedRedis } from '../../src/store/embedded-redis.js';
import { Log } from '../../src/telemetry/logger.js';
import { Metrics } from '../../src/telemetry/metrics.js';

/** An answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Undefined where the answer is no JSON. */
  readonly json: Record<string, unknown>;
}

export interface RequestOptions {
  /** The first account's where it is absent; none at all where it is null. */
  readonly key?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export class RunningApi {
  private constructor(
    readonly url: string,
    readonly dataDir: string,
    readonly first: FirstCredentials,
    readonly redis: EmbeddedRedis,
    private readonly app: NestFastifyApplication,
  ) {}

  /** @param env settings besides those that make it a test's own */
  static async start(env: Readonly<Record<string, string>> = {}): Promise<RunningApi> {
    const dataDir = mkdtempSync(join(tmpdir(), 'posthorn-api-'));
    const redis = await startEmbeddedRedis({ dataDir, durability: 'memory', log: () => undefined });
    if (redis.kind !== 'running') throw new Error(redis.why);
    const settings = settingsOf({ POSTHORN_DATA_DIR: dataDir, POSTHORN_HOSTNAME: 'relay.example', ...env });
    const log = Log.open({ level: settings.logLevel, addresses: 'full', process: 'test' });
    const app = await NestFactory.create<NestFastifyApplication>(
      DoorsModule.of({ settings, redisUrl: redis.url, redisPurpose: 'answering', log }),
      new FastifyAdapter(fastifyOptions(settings)),
      { logger: false },
    );
    configureHttpApi(app, settings);
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const first = await createFirstAccountOnce(app.get(Redis), {
      dataDir,
      domain: 'example.org',
      hostname: 'relay.example',
      nowMs: Date.now(),
    });
    if (!first) throw new Error('there was an account already');
    return new RunningApi(`http://127.0.0.1:${port}`, dataDir, first, redis, app);
  }

  async request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const { key = this.first.apiKey, body } = options;
    const isText = typeof body === 'string' || Buffer.isBuffer(body);
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body: isText ? new Uint8Array(Buffer.from(body)) : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = (response.headers.get('content-type') ?? '').includes('json');
    const json = (isJson ? JSON.parse(text) : undefined) as Record<string, unknown>;
    return { status: response.status, headers: response.headers, text, json };
  }

  /** A new key of `account`, which is made where there is none, with these scopes only. */
  async keyWith(scopes: readonly Scope[], account = 'default'): Promise<string> {
    await this.app.get(Accounts).create(account);
    const created = await this.app.get(Credentials).create(account, { kind: 'api', scopes });
    if (created.kind !== 'created') throw new Error(created.kind);
    return created.secret;
  }

  /** Another account, besides the first. */
  async addAccount(name: string): Promise<void> {
    await this.app.get(Accounts).create(name);
  }

  get redisClient(): Redis {
    return this.app.get(Redis);
  }

  /** What a worker would be handed of the message's first transaction. */
  async claim(messageId: string): Promise<(Claim & { readonly body: Buffer }) | undefined> {
    const spool = this.app.get(Spool);
    const claim = await spool.claim({ messageId, transaction: 0, stream: 'default', token: '' });
    return claim && { ...claim, body: await spool.body(claim) };
  }

  get accounts(): Accounts {
    return this.app.get(Accounts);
  }

  get domains(): SendingDomains {
    return this.app.get(SendingDomains);
  }

  get spool(): Spool {
    return this.app.get(Spool);
  }

  get guard(): LoginGuard {
    return this.app.get(LoginGuard);
  }

  /** The value of a counter, 0 where it was never counted. */
  async counted(series: string, labels: Readonly<Record<string, string>>): Promise<number> {
    const { values } = (await this.app.get(Metrics).registry.getSingleMetric(series)?.get()) ?? { values: [] };
    const found = values.find((value) => Object.entries(labels).every(([name, label]) => value.labels[name] === label));
    return found?.value ?? 0;
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.app.get(BullmqLanes).close();
    await disconnectRedis(this.app.get(Redis));
    await this.redis.stop();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

function settingsOf(env: Readonly<Record<string, string>>): Settings {
  const machine = { fqdn: 'relay.example', cores: 1, mayBindLowPorts: false, cwd: tmpdir() };
  const loaded = loadSettings({ POSTHORN_LOG_LEVEL: 'error', ...env }, machine);
  if (loaded.kind === 'faults') throw new Error(JSON.stringify(loaded.faults));
  return loaded.settings;
}
