/**
 * The life of a domain's DKIM keys, as rules on the list of them: what a rotation adds, what DNS makes active, what time retires.
 * Of each algorithm at most one key is active, and a key that signs goes only when another takes its place.
 */
import { DKIM_ALGORITHMS, type DkimAlgorithm, type StoredKey } from './dkim-key.js';

export type StoredKeys = readonly StoredKey[];

/** A signature is looked up when the mail arrives, which may be days after it was made: queues give up after five or so. */
const RETIRING_MS = 7 * 24 * 3_600_000;
/** More than these are retired before their time: nobody rotates so often but by mistake. */
const RETIRING_MAX = 20;
/** The last ones, so that their selectors are not taken again while resolvers still know them. */
const RETIRED_MAX = 20;

/** RSA first, then by age. */
export function inOrder(keys: StoredKeys): StoredKeys {
  const rank = ({ algorithm }: StoredKey): number => DKIM_ALGORITHMS.indexOf(algorithm);
  return keys.toSorted((a, b) => rank(a) - rank(b) || a.createdAt - b.createdAt || (a.selector < b.selector ? -1 : 1));
}

/**
 * `phYYYYMMDD-CHANCE`, with an `e` before the hyphen for Ed25519, and a number at the end where that is taken. Chance keeps apart
 * what two accounts or relays publish for one domain: they do not see each other's keys, and two records at one name break both.
 *
 * @param chance lower-case letters and digits
 */
export function freeSelector(keys: StoredKeys, algorithm: DkimAlgorithm, nowMs: number, chance: string): string {
  const day = new Date(nowMs).toISOString().slice(0, 10).replaceAll('-', '');
  const name = `ph${day}${algorithm === 'rsa-sha256' ? '' : 'e'}-${chance}`;
  const taken = new Set(keys.map(({ selector }) => selector));
  let selector = name;
  for (let number = 2; taken.has(selector); number++) selector = `${name}-${String(number)}`;
  return selector;
}

/** The algorithms of which no key is in one of the states. */
export function algorithmsWithout(keys: StoredKeys, ...states: StoredKey['state'][]): readonly DkimAlgorithm[] {
  return DKIM_ALGORITHMS.filter(
    (algorithm) => !keys.some((key) => key.algorithm === algorithm && states.includes(key.state)),
  );
}

/**
 * Those of `selectors` that DNS shows, as `activated`, but none displaces one that is younger than itself: a key that was
 * imported and forgotten is not to sign again because its old record is still there. It goes, as what it would have replaced
 * does, so that it does not stand in the way of the next rotation.
 */
export function shownByDns(keys: StoredKeys, selectors: ReadonlySet<string>, nowMs: number): StoredKeys {
  const isShown = ({ state, selector }: StoredKey): boolean => state === 'pending' && selectors.has(selector);
  const late = (key: StoredKey): boolean => isShown(key) && !mayFollow(keys, key);
  const rest = keys.map((key): StoredKey => (late(key) ? { ...key, state: 'retiring', changedAt: nowMs } : key));
  return activated(rest, selectors, nowMs);
}

/** The algorithms of which no key waits that may sign one day. */
export function algorithmsToRotate(keys: StoredKeys): readonly DkimAlgorithm[] {
  return algorithmsWithout(
    keys.filter((key) => mayFollow(keys, key)),
    'pending',
  );
}

function mayFollow(keys: StoredKeys, { algorithm, createdAt }: StoredKey): boolean {
  return !keys.some((key) => key.state === 'active' && key.algorithm === algorithm && key.createdAt > createdAt);
}

/**
 * Those of `selectors` that were pending become active, and what was active of their algorithms retires. Of several at once
 * the youngest signs.
 */
export function activated(keys: StoredKeys, selectors: ReadonlySet<string>, nowMs: number): StoredKeys {
  const shown = inOrder(keys).filter(({ state, selector }) => state === 'pending' && selectors.has(selector));
  const heirs = new Map(shown.map((key) => [key.algorithm, key]));
  return bounded(
    keys.map((key): StoredKey => {
      const heir = heirs.get(key.algorithm);
      if (key === heir) return { ...key, state: 'active', changedAt: nowMs };
      const isOver = heir !== undefined && (key.state === 'active' || shown.includes(key));
      return isOver ? { ...key, state: 'retiring', changedAt: nowMs } : key;
    }),
    nowMs,
  );
}

/** Those that were retiring for long enough are retired. */
export function retiredWhereDue(keys: StoredKeys, nowMs: number): StoredKeys {
  const isDue = ({ state, changedAt }: StoredKey): boolean => state === 'retiring' && changedAt + RETIRING_MS <= nowMs;
  return bounded(
    keys.map((key) => (isDue(key) ? retired(key, nowMs) : key)),
    nowMs,
  );
}

function retired({ privateKey: _, ...key }: StoredKey, nowMs: number): StoredKey {
  return { ...key, state: 'retired', changedAt: nowMs };
}

/** Without the oldest of those that are no use but to remember. */
function bounded(keys: StoredKeys, nowMs: number): StoredKeys {
  const retiring = lastOf(keys, 'retiring', RETIRING_MAX);
  const all = keys.map((key) => (key.state === 'retiring' && !retiring.has(key) ? retired(key, nowMs) : key));
  const remembered = lastOf(all, 'retired', RETIRED_MAX);
  return all.filter((key) => key.state !== 'retired' || remembered.has(key));
}

/** The `count` that came last to a state. */
function lastOf(keys: StoredKeys, state: StoredKey['state'], count: number): ReadonlySet<StoredKey> {
  const all = keys.filter((key) => key.state === state).sort((a, b) => a.changedAt - b.changedAt);
  return new Set(all.slice(-count));
}
