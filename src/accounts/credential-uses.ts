/** When credentials were last used: noted at most once a minute each by a process, and never waited for. */
import type { Redis } from 'ioredis';
import type { Clock } from '../mail/clock.js';
import { LuaScript } from '../store/lua-script.js';
import { credentialsKey, usesKey, type Credential } from './credential.js';

const NOTED_EVERY_MS = 60_000;
/** Credentials whose last note a process remembers. */
const REMEMBERED_MAX = 10_000;

/**
 * KEYS: 1 the account's credentials, 2 their uses. ARGV: 1 id, 2 time.
 * A credential that was removed meanwhile leaves no trace.
 */
const noteUse = new LuaScript<number>(
  'note use of a credential',
  2,
  `
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
return redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
`,
);

export class CredentialUses {
  private readonly notedAt = new Map<string, number>();

  constructor(
    private readonly redis: Redis,
    private readonly clock: Clock,
  ) {}

  /** Returns at once; a note that Redis does not take is made at the next use. */
  note({ id, account }: Credential): void {
    const now = this.clock.now();
    if (now - (this.notedAt.get(id) ?? -Infinity) < NOTED_EVERY_MS) return;
    if (this.notedAt.size >= REMEMBERED_MAX) this.notedAt.clear();
    this.notedAt.set(id, now);
    noteUse.run(this.redis, [credentialsKey(account), usesKey(account)], [id, now]).catch(() => {
      this.notedAt.delete(id);
    });
  }

  /** Milliseconds since the epoch, by id; nothing of those that were never used. */
  async of(account: string): Promise<ReadonlyMap<string, number>> {
    const uses = await this.redis.hgetall(usesKey(account));
    return new Map(Object.entries(uses).map(([id, at]) => [id, Number(at)]));
  }
}
