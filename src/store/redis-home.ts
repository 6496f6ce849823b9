/**
 * Where the embedded Redis keeps its things, and the arguments it runs with.
 * Everything lies in `<data directory>/redis` (0700), the socket too unless its path is too long for the kernel.
 */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import { platform, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export type EmbeddedDurability = 'memory' | 'fsync';

export interface RedisHome {
  directory: string;
  pidFile: string;
  socketPath: string;
}

export type RedisHomePreparation = { kind: 'prepared'; home: RedisHome } | { kind: 'unusable'; why: string };

// unix(7): sun_path is 108 bytes on Linux, 104 on macOS and the BSDs, each with its NUL.
const SOCKET_PATH_BYTES_MAX = platform() === 'linux' ? 107 : 103;

/** Creates the directories. The caller owns `dataDir` (see `data-directory.ts`). */
export function prepareRedisHome(dataDir: string, durability: EmbeddedDurability): RedisHomePreparation {
  const directory = join(resolve(dataDir), 'redis');
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (durability === 'memory' && holdsAppendOnlyFile(directory)) {
      const why =
        `${directory} holds what was accepted with POSTHORN_DURABILITY=fsync, which a start with memory would leave ` +
        'behind: set it to fsync again, or move that directory away to start empty';
      return { kind: 'unusable', why };
    }
    const socketPath = join(socketDirectory(directory), 'redis.sock');
    return { kind: 'prepared', home: { directory, pidFile: join(directory, 'redis.pid'), socketPath } };
  } catch (error) {
    return { kind: 'unusable', why: (error as Error).message };
  }
}

/** The arguments that make `redis-server` the embedded one of `home`. */
export function embeddedRedisArguments(home: RedisHome, durability: EmbeddedDurability): string[] {
  const persistence = durability === 'fsync' ? ['--appendonly', 'yes'] : ['--appendonly', 'no'];
  return [
    ...['--dir', home.directory, '--pidfile', home.pidFile],
    ...['--port', '0', '--unixsocket', home.socketPath, '--unixsocketperm', '700'],
    ...['--daemonize', 'no', '--supervised', 'no', '--loglevel', 'notice'],
    // The command line stays as given, so that a later start knows this process for the Redis of its directory.
    ...['--set-proc-title', 'no'],
    ...persistence,
    // A 250 or 202 promises that the message is on the disk. `no-appendfsync-on-rewrite yes` would break that at each rewrite.
    ...['--appendfsync', 'always', '--no-appendfsync-on-rewrite', 'no', '--save', ''],
    // A torn file is mended by us: see mend-append-only-file.ts.
    ...['--aof-load-truncated', 'no'],
    ...['--maxmemory-policy', 'noeviction'],
    // Job hashes with fields over 64 bytes stay compact. `listpack` is this setting's name since Redis 7, both still take this.
    ...['--hash-max-ziplist-value', '1024'],
  ];
}

function socketDirectory(directory: string): string {
  if (Buffer.byteLength(join(directory, 'redis.sock')) <= SOCKET_PATH_BYTES_MAX) return directory;
  // The same name at each start, so that a predecessor's server is found and nothing piles up.
  const name = createHash('sha256').update(directory).digest('hex').slice(0, 16);
  const privateDirectory = join(tmpdir(), `posthorn-${process.getuid?.() ?? 0}-${name}`);
  if (!existsSync(privateDirectory)) mkdirSync(privateDirectory, { mode: 0o700 });
  const found = lstatSync(privateDirectory);
  // Anyone may write in the temporary directory: what another user put there under our name is not used.
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o077) !== 0) {
    throw new Error(
      `${privateDirectory} is not a private directory of this user: remove it, or use a shorter data directory`,
    );
  }
  return privateDirectory;
}

/** Redis 7 and later keep the append-only file as `appendonlydir/`, older ones as one file. */
function holdsAppendOnlyFile(directory: string): boolean {
  return existsSync(join(directory, 'appendonlydir')) || existsSync(join(directory, 'appendonly.aof'));
}
