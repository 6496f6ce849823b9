/**
 * Work that is kept until it is done: a Redis stream that all processes take from. An entry goes to one of them; where
 * that one dies or fails, to another after a while. So what is done with an entry must do no harm when it is done twice.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { disconnectRedis } from './connect-redis.js';
import { LuaScript } from './lua-script.js';

export interface StreamEntry {
  /** Given by Redis, unique in the stream: a name for what is done with it. */
  readonly id: string;
  readonly fields: ReadonlyMap<string, Buffer>;
}

export interface WorkStreamOptions {
  /** Entries in hand at once, and in memory: 1 where they are large. */
  readonly batch: number;
  readonly handle: (entry: StreamEntry) => Promise<void>;
  /** It has failed `triesMax` times, or those who tried have died; it is taken out after this. */
  readonly giveUp: (entry: StreamEntry) => Promise<void>;
  /** Told of each failed entry, and of the stream once until it works again. */
  readonly onError: (error: Error) => void;
  readonly triesMax?: number;
  /** Who holds an entry for longer has died, or failed: so long before it is tried again, and four times that each time after. */
  readonly retryAfterMs?: number;
  /** How often to look for such entries. */
  readonly lookEveryMs?: number;
}

const GROUP = 'posthorn';
/** The last an hour and a half after the one before: what ails Redis or a rule is seen to by then. */
const TRIES_MAX = 6;
/** Nobody holds an entry for half as long but who has died, and to do it twice does no harm. */
const RETRY_AFTER_MS = 20_000;
const RETRY_GROWTH = 4;
const LOOK_EVERY_MS = 10_000;
/** A stop need not wait for it: it wakes the read. */
const WAIT_MS = 5_000;
const SILENCE_MAX_MS = 15_000;
const OUTAGE_PAUSE_MS = 250;
/** A read that begins just as it is to end is met by the next try. */
const WAKE_EVERY_MS = 25;
const WAKES_MAX = 40;
const STOP_ANSWER_MS = 1_000;
/** Failed entries looked at in one round; those behind them have their turn in the next. */
/** Time for old entries between two looks at the new ones. */
const TAKE_OVER_WITHIN_MS = 1_000;
const PENDING_PAGE = 100;

type RawEntry = [id: Buffer, fields: Buffer[] | null];
type Pending = [id: string, consumer: string, idleMs: number, deliveries: number];

/**
 * A consumer that holds entries must not be deleted: they would be nobody's. KEYS: the stream. ARGV: 1 group, 2 ms of
 * silence after which a consumer is dead, 3 a consumer that goes in any case, or ''.
 */
const forgetConsumers = new LuaScript<number>(
  'forget consumers',
  1,
  `
local gone = 0
-- Where the stream or its group is gone there is nobody.
local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
if consumers.err then return 0 end
for _, fields in ipairs(consumers) do
  local consumer = {}
  for i = 1, #fields, 2 do consumer[fields[i]] = fields[i + 1] end
  if consumer.pending == 0 and (consumer.name == ARGV[3] or consumer.idle > tonumber(ARGV[2])) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
    gone = gone + 1
  end
end
return gone
`,
);

let opened = 0;

export class WorkStream {
  private readonly own: Redis;
  private readonly consumer = `${String(process.pid)}-${Date.now().toString(36)}-${String(opened++)}`;
  private readonly stopping = new AbortController();
  private loop: Promise<void> | undefined;
  private lookedAt = 0;
  private pendingFrom = '-';
  private hasGroup = false;
  private failing = false;
  private reading = false;
  /** Of our own connection, as Redis numbers it. */
  private connectionId: unknown;

  constructor(
    private readonly redis: Redis,
    private readonly key: string,
    private readonly options: WorkStreamOptions,
  ) {
    // A read that waits would hold up what others send, and must not be cut off as one that got no answer. And no command may
    // wait for a Redis that is away: a stop would wait with it.
    this.own = redis.duplicate({
      commandTimeout: undefined,
      socketTimeout: SILENCE_MAX_MS,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: true,
      autoResendUnfulfilledCommands: false,
    });
    // Each failure is met where a command fails.
    this.own.on('error', () => undefined).on('close', () => (this.connectionId = undefined));
  }

  start(): void {
    this.loop ??= this.run();
  }

  /** Takes nothing more, and resolves when what is in hand is done. */
  async stop(): Promise<void> {
    this.stopping.abort();
    let ended = false;
    const loop = this.loop?.then(() => (ended = true));
    for (let wakes = 0; loop && !ended;) {
      if (this.reading && wakes++ < WAKES_MAX) void this.wake();
      // Redis is away.
      else if (this.reading) await disconnectRedis(this.own);
      await Promise.race([loop, sleep(WAKE_EVERY_MS)]);
    }
    await disconnectRedis(this.own);
    await Promise.race([this.forget(this.redis, this.consumer).catch(() => undefined), sleep(STOP_ANSWER_MS)]);
  }

  /** Not by closing the connection: an entry that is on its way would be held by nobody until its time is over. */
  private async wake(): Promise<void> {
    await this.redis.call('CLIENT', ['UNBLOCK', String(this.connectionId)]).catch(() => undefined);
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        await this.round();
        this.failing = false;
      } catch (error) {
        await this.recover(error as Error);
      }
    }
  }

  private async recover(error: Error): Promise<void> {
    // Nobody has made it yet, or Redis was emptied.
    if (/NOGROUP|UNBLOCKED/.test(error.message)) {
      this.hasGroup = false;
      return;
    }
    if (this.stopping.signal.aborted) return;
    if (!this.failing) this.options.onError(error);
    this.failing = true;
    await sleep(OUTAGE_PAUSE_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }

  private async round(): Promise<void> {
    if (!this.hasGroup) await this.makeGroup();
    this.connectionId ??= await this.own.call('CLIENT', ['ID']);
    const { batch, lookEveryMs = LOOK_EVERY_MS } = this.options;
    if (performance.now() - this.lookedAt >= lookEveryMs) {
      await this.takeOver();
      await this.forget(this.own, '');
      this.lookedAt = performance.now();
    }
    if (this.stopping.signal.aborted) return;
    const entries = await this.read(batch, Math.min(WAIT_MS, lookEveryMs));
    await Promise.all(entries.map((raw) => this.work(entryOf(raw), 1)));
  }

  private async read(count: number, blockMs: number): Promise<RawEntry[]> {
    this.reading = true;
    try {
      const group = ['GROUP', GROUP, this.consumer] as const;
      const answer = await this.own.xreadgroupBuffer(
        ...group,
        'COUNT',
        count,
        'BLOCK',
        blockMs,
        'STREAMS',
        this.key,
        '>',
      );
      return answer?.[0]?.[1] ?? [];
    } finally {
      this.reading = false;
    }
  }

  /**
   * What has been held for too long: its holder is gone, or it failed. One at a time, for one may be what kills its holder:
   * those that were in hand with it are not to be given up with it.
   */
  private async takeOver(): Promise<void> {
    const { retryAfterMs = RETRY_AFTER_MS } = this.options;
    const range = [this.key, GROUP, 'IDLE', retryAfterMs, this.pendingFrom, '+', PENDING_PAGE];
    const pending = (await this.own.call('XPENDING', range)) as Pending[];
    // Those that wait for a later try must not hide the ones behind them.
    this.pendingFrom = pending.length < PENDING_PAGE ? '-' : `(${pending.at(-1)?.[0] ?? ''}`;
    const until = Date.now() + TAKE_OVER_WITHIN_MS;
    for (const entry of pending) {
      if (this.stopping.signal.aborted) return;
      await this.tryAgain(entry);
      // What is new must not wait behind all that is old: the rest has its turn next time.
      if (Date.now() < until) continue;
      this.pendingFrom = `(${entry[0]}`;
      return;
    }
  }

  private async tryAgain([id, , idleMs, deliveries]: Pending): Promise<void> {
    const { retryAfterMs = RETRY_AFTER_MS, triesMax = TRIES_MAX } = this.options;
    const dueMs = retryAfterMs * RETRY_GROWTH ** Math.min(deliveries - 1, triesMax);
    // The one whose tries are over has nothing to wait for but its holder.
    const heldMs = deliveries >= triesMax ? retryAfterMs : dueMs;
    if (idleMs < heldMs) return;
    const claim = [this.key, GROUP, this.consumer, heldMs, id];
    const [raw] = (await this.own.callBuffer('XCLAIM', claim)) as (RawEntry | null)[];
    // Cut from the stream while it was in hand. Redis 7 forgets it by itself, 6.2 gives nothing for it.
    if (raw === null) await this.own.xack(this.key, GROUP, id);
    // Else another process was faster.
    if (raw?.[1]) await this.work(entryOf(raw), deliveries + 1);
  }

  private async work(entry: StreamEntry, tries: number): Promise<void> {
    const { handle, giveUp, onError, triesMax = TRIES_MAX } = this.options;
    try {
      await (tries > triesMax ? giveUp(entry) : handle(entry));
      await this.own.multi().xack(this.key, GROUP, entry.id).xdel(this.key, entry.id).exec();
    } catch (error) {
      // It stays in hand, and is taken over when it has been there for too long.
      onError(error as Error);
    }
  }

  private async makeGroup(): Promise<void> {
    await this.own.xgroup('CREATE', this.key, GROUP, '0', 'MKSTREAM').catch((error: unknown) => {
      if (!String(error).includes('BUSYGROUP')) throw error;
    });
    this.hasGroup = true;
  }

  /** Consumers that hold nothing: `own`, and those of processes that are gone. */
  private async forget(redis: Redis, own: string): Promise<void> {
    const { retryAfterMs = RETRY_AFTER_MS } = this.options;
    await forgetConsumers.run(redis, [this.key], [GROUP, retryAfterMs, own]);
  }
}

/** An entry as XREADGROUP and XRANGE give it. */
export function entryOf([id, list]: RawEntry): StreamEntry {
  const fields = new Map<string, Buffer>();
  for (let i = 0; list && i + 1 < list.length; i += 2) {
    const value = list[i + 1];
    if (value) fields.set(String(list[i]), value);
  }
  return { id: String(id), fields };
}
