/**
 * The first account: made once, atomically, when Redis holds none. What may be shown once is written to
 * `first-credentials.json` before Redis knows it, so that a crash between the two loses nothing.
 */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { ACCOUNTS_PREFIX } from '../store/keyspace.js';
import { LuaScript } from '../store/lua-script.js';
import { newAccount } from './account.js';
import { ACCOUNTS_KEY } from './accounts.js';
import { Credentials, newApiKey, newSmtpCredential } from './credentials.js';
import { ANY_DOMAIN, domainsKey, verifiedDomain } from './sending-domains.js';

/** What the first start shows, and `first-credentials.json` holds. */
export interface FirstCredentials {
  readonly account: string;
  readonly domain: string;
  readonly smtp: { readonly user: string; readonly password: string };
  readonly apiKey: string;
}

export const FIRST_CREDENTIALS_FILE = 'first-credentials.json';
const FIRST_ACCOUNT = 'default';

/**
 * KEYS: 1 marker, 2 accounts, 3 domains, 4 SMTP credential, 5 API key.
 * ARGV: 1 account record, 2 domain name, 3 domain record, 4 and 5 the credentials' records, 6 account name.
 * Returns 1 where it made them, 0 where there is an account already.
 */
const createFirstAccount = new LuaScript<number>(
  'create first account',
  5,
  `
if redis.call('SET', KEYS[1], '1', 'NX') == false then return 0 end
redis.call('HSET', KEYS[2], ARGV[6], ARGV[1])
redis.call('HSET', KEYS[3], ARGV[2], ARGV[3])
redis.call('SET', KEYS[4], ARGV[4])
redis.call('SET', KEYS[5], ARGV[5])
return 1
`,
);

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
  const smtp = newSmtpCredential(FIRST_ACCOUNT, user, nowMs);
  const apiKey = newApiKey(FIRST_ACCOUNT, nowMs);
  const first: FirstCredentials = {
    account: FIRST_ACCOUNT,
    domain,
    smtp: { user, password: smtp.secret },
    apiKey: apiKey.secret,
  };
  await writeFile(draft, `${JSON.stringify(first, null, 2)}\n`, { mode: 0o600 });
  const made = await createFirstAccount.run(
    redis,
    [marker, ACCOUNTS_KEY, domainsKey(FIRST_ACCOUNT), smtp.key, apiKey.key],
    [
      JSON.stringify(newAccount(FIRST_ACCOUNT, nowMs)),
      domain,
      JSON.stringify(verifiedDomain(domain, nowMs)),
      smtp.record,
      apiKey.record,
      FIRST_ACCOUNT,
    ],
  );
  if (made !== 1) {
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
  const known = await new Credentials(redis).checkApiKey(first.apiKey);
  if (known) await rename(draft, file);
  else await rm(draft, { force: true });
  return known && first;
}
