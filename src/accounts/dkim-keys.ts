/**
 * The DKIM keys of sending domains: an RSA-2048 and an Ed25519 key each, made together, rotated together, and others that were
 * imported. A new key signs only once DNS shows it, and the one before stays published for a while. RFC 6376, RFC 8301, RFC 8463.
 */
import { generateKeyPair, randomBytes, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { Redis } from 'ioredis';
import type { Clock } from '../mail/clock.js';
import {
  DKIM_ALGORITHMS,
  infoOf,
  traitsOf,
  type DkimAlgorithm,
  type DkimKey,
  type DkimKeyInfo,
  type StoredKey,
} from './dkim-key.js';
import { readImportedKey } from './dkim-key-import.js';
import {
  activated,
  algorithmsToRotate,
  algorithmsWithout,
  freeSelector,
  inOrder,
  retiredWhereDue,
  shownByDns,
  type StoredKeys,
} from './dkim-key-rules.js';
import { DkimKeyStore, type KeyList, type KeyPlace } from './dkim-key-store.js';
import { KeyEncryption } from './key-encryption.js';
import { RecentReads } from './recent-reads.js';

/** The types of its methods. */
export type { DkimAlgorithm, DkimKey, DkimKeyInfo, DkimKeyState } from './dkim-key.js';

export type ImportedKey =
  /** `advice` says what is weak about it. */
  | { readonly kind: 'imported'; readonly key: DkimKeyInfo; readonly advice?: string }
  /** `why` says what would be right, and holds nothing of the key. */
  | { readonly kind: 'refused'; readonly why: string };

/** RFC 8301 section 3.2: at least 1024 bits, 2048 recommended. */
const MODULUS_BITS = 2048;
/** Parsed keys kept in a process; an account with more domains has the rest parsed again. */
const PARSED_KEYS_MAX = 10_000;
/** Keys of a domain that an import may come on top of. */
const KEYS_MAX = 20;

/** Of base 32: one in a million that two who add a domain on the same day have the same. */
const CHANCE_CHARACTERS = 4;
const BASE_32 = 'abcdefghijklmnopqrstuvwxyz234567';

const makeKeyPair = promisify(generateKeyPair);

export class DkimKeys {
  private readonly store: DkimKeyStore;
  private readonly signing: RecentReads<readonly DkimKey[]>;
  /** By account, domain and selector, each with the text that it was parsed of. */
  private readonly parsed = new Map<string, { readonly text: string | undefined; readonly privateKey: KeyObject }>();

  /**
   * @param secretKey POSTHORN_SECRET_KEY: keys are encrypted with it
   * @param chance gives the part of a new selector that no other account or relay has
   */
  constructor(
    redis: Redis,
    private readonly clock: Clock,
    secretKey?: string,
    private readonly chance: () => string = selectorChance,
  ) {
    this.store = new DkimKeyStore(redis, secretKey === undefined ? undefined : new KeyEncryption(secretKey));
    this.signing = new RecentReads(clock, (name) => this.readSigningKeys(placeOf(name)));
  }

  /**
   * Makes the first pair where there is no key at all. With `active` the operator's word stands for DNS: where no key signs
   * yet, those that wait for DNS do.
   */
  async ensure(account: string, domain: string, state: 'active' | 'pending'): Promise<readonly DkimKeyInfo[]> {
    const place = { account, domain };
    await this.change(place, ({ keys }) => {
      if (keys.length === 0) return this.withNewKeys(place, keys, DKIM_ALGORITHMS, state);
      if (state === 'pending' || keys.some((key) => key.state === 'active')) return keys;
      return activated(keys, new Set(keys.map(({ selector }) => selector)), this.clock.now());
    });
    return this.list(account, domain);
  }

  /** All that are not retired, RSA first, then by age. */
  async list(account: string, domain: string): Promise<readonly DkimKeyInfo[]> {
    const { keys } = await this.store.read({ account, domain });
    return shown(
      domain,
      keys.filter(({ state }) => state !== 'retired'),
    );
  }

  /** The key under `selector`, also where it is retired. */
  async find(account: string, domain: string, selector: string): Promise<DkimKeyInfo | undefined> {
    const { keys } = await this.store.read({ account, domain });
    const key = keys.find((candidate) => candidate.selector === selector);
    return key && infoOf(domain, key);
  }

  /**
   * What signs for `domain`, RSA first, at most a second old. Makes the first pair where there was none; a domain that was
   * just removed has none.
   */
  signingKeys(account: string, domain: string): Promise<readonly DkimKey[]> {
    return this.signing.get(nameOf({ account, domain }));
  }

  /** The keys that DNS is to show next: what is pending, and a new one of each algorithm of which none of them can follow. */
  async rotate(account: string, domain: string): Promise<readonly DkimKeyInfo[]> {
    const place = { account, domain };
    await this.change(place, ({ keys }) => this.withNewKeys(place, keys, algorithmsToRotate(keys), 'pending'));
    return (await this.list(account, domain)).filter(({ state }) => state === 'pending');
  }

  /**
   * Takes a private key of PEM as one of the domain's. Where it is `active`, what signed before retires. Of an algorithm
   * that the domain has no key of, one is made for DNS to show.
   */
  async import(
    account: string,
    domain: string,
    selector: string,
    privateKeyPem: string,
    state: 'active' | 'pending',
  ): Promise<ImportedKey> {
    const read = await readImportedKey(selector, domain, privateKeyPem);
    if (read.kind === 'refused') return read;
    const { selector: name, privateKey, advice } = read;
    const place = { account, domain };
    const now = this.clock.now();
    const imported: StoredKey = {
      ...{ selector: name, ...traitsOf(privateKey), state: 'pending', createdAt: now, changedAt: now, imported: true },
      privateKey: this.store.sealed(place, name, privateKey),
    };
    let why = '';
    const changed = await this.change(place, ({ keys }) => {
      why = faultAmong(keys, name);
      if (why !== '') return keys;
      const added = [...keys, imported];
      const all = state === 'pending' ? added : activated(added, new Set([name]), now);
      return this.withNewKeys(place, all, algorithmsWithout(all, 'active', 'pending'), 'pending');
    });
    if (why !== '') return { kind: 'refused', why };
    const [key] = shown(
      domain,
      changed.filter((candidate) => candidate.selector === name),
    );
    if (!key) throw new Error(`the imported key ${name} was not kept`);
    return { kind: 'imported', key, ...(advice !== undefined && { advice }) };
  }

  /**
   * DNS shows the records of `selectors`: those that were pending sign from now on, or retire where a younger one signs.
   * Resolves with what changed.
   */
  async published(account: string, domain: string, selectors: ReadonlySet<string>): Promise<readonly DkimKeyInfo[]> {
    const place = { account, domain };
    return shown(domain, await this.change(place, ({ keys }) => shownByDns(keys, selectors, this.clock.now())));
  }

  /** Retires what has been retiring for long enough, and deletes its private keys. Resolves with what changed. */
  async retireDue(account: string, domain: string): Promise<readonly DkimKeyInfo[]> {
    const place = { account, domain };
    return shown(domain, await this.change(place, ({ keys }) => retiredWhereDue(keys, this.clock.now())));
  }

  /** Deletes all keys of the domain. */
  async remove(account: string, domain: string): Promise<void> {
    await this.store.remove({ account, domain });
    this.signing.forget(nameOf({ account, domain }));
  }

  private async change(
    place: KeyPlace,
    rule: (list: KeyList) => StoredKeys | Promise<StoredKeys>,
  ): Promise<StoredKeys> {
    const changed = await this.store.change(place, rule);
    this.signing.forget(nameOf(place));
    return changed;
  }

  private async withNewKeys(
    place: KeyPlace,
    keys: StoredKeys,
    algorithms: readonly DkimAlgorithm[],
    state: 'active' | 'pending',
  ): Promise<StoredKeys> {
    const now = this.clock.now();
    // One for both, so that a person sees which two belong together.
    const chance = this.chance();
    const fresh = await Promise.all(
      algorithms.map(async (algorithm): Promise<StoredKey> => {
        const selector = freeSelector(keys, algorithm, now, chance);
        const { privateKey } = await (algorithm === 'rsa-sha256'
          ? makeKeyPair('rsa', { modulusLength: MODULUS_BITS })
          : makeKeyPair('ed25519'));
        const kept = this.store.sealed(place, selector, privateKey);
        return { selector, ...traitsOf(privateKey), state, createdAt: now, changedAt: now, privateKey: kept };
      }),
    );
    return fresh.length === 0 ? keys : [...keys, ...fresh];
  }

  private async readSigningKeys(place: KeyPlace): Promise<readonly DkimKey[]> {
    let list = await this.store.read(place);
    if (isNew(list)) {
      await this.store.change(place, (found) =>
        isNew(found) ? this.withNewKeys(place, found.keys, DKIM_ALGORITHMS, 'active') : found.keys,
      );
      list = await this.store.read(place);
    }
    return inOrder(list.keys.filter(({ state }) => state === 'active')).map((key) => ({
      domain: place.domain,
      selector: key.selector,
      algorithm: key.algorithm,
      privateKey: this.parsedKey(place, key),
    }));
  }

  private parsedKey(place: KeyPlace, key: StoredKey): KeyObject {
    const name = `${nameOf(place)} ${key.selector}`;
    const known = this.parsed.get(name);
    if (known && known.text === key.privateKey) return known.privateKey;
    if (this.parsed.size >= PARSED_KEYS_MAX) this.parsed.clear();
    const privateKey = this.store.opened(place, key);
    this.parsed.set(name, { text: key.privateKey, privateKey });
    return privateKey;
  }
}

function selectorChance(): string {
  return [...randomBytes(CHANCE_CHARACTERS)].map((octet) => BASE_32.charAt(octet % BASE_32.length)).join('');
}

/** Neither an account's name nor a domain holds a space. */
function nameOf({ account, domain }: KeyPlace): string {
  return `${account} ${domain}`;
}

function placeOf(name: string): KeyPlace {
  const [account = '', domain = ''] = name.split(' ');
  return { account, domain };
}

/** Whether the domain never had a key. */
function isNew({ keys, removed }: KeyList): boolean {
  return keys.length === 0 && !removed;
}

function shown(domain: string, keys: StoredKeys): readonly DkimKeyInfo[] {
  return inOrder(keys).map((key) => infoOf(domain, key));
}

/** Why no key may be added to these under `selector`; empty where it may. */
function faultAmong(keys: StoredKeys, selector: string): string {
  if (keys.some((key) => key.selector === selector)) {
    return `the selector ${selector} is taken by another key of this domain: choose another one`;
  }
  const kept = keys.filter(({ state }) => state !== 'retired').length;
  return kept < KEYS_MAX
    ? ''
    : `the domain has ${String(KEYS_MAX)} keys already: remove the domain, or let some retire first`;
}
