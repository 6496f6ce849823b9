/** A credential as the API shows it: all but its secret, with times that people read. */
import type { ListedCredential } from '../accounts/credentials.js';

export type CredentialView = Omit<ListedCredential, 'createdAt' | 'expiresAt' | 'lastUsedAt'> & {
  readonly createdAt: string;
  readonly expiresAt?: string;
  readonly lastUsedAt?: string;
};

export function viewCredential({ createdAt, expiresAt, lastUsedAt, ...credential }: ListedCredential): CredentialView {
  return {
    ...credential,
    createdAt: isoTime(createdAt),
    ...(expiresAt !== undefined && { expiresAt: isoTime(expiresAt) }),
    ...(lastUsedAt !== undefined && { lastUsedAt: isoTime(lastUsedAt) }),
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
