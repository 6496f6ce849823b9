/**
 * Keeps the last twentieth of Redis's memory free of new mail. Settling what was accepted needs some of it, and at the
 * limit Redis refuses that, too: a queue that had been filled to the brim would never drain.
 */
import type { Redis } from 'ioredis';
import { MEMORY_SHARE_MAX, readRedisHealth, type RedisHealth } from './redis-health.js';

/** What a message costs beside its body: measured 2 KiB, with one recipient. */
const OVERHEAD_BYTES = 3 * 1024;
const READ_EVERY_MS = 250;

interface Reading {
  readonly atMs: number;
  readonly health: Promise<RedisHealth>;
  /** By this process since then. */
  takenBytes: number;
}

export class RedisRoom {
  private reading: Reading | undefined;

  /** @param shareMax what of its memory may be in use for mail to be taken; less, for mail that may be put off */
  constructor(
    private readonly redis: Redis,
    private readonly shareMax = MEMORY_SHARE_MAX,
  ) {}

  /** Why Redis takes no message with a body of `bodyBytes` now; undefined where it does. Answers within two seconds. */
  async refusalOf(bodyBytes: number): Promise<string | undefined> {
    return (await this.look(bodyBytes))?.reason;
  }

  /** Whether there is no memory for `bytes`. Where Redis is unwell otherwise, who writes to it is told. */
  async isFullFor(bytes: number): Promise<boolean> {
    return (await this.look(bytes))?.full === true;
  }

  private async look(bodyBytes: number): Promise<{ readonly reason: string; readonly full?: true } | undefined> {
    const reading = this.recent();
    const health = await reading.health;
    if (health.kind === 'unwell') return health;
    const wantedBytes = bodyBytes + OVERHEAD_BYTES;
    const freeBytes = health.maxMemoryBytes * this.shareMax - health.usedMemoryBytes - reading.takenBytes;
    if (health.maxMemoryBytes > 0 && wantedBytes > freeBytes) {
      const reason = `Redis is full: of ${health.maxMemoryBytes} bytes (maxmemory) only what settling needs is free`;
      return { reason, full: true };
    }
    reading.takenBytes += wantedBytes;
    return undefined;
  }

  private recent(): Reading {
    const nowMs = performance.now();
    if (!this.reading || nowMs - this.reading.atMs > READ_EVERY_MS) {
      this.reading = { atMs: nowMs, health: readRedisHealth(this.redis), takenBytes: 0 };
    }
    return this.reading;
  }
}
