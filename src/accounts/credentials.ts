/** Who may come in: SMTP users with a password, and API keys. */
import type { Redis } from 'ioredis';
import { ACCOUNTS_PREFIX } from '../store/keyspace.js';
import type { MessageLimits } from './account.js';
import { hashSecret, newCredentialId, newSecret, secretMatches } from './secrets.js';

export const SCOPES = ['send', 'read', 'suppressions', 'domains', 'webhooks', 'templates', 'admin'] as const;
export const SMTP_SCOPES = ['smtp', 'mailbox', 'mailbox:read'] as const;
export type Scope = (typeof SCOPES)[number] | (typeof SMTP_SCOPES)[number];

export interface Credential {
  /** Names it in the API and in logs; no secret. */
  readonly id: string;
  readonly account: string;
  readonly scopes: readonly Scope[];
  /** Messages, of all streams but `critical`, that may be sent with it. */
  readonly limits?: MessageLimits;
}

interface StoredCredential extends Credential {
  readonly hash: string;
  readonly createdAt: number;
}

/** Every API key begins so, that a leaked one is known for what it is. */
const API_KEY_PREFIX = 'ph_';
/** Longer names and secrets are nobody's; checked before they reach Redis. */
const NAME_CHARACTERS_MAX = 320;
const SECRET_CHARACTERS_MAX = 1024;

export const smtpCredentialKey = (user: string): string => `${ACCOUNTS_PREFIX}:smtp:${user.toLowerCase()}`;
export const apiKeyKey = (hash: string): string => `${ACCOUNTS_PREFIX}:apikey:${hash}`;

/** A credential before it is stored: what to show once, and what to keep. */
export interface NewCredential {
  readonly secret: string;
  readonly key: string;
  readonly record: string;
}

export function newSmtpCredential(account: string, user: string, nowMs: number): NewCredential {
  const secret = newSecret();
  const stored: StoredCredential = {
    id: newCredentialId(),
    account,
    scopes: SMTP_SCOPES,
    hash: hashSecret(secret),
    createdAt: nowMs,
  };
  return { secret, key: smtpCredentialKey(user), record: JSON.stringify(stored) };
}

export function newApiKey(account: string, nowMs: number): NewCredential {
  const secret = API_KEY_PREFIX + newSecret();
  const hash = hashSecret(secret);
  const stored: StoredCredential = { id: newCredentialId(), account, scopes: SCOPES, hash, createdAt: nowMs };
  return { secret, key: apiKeyKey(hash), record: JSON.stringify(stored) };
}

export class Credentials {
  constructor(private readonly redis: Redis) {}

  /** The credential that `user` and `password` open; undefined where they open none. */
  async checkSmtp(user: string, password: string): Promise<Credential | undefined> {
    if (user.length > NAME_CHARACTERS_MAX || password.length > SECRET_CHARACTERS_MAX) return undefined;
    return this.check(smtpCredentialKey(user), password);
  }

  /** The credential of an API key; undefined where it is none of ours. */
  async checkApiKey(key: string): Promise<Credential | undefined> {
    if (key.length > SECRET_CHARACTERS_MAX) return undefined;
    return this.check(apiKeyKey(hashSecret(key)), key);
  }

  private async check(key: string, secret: string): Promise<Credential | undefined> {
    const record = await this.redis.get(key);
    // An unknown name costs the same comparison as a known one.
    const stored = record === null ? undefined : (JSON.parse(record) as StoredCredential);
    const matches = secretMatches(secret, stored?.hash ?? hashSecret(''));
    if (!stored || !matches) return undefined;
    const { id, account, scopes, limits } = stored;
    return { id, account, scopes, ...(limits && { limits }) };
  }
}
