/**
 * Bounds the connections of a client network, at three widths, or of an account: those that are open, and the new ones of
 * a minute that have not logged in. All processes count together in Redis; where that is away or slow, each counts for
 * itself, and no client is refused for it.
 */
import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Clock } from '../mail/clock.js';
import { clientNetworks } from '../network/client-networks.js';
import { GUARD_PREFIX } from '../store/keyspace.js';
import { within } from './within.js';
import { ENTER, GIVE_BACK, LEAVE } from './connection-limits-scripts.js';

/** What an address (IPv6: /64), a /24 (/56) and a /16 (/48) may have. */
export type ConnectionsPerNetwork = readonly [number, number, number];

/** Which connections are counted together, and by what. */
export interface CountedConnections {
  /** Part of the keys in Redis; empty for those of SMTP. */
  readonly name: string;
  /** What a connection counts for, the narrowest first: at most three. */
  readonly subjectsOf: (client: string) => readonly [string, ...string[]];
}

const SMTP_BY_NETWORK: CountedConnections = { name: '', subjectsOf: clientNetworks };
/** Those of IMAP and POP3 that have not logged in; who keeps a mailbox open takes no place of who sends. */
export const MAILBOX_BY_NETWORK: CountedConnections = { name: 'mailbox-', subjectsOf: clientNetworks };
export const MAILBOX_BY_ACCOUNT: CountedConnections = { name: 'account-', subjectsOf: (account) => [account] };

/** A connection as it is counted. Both may be called at any time and more than once. */
export interface ConnectionLease {
  /** It logged in: it is no longer one of the new ones of its minute. */
  readonly loggedIn: () => void;
  /** It has ended. */
  readonly release: () => void;
}

/** How long the numbers of a process count that has died. */
const LEASE_MS = 60_000;
const RENEW_EVERY_MS = 20_000;
/** A client waits no longer than this for Redis to count it. */
const SHARED_WITHIN_MS = 100;
const MINUTE_MS = 60_000;
const WIDTHS = [0, 1, 2] as const;

type Subjects = ReturnType<CountedConnections['subjectsOf']>;

interface LocalCount {
  open: number;
  minute: number;
  fresh: number;
}

export class ConnectionLimits {
  private readonly process = randomUUID();
  /** Of every network with an open connection, or a new one in this minute. */
  private readonly local = new Map<string, LocalCount>();
  private sweptMinute = 0;
  private renewal: NodeJS.Timeout | undefined;

  constructor(
    private readonly redis: Redis,
    private readonly clock: Clock,
    private readonly limits: ConnectionsPerNetwork,
    private readonly sharedWithinMs = SHARED_WITHIN_MS,
    private readonly counted: CountedConnections = SMTP_BY_NETWORK,
  ) {}

  /** Counts a connection of `client`, an address or an account; undefined where it is one too many. */
  async enter(client: string): Promise<ConnectionLease | undefined> {
    const networks = this.counted.subjectsOf(client);
    const minute = Math.floor(this.clock.now() / MINUTE_MS);
    if (!this.enterLocally(networks, minute)) return undefined;
    this.renewLease();
    const shared = this.enterShared(networks, minute);
    const isCounted = await within(this.sharedWithinMs, shared, 'unknown');
    if (isCounted === 'refused') {
      this.leaveLocally(networks);
      this.giveBackLocally(networks, minute);
      return undefined;
    }
    const rateKeys = this.keysOf('new', networks, minute);
    const giveBack = once(() => {
      this.giveBackLocally(networks, minute);
      void this.run(shared, () => GIVE_BACK.run(this.redis, rateKeys, [networks.length]));
    });
    const release = once(() => {
      this.leaveLocally(networks);
      const openKeys = this.keysOf('open', networks);
      void this.run(shared, () => LEAVE.run(this.redis, openKeys, [this.process, networks.length]));
    });
    return { loggedIn: giveBack, release };
  }

  close(): void {
    clearInterval(this.renewal);
    this.renewal = undefined;
  }

  private async enterShared(networks: Subjects, minute: number): Promise<'counted' | 'refused' | 'unknown'> {
    const keys = [processesKey(), ...this.keysOf('open', networks), ...this.keysOf('new', networks, minute)];
    const now = this.clock.now();
    try {
      const args = [now, this.process, now + LEASE_MS, networks.length, ...this.limits];
      return (await ENTER.run(this.redis, keys, args)) === 0 ? 'counted' : 'refused';
    } catch {
      return 'unknown';
    }
  }

  /** What is undone in Redis is only what was done there. */
  private async run(entered: Promise<string>, undo: () => Promise<unknown>): Promise<void> {
    if ((await entered) === 'counted') await undo().catch(() => undefined);
  }

  private enterLocally(networks: Subjects, minute: number): boolean {
    this.sweep(minute);
    const counts = networks.map((network) => {
      const count = this.local.get(network) ?? { open: 0, minute, fresh: 0 };
      return count.minute === minute ? count : { ...count, minute, fresh: 0 };
    });
    const isFull = counts.some(({ open, fresh }, width) => Math.max(open, fresh) >= (this.limits[width] ?? 0));
    if (isFull) return false;
    for (const [width, count] of counts.entries()) {
      this.local.set(networks[width] ?? '', { ...count, open: count.open + 1, fresh: count.fresh + 1 });
    }
    return true;
  }

  private leaveLocally(networks: Subjects): void {
    for (const network of networks) {
      const count = this.local.get(network);
      if (count) count.open -= 1;
    }
  }

  private giveBackLocally(networks: Subjects, minute: number): void {
    for (const network of networks) {
      const count = this.local.get(network);
      if (count?.minute === minute) count.fresh -= 1;
    }
  }

  /** Once a minute forgets the networks that nobody is connected from. */
  private sweep(minute: number): void {
    if (this.sweptMinute === minute) return;
    this.sweptMinute = minute;
    for (const [network, count] of this.local) if (count.open <= 0) this.local.delete(network);
  }

  /** Three keys always; those of widths that do not count are never touched. */
  private keysOf(kind: 'open' | 'new', networks: Subjects, minute?: number): string[] {
    const [prefix, suffix] = [`${GUARD_PREFIX}:${this.counted.name}${kind}`, minute === undefined ? '' : `:${minute}`];
    return WIDTHS.map((width) => `${prefix}:${networks[width] ?? ''}${suffix}`);
  }

  private renewLease(): void {
    this.renewal ??= setInterval(() => {
      const until = this.clock.now() + LEASE_MS;
      this.redis.zadd(processesKey(), until, this.process).catch(() => undefined);
    }, RENEW_EVERY_MS).unref();
  }
}

function processesKey(): string {
  return `${GUARD_PREFIX}:processes`;
}

function once(action: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    action();
  };
}
