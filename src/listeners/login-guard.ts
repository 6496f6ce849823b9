/**
 * Stands against guessing passwords, for every protocol that has some. Failed logins are counted in Redis, for all
 * processes, by the client's networks and by the user name that was tried, whether anybody has it or not: first the
 * replies to failures come later and later, then no password is looked at any more for a while.
 *
 * A user who logged in from a network within 30 days has a place there, with a small count of its own. Others' failures
 * do not lock it, so that neither a neighbour behind the same address nor an attacker of the same user can keep anybody
 * out of where they always come from.
 *
 * Without Redis it guards nothing: there nobody can log in either.
 */
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Clock } from '../mail/clock.js';
import { clientNetworks, type ClientNetworks } from '../network/client-networks.js';
import { GUARD_PREFIX } from '../store/keyspace.js';
import { HeldReplies } from './held-replies.js';
import { CHECK, FAIL, LONG_WINDOW_MS, RECORD, SUCCEED } from './login-guard-scripts.js';

/** Failures in ten minutes, and in a day, after which nothing is tried any more. */
type Limits = readonly [short: number, long: number];
const NONE: Limits = [0, 0];
/** Of a place: people mistype, programs keep one wrong password, which counts once. */
const PLACE: Limits = [20, 100];
/** Of a user name, from wherever: more than all devices of a forgetful person, hopeless for an attacker of many addresses. */
const USER: Limits = [50, 200];
/** Of an IPv4 address or IPv6 /64, of its /24 or /56, of its /16 or /48: neighbours share the blame, so the wider have more room. */
const NETWORKS: readonly [Limits, Limits, Limits] = [
  [20, 100],
  [100, 500],
  [500, 2_500],
];

/** How long a user is known in a network after the last login from there. */
const PLACE_KNOWN_MS = 30 * 24 * 3_600_000;
/** A login is written down once in this time: of a thousand logins a minute, one costs a write. */
const PLACE_FRESH_MS = 12 * 3_600_000;
/** A user who roams through more networks is known in the last of them. */
const PLACES_MAX = 500;
/** How long a network that misbehaved is greeted slowly. */
const MISCONDUCT_MS = 3_600_000;

/**
 * Attackers choose user names, and IPv6 gives them networks without number. Their counts lie in this many slots (at
 * some 200 bytes, 60 MB when all are in use); who shares a slot by chance shares a count, which is seen only in an
 * attack of millions.
 */
const SLOTS = 65_536;

/** Failures whose reply is not held up; the next waits 250 ms, then twice as long each. */
const PROMPT_FAILURES = 2;
const DELAY_FIRST_MS = 250;
const DELAY_MAX_MS = 8_000;

export type LoginStanding =
  | { readonly kind: 'open'; readonly place: 'unknown' | 'known' | 'to be noted' }
  | { readonly kind: 'locked'; readonly retryAfterS: number };

/** How a network has behaved of late. */
export type NetworkRecord =
  /** Known: somebody has logged in there of late. */
  | { readonly kind: 'good' | 'bad'; readonly isKnown: boolean }
  /** Nobody could log in from there now, whoever it is. */
  | { readonly kind: 'locked'; readonly retryAfterS: number };

const OPEN: LoginStanding = { kind: 'open', place: 'unknown' };

export class LoginGuard {
  private readonly held = new HeldReplies();

  constructor(
    private readonly redis: Redis,
    private readonly clock: Clock,
  ) {}

  /** Whether `user` may try from `address`; asked before the password is looked at. */
  async check(user: string, address: string): Promise<LoginStanding> {
    const networks = clientNetworks(address);
    try {
      const times = [PLACE_KNOWN_MS, PLACE_FRESH_MS];
      const args = [this.clock.now(), networks[0], ...limitsOf(user, networks), ...times];
      const [place, failures, waitMs] = await CHECK.run(this.redis, keysOf(user, networks), args);
      if (waitMs > 0) return locked(waitMs);
      if (place === 0) return OPEN;
      return { kind: 'open', place: place === 2 && failures === 0 ? 'known' : 'to be noted' };
    } catch {
      return OPEN;
    }
  }

  /**
   * Counts a failure and resolves when its reply may go out; with how long to stay away where nothing is tried any more.
   * @param user what was tried as a name; undefined where there is none (an API key)
   * @param standing what `check` gave; undefined where it was not asked
   */
  async failed(
    user: string | undefined,
    secret: string,
    address: string,
    standing?: LoginStanding,
  ): Promise<LoginStanding> {
    const networks = clientNetworks(address);
    let failures: number, waitMs: number;
    try {
      const known = standing?.kind === 'open' && standing.place !== 'unknown' ? 1 : 0;
      const args = [this.clock.now(), networks[0], ...limitsOf(user, networks), known, digestOf(user, secret)];
      [failures, waitMs] = await FAIL.run(this.redis, keysOf(user, networks), args);
    } catch {
      return OPEN;
    }
    if (waitMs > 0) return locked(waitMs);
    const delayMs = failureDelayMs(failures);
    if (await this.held.hold(delayMs)) return OPEN;
    // More are held up already than a process should hold: these are not answered more quickly for it.
    return locked(DELAY_MAX_MS);
  }

  /** Notes where `user` logged in, as far as `check` asked for it. Resolves also where that failed. */
  async succeeded(user: string, address: string, standing: LoginStanding): Promise<void> {
    if (standing.kind === 'open' && standing.place === 'known') return;
    const networks = clientNetworks(address);
    const [places = '', place = ''] = keysOf(user, networks);
    const args = [this.clock.now(), networks[0], PLACE_KNOWN_MS, PLACES_MAX];
    await SUCCEED.run(this.redis, [places, place, knownKey(networks)], args).catch(() => undefined);
  }

  /** How the networks of `address` have behaved; good where Redis does not say. A network in which somebody is known is never locked. */
  async record(address: string): Promise<NetworkRecord> {
    const networks = clientNetworks(address);
    try {
      const keys = [knownKey(networks), misconductKey(networks), ...networkKeys(networks)];
      const args = [this.clock.now(), ...limitsOf(undefined, networks).slice(4)];
      const [known, misconduct, failures, waitMs] = await RECORD.run(this.redis, keys, args);
      if (waitMs > 0 && known === 0) return { kind: 'locked', retryAfterS: Math.ceil(waitMs / 1000) };
      const bad = misconduct === 1 || (known === 0 && failures > PROMPT_FAILURES);
      return { kind: bad ? 'bad' : 'good', isKnown: known === 1 };
    } catch {
      return { kind: 'good', isKnown: false };
    }
  }

  /** A client from `address` broke the rules of its protocol: its network is watched for an hour. */
  async misbehaved(address: string): Promise<void> {
    const key = misconductKey(clientNetworks(address));
    await this.redis.set(key, '1', 'PX', MISCONDUCT_MS).catch(() => undefined);
  }

  /** Lets all replies go that are held up; when the process drains. */
  close(): void {
    this.held.close();
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

function locked(waitMs: number): LoginStanding {
  return { kind: 'locked', retryAfterS: Math.ceil(Math.min(waitMs, LONG_WINDOW_MS) / 1000) };
}

function limitsOf(user: string | undefined, networks: ClientNetworks): number[] {
  const ofNetworks = NETWORKS.map((limits, index) => (index < networks.length ? limits : NONE));
  return [PLACE, user === undefined ? NONE : USER, ...ofNetworks].flat();
}

function keysOf(user: string | undefined, networks: ClientNetworks): string[] {
  // A name has no case, as where it is looked up.
  const name = user?.toLowerCase() ?? '';
  const places = `${GUARD_PREFIX}:places:${sha256(name).slice(0, 32)}`;
  const place = `${GUARD_PREFIX}:place:${sha256(`${name}\0${networks[0]}`).slice(0, 32)}`;
  return [places, place, `${GUARD_PREFIX}:user:${slotOf(name)}`, ...networkKeys(networks)];
}

function networkKeys(networks: ClientNetworks): string[] {
  return NETWORKS.map((_, width) => `${GUARD_PREFIX}:net${width}:${slotOf(networks[width] ?? '')}`);
}

function knownKey(networks: ClientNetworks): string {
  return `${GUARD_PREFIX}:known:${networks[0]}`;
}

function misconductKey(networks: ClientNetworks): string {
  return `${GUARD_PREFIX}:misconduct:${slotOf(networks[0])}`;
}

function slotOf(subject: string): number {
  return Number.parseInt(sha256(subject).slice(0, 8), 16) % SLOTS;
}

/** Tells one try from another, and is too short to tell what was tried. */
function digestOf(user: string | undefined, secret: string): string {
  return sha256(`${user?.toLowerCase() ?? ''}\0${secret}`).slice(0, 8);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
