/**
 * The Redis that Posthorn brings along when no POSTHORN_REDIS_URL is set: a redis-server (or valkey-server) child in the data
 * directory, reached over a unix socket that only this user may open.
 *
 * It is durable as asked (AOF `always` for fsync), started again when it dies, ended with us however we end, and never one of
 * two on its files. The caller owns the data directory (`data-directory.ts`) and makes sure of it before calling.
 *
 * With `memory` nothing is written to disk: whatever ends Redis, an orderly stop too, empties it.
 */
import type { EmbeddedDurability } from './redis-home.js';
import { embeddedRedisArguments, prepareRedisHome } from './redis-home.js';
import { findRedisBinary } from './redis-binary.js';
import type { RedisLogEntry, RedisRestart } from './redis-supervisor.js';
import { RedisSupervisor } from './redis-supervisor.js';

export interface EmbeddedRedisOptions {
  dataDir: string;
  durability: EmbeddedDurability;
  log: (entry: RedisLogEntry) => void;
  /** Called when a server that died has a successor that answers. */
  onRestart?: (restart: RedisRestart) => void;
  /** How long a start may take; a big append-only file is read at some 100 MB a second. Default 15 minutes. */
  readyWithinMs?: number;
  /** The environment to find and run the server in; left out, the process's own. */
  env?: NodeJS.ProcessEnv;
}

/** `url` is for `connectRedis`, and stays the same for as long as it runs. */
export interface EmbeddedRedis {
  kind: 'running';
  url: string;
  /** Undefined while it is down. */
  pid(): number | undefined;
  /** Ends the server and returns when it is gone. */
  stop(): Promise<void>;
}

/** `missing`: no server program, `install` is the command that brings one. `why` is a whole sentence for the operator. */
export type EmbeddedRedisStart =
  EmbeddedRedis | { kind: 'missing'; install: string; why: string } | { kind: 'failed'; why: string };

const READY_WITHIN_MS = 15 * 60_000;

/** Returns when the server answers, or when it cannot be had. */
export async function startEmbeddedRedis(options: EmbeddedRedisOptions): Promise<EmbeddedRedisStart> {
  const { dataDir, durability, log, onRestart, env, readyWithinMs = READY_WITHIN_MS } = options;
  const binary = await findRedisBinary(env);
  if (binary.kind !== 'found') return binary;
  const preparation = prepareRedisHome(dataDir, durability);
  if (preparation.kind !== 'prepared') return { kind: 'failed', why: preparation.why };

  const { home } = preparation;
  const supervisor = new RedisSupervisor({
    home,
    command: binary.command,
    args: embeddedRedisArguments(home, durability),
    ...{ readyWithinMs, log, onRestart, env },
  });
  const launch = await supervisor.start();
  if (launch.kind === 'failed') return { kind: 'failed', why: `the embedded Redis did not start: ${launch.why}` };
  return {
    kind: 'running',
    url: unixUrlOf(home.socketPath),
    pid: () => supervisor.pid(),
    stop: () => supervisor.stop(),
  };
}

function unixUrlOf(socketPath: string): string {
  return `unix://${socketPath.split('/').map(encodeURIComponent).join('/')}`;
}
