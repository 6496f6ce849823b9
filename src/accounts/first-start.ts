/**
 * The first account: made once, atomically, when Redis holds none and never held one. What may be shown once is written to
 * `first-credentials.json` before Redis knows it, so that a crash between the two loses nothing.
 */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { changeInOneStep } from '../store/change-records.js';
import { ACCOUNTS_PREFIX } from '../store/keyspace.js';
import { ACCOUNTS_KEY, newAccount } from './account.js';
import { additionOf, apiKeyLookup, newCredential, recordKey, SCOPES, SMTP_SCOPES } from './credential.js';
import { hashSecret } from './secrets.js';
import { ANY_DOMAIN, domainsKey, verifiedDomain } from './sending-domains.js';

/** What the first start shows, and `first-credentials.json` holds. */
export interface FirstCredentials {
  readonly account: string;
  readonly domain: string;
  readonly smtp: { readonly user: string; readonly password: string };
  readonly apiKey: string;
}

export const FIRST_CREDENTIALS_FILE = 'first-credentials.json';
export const FIRST_ACCOUNT = 'default';

export interface FirstStartOptions {
  readonly dataDir: string;
  /** The sending domain, taken as verified; may be `*`. */
  readonly domain: string;
  /** Stands in the SMTP user's address where the domain is `*`. */
  readonly hostname: string;
  readonly nowMs: number;
}

/** Makes the first account. Undefined where Redis has one already. */
export async function createFirstAccountOnce(
  redis: Redis,
  options: FirstStartOptions,
): Promise<FirstCredentials | undefined> {
  const { domain, nowMs } = options;
  const marker = `${ACCOUNTS_PREFIX}:first`;
  const file = join(options.dataDir, FIRST_CREDENTIALS_FILE);
  const draft = `${file}.draft`;
  if ((await redis.exists(marker)) === 1) return adoptDraft(redis, draft, file);
  const user = `${FIRST_ACCOUNT}@${domain === ANY_DOMAIN ? options.hostname : domain}`;
  const smtp = newCredential(FIRST_ACCOUNT, { kind: 'smtp', user, scopes: SMTP_SCOPES }, nowMs);
  const apiKey = newCredential(FIRST_ACCOUNT, { kind: 'api', scopes: SCOPES }, nowMs);
  const first: FirstCredentials = {
    account: FIRST_ACCOUNT,
    domain,
    smtp: { user, password: smtp.secret },
    apiKey: apiKey.secret,
  };
  await writeFile(draft, `${JSON.stringify(first, null, 2)}\n`, { mode: 0o600 });
  const record = JSON.stringify(newAccount(FIRST_ACCOUNT, nowMs));
  const domainRecord = JSON.stringify(verifiedDomain(domain, nowMs));
  const made = await changeInOneStep(redis, async () => {
    const [known, accounts] = await Promise.all([redis.exists(marker), redis.hlen(ACCOUNTS_KEY)]);
    if (known === 1 || accounts > 0) return { changes: [], result: false };
    return {
      changes: [
        { key: marker, was: null, becomes: '1' },
        { key: ACCOUNTS_KEY, length: 0 },
        { key: ACCOUNTS_KEY, field: FIRST_ACCOUNT, was: null, becomes: record },
        { key: domainsKey(FIRST_ACCOUNT), field: domain, was: null, becomes: domainRecord },
        ...additionOf(smtp.stored),
        ...additionOf(apiKey.stored),
      ],
      result: true,
    };
  });
  if (!made) {
    await rm(draft, { force: true });
    return undefined;
  }
  await rename(draft, file);
  return first;
}

/** A draft that Redis knows is what the last start died on the way to name. */
async function adoptDraft(redis: Redis, draft: string, file: string): Promise<FirstCredentials | undefined> {
  const text = await readFile(draft, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const first = JSON.parse(text) as FirstCredentials;
  const known = (await redis.exists(recordKey(apiKeyLookup(hashSecret(first.apiKey))))) === 1;
  if (known) await rename(draft, file);
  else await rm(draft, { force: true });
  return known ? first : undefined;
}
