/**
 * Cuts a torn end off the append-only file, back to before the transaction it was torn in.
 *
 * A power cut leaves the last write in part. Redis offers to cut it off itself (`aof-load-truncated yes`), but where it was
 * torn inside MULTI ... EXEC it leaves the MULTI standing (all versions until 2026, https://github.com/valkey-io/valkey/pull/4342):
 * what is acknowledged afterwards is then written into that transaction, and at the next start it is lost, or half of what was
 * torn comes back to life. So our Redis refuses a torn file, and this mends it, while no server runs. `appendfsync always`
 * means that nothing which was acknowledged is in the torn end. A file damaged elsewhere is left for the operator to judge.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { RedisHome } from './redis-home.js';

export type Mending = { kind: 'mended'; file: string; cutBytes: number } | { kind: 'failed'; why: string };

/** Whether a server that ended with these words found its file torn, and nothing worse. */
export function saysTorn(why: string): boolean {
  return why.includes('Unexpected end of file reading the append only file');
}

/** `command` is the server's: the program that checks files is the same one, called by another name. */
export async function mendAppendOnlyFile(home: RedisHome, command: string, env?: NodeJS.ProcessEnv): Promise<Mending> {
  const directory = join(home.directory, 'appendonlydir');
  // Redis 7 and later keep several files, of which only the last can be torn, and a manifest; older ones keep one.
  const [folder, checked] = existsSync(directory)
    ? [directory, join(directory, 'appendonly.aof.manifest')]
    : [home.directory, join(home.directory, 'appendonly.aof')];
  const report = await check(checked, command, env);
  const found = [...report.matchAll(/AOF analyzed:(?: filename=(\S+),)? size=(\d+), ok_up_to=(\d+)/g)].at(-1);
  if (found === undefined) return { kind: 'failed', why: `${checked} could not be checked: ${report.slice(-500)}` };

  const file = join(folder, found[1] ?? 'appendonly.aof');
  const [size, soundBytes] = [Number(found[2]), Number(found[3])];
  if (statSync(file).size !== size || soundBytes >= size) {
    return { kind: 'failed', why: `${file} is not as its check says: ${report.slice(-500)}` };
  }
  const descriptor = openSync(file, 'r+');
  try {
    ftruncateSync(descriptor, soundBytes);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return { kind: 'mended', file, cutBytes: size - soundBytes };
}

/** Reads only: `--fix` would go on alone, and cut a file in use, if we died meanwhile and a successor were quicker. */
async function check(file: string, command: string, env?: NodeJS.ProcessEnv): Promise<string> {
  const argv0 = command.replace('server', 'check-aof');
  const checker = spawn(command, [file], { argv0, stdio: ['ignore', 'pipe', 'pipe'], ...(env && { env }) });
  const failure = new Promise<string>((resolve) => checker.once('error', (error) => resolve(error.message)));
  const output = Promise.all([text(checker.stdout), text(checker.stderr)]).then((parts) => parts.join('\n'));
  return await Promise.race([output, failure]);
}
