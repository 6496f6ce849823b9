/**
 * Compares what Redis is configured for with what POSTHORN_DURABILITY promises with each 250 and 202. The service does not
 * start on a Redis that would break the promise: it could only be noticed by losing mail.
 */
import type { Redis } from 'ioredis';
import { isRedisVersionEnough, REDIS_VERSION_MIN } from './redis-binary.js';
import type { RedisInfo } from './redis-info.js';
import { readRedisInfo } from './redis-info.js';

export interface DurabilityFault {
  /** The setting's name in Redis; `version` and `INFO` are no settings. */
  setting: string;
  /** What Redis has; `unreadable` when it does not say. */
  has: string;
  mustBe: string;
  howTo: string;
}

interface Requirement {
  setting: string;
  mustBe: string;
  neededFor: 'every' | 'fsync';
  /** Where INFO tells it too, for servers that keep CONFIG to themselves. */
  fromInfo?: (info: RedisInfo) => string | undefined;
}

const REQUIREMENTS: readonly Requirement[] = [
  // Any other policy throws away keys of ours when memory is full.
  {
    setting: 'maxmemory-policy',
    mustBe: 'noeviction',
    neededFor: 'every',
    fromInfo: (info) => info.get('maxmemory_policy'),
  },
  {
    setting: 'appendonly',
    mustBe: 'yes',
    neededFor: 'fsync',
    fromInfo: (info) => ({ '0': 'no', '1': 'yes' })[info.get('aof_enabled') ?? ''],
  },
  { setting: 'appendfsync', mustBe: 'always', neededFor: 'fsync' },
  // With yes, nothing is synced for as long as the append-only file is being rewritten.
  { setting: 'no-appendfsync-on-rewrite', mustBe: 'no', neededFor: 'fsync' },
];

/**
 * Returns every fault at once, none when all is well. `unchecked` is the operator's word (POSTHORN_REDIS_UNCHECKED) for what
 * Redis does not let us read, and for nothing else. Rejects when Redis does not answer.
 */
export async function checkDurability(
  redis: Redis,
  wanted: 'memory' | 'fsync',
  unchecked: boolean,
): Promise<DurabilityFault[]> {
  const info = await unlessForbidden(readRedisInfo(redis));
  if (info === undefined) {
    // No word helps here: BullMQ reads the version from INFO itself.
    return [{ setting: 'INFO', has: 'not permitted', mustBe: 'permitted', howTo: 'ACL SETUSER <the user> +info' }];
  }
  const faults = versionFaults(info);
  for (const requirement of REQUIREMENTS) {
    if (requirement.neededFor === 'fsync' && wanted !== 'fsync') continue;
    const has = (await readSetting(redis, requirement.setting)) ?? requirement.fromInfo?.(info);
    const { setting, mustBe } = requirement;
    if (has === undefined && !unchecked) {
      const howTo = `ACL SETUSER <the user> +config|get; or, when you know that it is ${mustBe}, POSTHORN_REDIS_UNCHECKED=true`;
      faults.push({ setting, has: 'unreadable', mustBe, howTo });
    } else if (has !== undefined && has !== mustBe) {
      faults.push({
        setting,
        has,
        mustBe,
        howTo: `CONFIG SET ${setting} ${mustBe}, and "${setting} ${mustBe}" in redis.conf`,
      });
    }
  }
  return faults;
}

function versionFaults(info: RedisInfo): DurabilityFault[] {
  const has = info.get('redis_version') ?? 'unknown';
  if (isRedisVersionEnough(has, info.has('valkey_version') ? 'valkey' : 'redis')) return [];
  const mustBe = `${REDIS_VERSION_MIN} or newer, or Valkey`;
  return [{ setting: 'version', has, mustBe, howTo: 'install a newer Redis' }];
}

/** One setting a command: CONFIG GET takes several only since Redis 7. Undefined when Redis does not tell. */
async function readSetting(redis: Redis, setting: string): Promise<string | undefined> {
  const pair = await unlessForbidden(redis.config('GET', setting));
  return Array.isArray(pair) && typeof pair[1] === 'string' ? pair[1] : undefined;
}

/** Managed Redis services refuse CONFIG by ACL (NOPERM), or say that there is no such command. */
async function unlessForbidden<T>(reply: Promise<T>): Promise<T | undefined> {
  try {
    return await reply;
  } catch (error) {
    if (/^NOPERM|unknown command/i.test((error as Error).message)) return undefined;
    throw error;
  }
}
