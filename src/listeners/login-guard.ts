/**
 * Stands against guessing passwords, for every protocol that has some. Asked only about wrong ones: a right one is
 * 256 bits of chance, which nobody guesses, so it is let in whatever others did, and an attack from elsewhere keeps
 * nobody out.
 *
 * Failed logins are counted in Redis, for all processes, by the client's networks and by the user name that was tried,
 * whether anybody has it or not: first the replies come later and later, then every failure hears to stay away for a
 * while. What is heard, and when, is the same for users that exist and for those that do not.
 *
 * Without Redis it guards nothing: there nobody can log in either.
 */
import type { Redis } from 'ioredis';
import type { Clock } from '../mail/clock.js';
import { clientNetworks, type ClientNetworks } from '../network/client-networks.js';
import { GUARD_PREFIX } from '../store/keyspace.js';
import { HeldReplies } from './held-replies.js';
import { FAIL, LONG_WINDOW_MS, RECORD, SUCCEED } from './login-guard-scripts.js';
import { LoginGuardSlots, type Width } from './login-guard-slots.js';

/** Failures in ten minutes, and in a day, after which every further one hears to stay away. */
type Limits = readonly [short: number, long: number];
const NONE: Limits = [0, 0];
/** Of a user name, from wherever: more than all devices of a forgetful person, hopeless for an attacker of many addresses. */
const USER: Limits = [50, 200];
/** An IPv4 address or IPv6 /64: people mistype, programs keep one wrong password, which counts once. */
const NARROWEST: Limits = [20, 100];
/** Then its /24 or /56, and its /16 or /48: neighbours share the blame, so the wider have more room. */
const NETWORKS: readonly (readonly [Width, Limits])[] = [
  [0, NARROWEST],
  [1, [100, 500]],
  [2, [500, 2_500]],
];

/** How long somebody is known in a network after the last login from there. */
const KNOWN_MS = 30 * 24 * 3_600_000;
/** A login is written down once in this time: of a thousand logins a minute, one costs a write. */
const KNOWN_FRESH_MS = 12 * 3_600_000;
/** How long a network that misbehaved is greeted slowly. */
const MISCONDUCT_MS = 3_600_000;

/** Failures whose reply is not held up; the next waits 250 ms, then twice as long each. */
const PROMPT_FAILURES = 2;
const DELAY_FIRST_MS = 250;
/** Less than the time-outs of clients, commonly 5 s and more. */
const DELAY_MAX_MS = 4_000;

export type LoginStanding = { readonly kind: 'open' } | { readonly kind: 'locked'; readonly retryAfterS: number };

/** How a network has behaved of late. */
export type NetworkRecord =
  /** Known: somebody has logged in there of late. */
  | { readonly kind: 'good' | 'bad'; readonly isKnown: boolean }
  /** Nobody is known there, and it has done nothing but fail. */
  | { readonly kind: 'locked'; readonly retryAfterS: number };

const OPEN: LoginStanding = { kind: 'open' };

export class LoginGuard {
  private readonly held = new HeldReplies();
  private slots: Promise<LoginGuardSlots> | undefined;

  constructor(
    private readonly redis: Redis,
    private readonly clock: Clock,
  ) {}

  /**
   * Counts a failure and resolves when its reply may go out; with how long to stay away where there were too many.
   * @param user what was tried as a name; undefined where there is none (an API key)
   */
  async failed(user: string | undefined, secret: string, address: string): Promise<LoginStanding> {
    const networks = clientNetworks(address);
    let failures: number, waitMs: number;
    try {
      const slots = await this.readSlots();
      const keys = [...NETWORKS.map(([width]) => slots.network(networks, width)), slots.user(user ?? '')];
      const args = [this.clock.now(), ...limitsOf(user, networks), slots.digestOf(user ?? '', secret)];
      [failures, waitMs] = await FAIL.run(this.redis, keys, args);
    } catch {
      return OPEN;
    }
    if (waitMs > 0) return locked(waitMs);
    if (await this.held.hold(failureDelayMs(failures))) return OPEN;
    // More are held up already than a process should hold: these are not answered more quickly for it.
    return locked(DELAY_MAX_MS);
  }

  /** Notes that somebody logged in from `address`. It wipes no failure. Resolves also where Redis does not answer. */
  async succeeded(address: string): Promise<void> {
    const times = [KNOWN_MS, KNOWN_MS - KNOWN_FRESH_MS];
    await SUCCEED.run(this.redis, [knownKey(clientNetworks(address))], times).catch(() => undefined);
  }

  /**
   * How the narrowest network of `address` has behaved; good where Redis does not say. Locked only where nobody is
   * known: what is sent away before it has said anything may have a right password.
   */
  async record(address: string): Promise<NetworkRecord> {
    const networks = clientNetworks(address);
    try {
      const slots = await this.readSlots();
      const keys = [slots.network(networks, 0), knownKey(networks), slots.misconduct(networks)];
      const args = [this.clock.now(), ...NARROWEST];
      const [known, misconduct, failures, waitMs] = await RECORD.run(this.redis, keys, args);
      if (waitMs > 0 && known === 0) return locked(waitMs);
      const bad = misconduct === 1 || (known === 0 && failures > PROMPT_FAILURES);
      return { kind: bad ? 'bad' : 'good', isKnown: known === 1 };
    } catch {
      return { kind: 'good', isKnown: false };
    }
  }

  /** A client from `address` broke the rules of its protocol: its network is watched for an hour. */
  async misbehaved(address: string): Promise<void> {
    try {
      const key = (await this.readSlots()).misconduct(clientNetworks(address));
      await this.redis.set(key, '1', 'PX', MISCONDUCT_MS);
    } catch {
      // Nobody is watched while Redis is away.
    }
  }

  /** Lets all replies go that are held up; when the process drains. */
  close(): void {
    this.held.close();
  }

  /** Read once in a process; again where Redis did not answer. */
  private async readSlots(): Promise<LoginGuardSlots> {
    this.slots ??= LoginGuardSlots.read(this.redis).catch((error: unknown) => {
      this.slots = undefined;
      throw error;
    });
    return this.slots;
  }
}

/** Milliseconds by which the reply to the `failures`-th failure comes later. */
export function failureDelayMs(failures: number): number {
  const over = failures - PROMPT_FAILURES;
  return over <= 0 ? 0 : Math.min(DELAY_FIRST_MS * 2 ** (over - 1), DELAY_MAX_MS);
}

/** A time for people: whole minutes, or hours where there are many. */
export function waitInWords(seconds: number): string {
  if (seconds <= 90) return `${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return minutes <= 90 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}

function locked(waitMs: number): { readonly kind: 'locked'; readonly retryAfterS: number } {
  return { kind: 'locked', retryAfterS: Math.ceil(Math.min(waitMs, LONG_WINDOW_MS) / 1000) };
}

/** As the script takes them: of the networks, then of the user. */
function limitsOf(user: string | undefined, networks: ClientNetworks): number[] {
  const ofNetworks = NETWORKS.map(([width, limits]) => (width < networks.length ? limits : NONE));
  return [...ofNetworks, user === undefined ? NONE : USER].flat();
}

/** Only who has a password can make one of these. */
function knownKey(networks: ClientNetworks): string {
  return `${GUARD_PREFIX}:known:${networks[0]}`;
}
