/**
 * What is kept of an account beside its own records: its reports and its suppressions. They are taken away before it, so that
 * one who dies in between leaves an account that can be removed again, and after it, for what was told of it meanwhile.
 */
import type { Redis } from 'ioredis';
import type { Clock } from '../mail/clock.js';
import { REPORTS_CHANNEL, reportKeys } from '../store/keyspace.js';
import { LuaScript } from '../store/lua-script.js';
import { suppressionPrefix } from './suppression/suppression-record.js';

const FORGOTTEN_AT_ONCE = 500;
/** So long it is known which UIDVALIDITY was given; the time is further on then, whatever the clock is set to. */
const VALIDITY_KEPT_MS = 30 * 86_400_000;

/**
 * An account that gets the name of another counts its uids from 1, and a mail program must see that they are not those it
 * knows: RFC 3501 section 2.3.1.1. KEYS: 1 mailbox, then all others. ARGV: 1 now in seconds, 2 ms to keep UIDVALIDITY,
 * 3 account.
 */
const FORGET_REPORTS = new LuaScript<number>(
  'forget reports',
  Object.keys(reportKeys('')).length,
  `
local validity = redis.call('HGET', KEYS[1], 'v')
redis.call('UNLINK', unpack(KEYS))
if not validity then return 0 end
redis.call('HSET', KEYS[1], 'v', string.format('%.0f', math.max(validity + 1, tonumber(ARGV[1]))))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.pcall('PUBLISH', '${REPORTS_CHANNEL}', '0 ' .. ARGV[3])
return 1
`,
);

export class AccountTraces {
  constructor(
    private readonly redis: Redis,
    private readonly clock: Clock,
  ) {}

  async forget(account: string): Promise<void> {
    await this.forgetReports(account);
    await this.forgetSuppressions(account);
  }

  private async forgetReports(account: string): Promise<void> {
    const { mailbox, ...others } = reportKeys(account);
    const now = Math.floor(this.clock.now() / 1000);
    await FORGET_REPORTS.run(this.redis, [mailbox, ...Object.values<string>(others)], [now, VALIDITY_KEPT_MS, account]);
  }

  private async forgetSuppressions(account: string): Promise<void> {
    const prefix = suppressionPrefix(account);
    const kept = [
      ['index', 'a'],
      ['counted', 'n'],
      ['gone-index', 'g'],
    ] as const;
    for (const [index, kind] of kept) {
      for (;;) {
        const addresses = await this.redis.zrange(`${prefix}:${index}`, 0, String(FORGOTTEN_AT_ONCE - 1));
        if (addresses.length === 0) break;
        await this.redis.del(addresses.map((address) => `${prefix}:${kind}:${address}`));
        await this.redis.zrem(`${prefix}:${index}`, ...addresses);
      }
    }
    await this.redis.del(['ends', 'soft', 'gone-ends'].map((name) => `${prefix}:${name}`));
  }
}
