/**
 * The doors of the mailbox in this process, on a Redis of their own: for what is spoken octet by octet, and for mail
 * programs. Each door is as in a process of its own, so that two doors are two processes on one store.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Accounts } from '../../src/accounts/accounts.js';
import { Credentials, type Scope } from '../../src/accounts/credentials.js';
import type { RedisReportMailbox } from '../../src/bounces/reports/redis-report-mailbox.js';
import type { Report } from '../../src/bounces/reports/reports.js';
import { ConnectionGate } from '../../src/listeners/connection-gate.js';
import {
  ConnectionLimits,
  MAILBOX_BY_ACCOUNT,
  MAILBOX_BY_NETWORK,
  type ConnectionsPerNetwork,
} from '../../src/listeners/connection-limits.js';
import { ConnectionTable } from '../../src/listeners/connection-table.js';
import { LineDoor } from '../../src/listeners/line-door.js';
import { LoginGuard } from '../../src/listeners/login-guard.js';
import { PasswordLogins } from '../../src/listeners/password-login.js';
import { createSelfSignedCertificate } from '../../src/listeners/self-signed-certificate.js';
import { ContentRoom } from '../../src/mailbox/content-room.js';
import { doorOwner } from '../../src/mailbox/door-owner.js';
import { MailboxAccess, type MailboxProtocol } from '../../src/mailbox/mailbox-access.js';
import { blockListOf } from '../../src/network/client-networks.js';
import { Metrics } from '../../src/telemetry/metrics.js';
import { MailboxRig } from './mailbox-rig.js';

const REDIS_ANSWERS_WITHIN_MS = 30_000;
export const HOSTNAME = 'relay.example';

/** Under TLS from the first octet, or after STARTTLS. */
export type MailboxDoorKind = 'implicit' | 'starttls';

export interface MailboxDoorSetup {
  readonly proxies?: readonly string[];
  readonly perNetwork?: ConnectionsPerNetwork;
  readonly perAccount?: number;
  readonly connectionsMax?: number;
  /** Stands between the sessions and Redis. */
  readonly store?: RedisReportMailbox;
}

export interface OpenMailboxDoor {
  readonly kind: MailboxDoorKind;
  readonly port: number;
  readonly door: LineDoor;
  /** What sessions failed with that should not have. */
  readonly failures: readonly Error[];
}

/** Somebody with a mailbox. */
export interface Owner {
  readonly account: string;
  readonly user: string;
  readonly password: string;
  /** Of the credential. */
  readonly id: string;
}

export class RunningMailbox {
  readonly metrics = new Metrics();
  private readonly closing: (() => Promise<void>)[] = [];
  private made = 0;

  private constructor(
    readonly rig: MailboxRig,
    readonly certificate: { readonly key: string; readonly cert: string },
    private readonly directory: string,
  ) {}

  static async start(): Promise<RunningMailbox> {
    const directory = await mkdtemp(join(tmpdir(), 'posthorn-mailbox-'));
    const certificate = await createSelfSignedCertificate(HOSTNAME);
    const running = new RunningMailbox(await MailboxRig.start(), certificate, directory);
    await writeFile(running.caFile, certificate.cert);
    return running;
  }

  /** PEM: the only authority that clients shall trust. Its certificate is good for localhost and 127.0.0.1. */
  get caFile(): string {
    return join(this.directory, 'ca.pem');
  }

  get credentials(): Credentials {
    return new Credentials(this.rig.redis, this.rig.clock);
  }

  get accounts(): Accounts {
    return new Accounts(this.rig.redis, this.rig.clock);
  }

  /** A login of an account; of a new one, with an empty mailbox, where none is named. */
  async owner(scopes: readonly Scope[] = ['mailbox'], of?: string): Promise<Owner> {
    const number = String(this.made++);
    const account = of ?? `shop-${number}`;
    if (of === undefined) await this.accounts.create(account);
    const user = `user-${number}@example.org`;
    const creation = await this.credentials.create(account, { kind: 'smtp', user, scopes });
    if (creation.kind !== 'created') throw new Error(creation.kind);
    return { account, user, password: creation.secret, id: creation.credential.id };
  }

  /** Takes a login away, and lets the second go by after which all know it. */
  async revoke({ account, id }: Owner): Promise<void> {
    await this.credentials.remove(account, id);
    this.rig.clock.nowMs += 1_001;
  }

  /** A report of its own uid for each content, in their order: uids begin at 1. Lines end as they are given. */
  async append({ account }: Pick<Owner, 'account'>, ...contents: readonly (string | Buffer)[]): Promise<void> {
    const reports = this.rig.reports();
    for (const content of contents) await reports.append(account, this.report({ content: Buffer.from(content) }));
  }

  /** What `append` cannot say: other kinds, times, messages. */
  async appendReport({ account }: Pick<Owner, 'account'>, given: Partial<Report>): Promise<void> {
    await this.rig.reports().append(account, this.report(given));
  }

  /** Opens a door as in a process of its own. */
  async open(
    protocol: MailboxProtocol,
    kind: MailboxDoorKind = 'implicit',
    setup: MailboxDoorSetup = {},
  ): Promise<OpenMailboxDoor> {
    const { clock, log, own } = this.rig;
    const { metrics, certificate } = this;
    const [redis, mailboxes] = [await own.connect(), await this.rig.process(setup.store)];
    const limitsOf = (most: ConnectionsPerNetwork, counted: typeof MAILBOX_BY_ACCOUNT): ConnectionLimits =>
      // On a busy machine Redis takes its time.
      new ConnectionLimits(redis, clock, most, REDIS_ANSWERS_WITHIN_MS, counted);
    const networks = limitsOf(setup.perNetwork ?? [5_000, 5_000, 5_000], MAILBOX_BY_NETWORK);
    const most = setup.perAccount ?? 50;
    const sessions = limitsOf([most, most, most], MAILBOX_BY_ACCOUNT);
    const guard = new LoginGuard(redis, clock);
    const gate = new ConnectionGate(new ConnectionTable(setup.connectionsMax), networks, guard, metrics);
    const credentials = new Credentials(redis, clock);
    const logins = new PasswordLogins(credentials, guard, metrics, log);
    const access = new MailboxAccess({ logins, credentials, mailboxes, sessions, metrics, log });
    const room = new ContentRoom();
    const failures: Error[] = [];
    const parts = { hostname: HOSTNAME, access, room, metrics, log };
    const owner = { ...doorOwner(protocol, parts), failed: (error: Error) => void failures.push(error) };
    const door = new LineDoor({ kind, certificate, gate, proxies: blockListOf(setup.proxies ?? []) }, owner);
    const port = await door.listen(0, '127.0.0.1');
    this.closing.push(async () => {
      gate.close();
      sessions.close();
      await door.close();
      await mailboxes.close();
    });
    return { kind, port, door, failures };
  }

  /** Of a protocol, how many have logged in. */
  async sessionsOf(protocol: MailboxProtocol): Promise<number> {
    const { values } = await this.metrics.mailboxSessions.get();
    return values.find(({ labels }) => labels.protocol === protocol)?.value ?? 0;
  }

  /** Forgets what was counted of clients: failed logins, connections. */
  async forgetClients(): Promise<void> {
    const found = await this.rig.redis.keys('{ph:guard}*');
    // Read once in a process: without it each would count for itself.
    const keys = found.filter((key) => key !== '{ph:guard}:salt');
    if (keys.length > 0) await this.rig.redis.del(...keys);
  }

  async closeDoors(): Promise<void> {
    await Promise.all(this.closing.splice(0).map((close) => close()));
  }

  async stop(): Promise<void> {
    await this.closeDoors();
    await this.rig.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  private report(given: Partial<Report>): Report {
    return this.rig.report(given);
  }
}
