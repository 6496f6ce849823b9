/**
 * A credential: an SMTP user with a password, or an API key. It is kept under what a client shows, so that a login is one
 * read; the account's list of them leads from the id to there.
 */
import type { RecordChange } from '../store/change-records.js';
import { ACCOUNTS_PREFIX } from '../store/keyspace.js';
import type { MessageLimits } from './account.js';
import { hashSecret, newCredentialId, newSecret } from './secrets.js';

export const SCOPES = ['send', 'read', 'suppressions', 'domains', 'webhooks', 'templates', 'admin'] as const;
export const SMTP_SCOPES = ['smtp', 'mailbox', 'mailbox:read'] as const;
export type Scope = (typeof SCOPES)[number] | (typeof SMTP_SCOPES)[number];

/** What a credential opens: as a login gives it. */
export interface Credential {
  /** Names it in the API and in logs; no secret. */
  readonly id: string;
  readonly account: string;
  readonly scopes: readonly Scope[];
  /** Messages, of all streams but `critical`, that may be sent with it. */
  readonly limits?: MessageLimits;
}

/** All that is known of a credential but its secret. */
export interface CredentialRecord extends Credential {
  readonly kind: 'smtp' | 'api';
  /** Of an SMTP credential: what it logs in as. */
  readonly user?: string;
  /** What a person calls it. */
  readonly name?: string;
  /** Milliseconds since the epoch, as all times here. */
  readonly createdAt: number;
  readonly expiresAt?: number;
  /** It stands in POSTHORN_PROVISION, and goes when it no longer does. */
  readonly provisioned?: true;
}

export interface StoredCredential extends CredentialRecord {
  /** SHA-256 of the secret, in lower-case hex. */
  readonly hash: string;
}

/** What whoever makes a credential chooses. */
export type CredentialSpec = { readonly scopes: readonly Scope[] } & Pick<
  CredentialRecord,
  'kind' | 'user' | 'name' | 'expiresAt' | 'limits'
>;

/** All of an account's credentials are listed on one page. When several are added at once it may become a few more. */
export const CREDENTIALS_PER_ACCOUNT_MAX = 1_000;
/** Every API key begins so, that a leaked one is known for what it is. */
const API_KEY_PREFIX = 'ph_';

/** Hash: the lookups of the account's credentials by id. */
export const credentialsKey = (account: string): string => `${ACCOUNTS_PREFIX}:credentials:${account}`;
/** Hash: when the account's credentials were last used, by id. Apart, so that a login writes nothing it is judged by. */
export const usesKey = (account: string): string => `${ACCOUNTS_PREFIX}:uses:${account}`;

/** What a client shows, as part of a key. Users have no case. */
export const smtpLookup = (user: string): string => `smtp:${user.toLowerCase()}`;
export const apiKeyLookup = (hash: string): string => `apikey:${hash}`;
export const recordKey = (lookup: string): string => `${ACCOUNTS_PREFIX}:${lookup}`;

export function lookupOf({ kind, user = '', hash }: Pick<StoredCredential, 'kind' | 'user' | 'hash'>): string {
  return kind === 'smtp' ? smtpLookup(user) : apiKeyLookup(hash);
}

export function newSecretOf(kind: CredentialRecord['kind']): string {
  return kind === 'api' ? API_KEY_PREFIX + newSecret() : newSecret();
}

/** A credential with a secret of its own, which is shown once and not kept. */
export function newCredential(
  account: string,
  spec: CredentialSpec,
  nowMs: number,
): { readonly secret: string; readonly stored: StoredCredential } {
  const secret = newSecretOf(spec.kind);
  return { secret, stored: { id: newCredentialId(), account, ...spec, hash: hashSecret(secret), createdAt: nowMs } };
}

/** What stores a credential where there is none yet. */
export function additionOf(stored: StoredCredential): RecordChange[] {
  const lookup = lookupOf(stored);
  return [
    { key: recordKey(lookup), was: null, becomes: JSON.stringify(stored) },
    { key: credentialsKey(stored.account), field: stored.id, was: null, becomes: lookup },
  ];
}

export function hasExpired({ expiresAt = Infinity }: CredentialRecord, nowMs: number): boolean {
  return expiresAt <= nowMs;
}
