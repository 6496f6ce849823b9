/**
 * Power that can be cut. A kill alone takes nothing back that a process has written; a power cut takes what was not synced
 * to the disk. So redis-server runs here with a library under it that records how far each append-only file was synced
 * (`fsynctrack.c`, shared beside the project), and after the kill each file is cut back to that.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { sharedPath, type RunningPosthorn } from './running-posthorn.js';

const run = promisify(execFile);

/** Becomes the real server under the recording library; the name it was called by goes with it. */
const WRAPPER = `
#include <stdlib.h>
#include <unistd.h>
int main(int count, char **arguments) {
  (void)count;
  setenv("LD_PRELOAD", LIBRARY, 1);
  execv(SERVER, arguments);
  return 127;
}
`;
const SYNCED = '.synced';
const POLL_MS = 5;
/** How a write begins that the power cut met half done. */
const TORN_WRITE = '*1\r\n$5\r\nMULTI\r\n*4\r\n$4\r\nHSET\r\n$34\r\n{ph:0}:m:0';

const tracker = sharedPath('tools/fsynctrack.c');
const server = ['redis-server', 'valkey-server'].map(programPath).find((path) => path !== undefined);

/** What is missing to cut the power here; empty where nothing is. */
export const missingForPowerCut = [
  ...(tracker === undefined ? ['../shared/tools/fsynctrack.c'] : []),
  ...(server === undefined ? ['redis-server'] : []),
  ...(programPath('gcc') === undefined ? ['gcc'] : []),
  ...(process.platform === 'linux' ? [] : ['Linux']),
];

export class PowerSupply {
  private constructor(private readonly directory: string) {}

  static async install(): Promise<PowerSupply> {
    if (tracker === undefined || server === undefined) throw new Error(`missing: ${missingForPowerCut.join(', ')}`);
    const directory = await mkdtemp(join(tmpdir(), 'posthorn-power-'));
    const library = join(directory, 'fsynctrack.so');
    const source = join(directory, 'wrapper.c');
    await mkdir(join(directory, 'bin'));
    await run('gcc', ['-shared', '-fPIC', '-O2', '-o', library, tracker, '-ldl']);
    await writeFile(source, WRAPPER);
    const names = [`-DLIBRARY="${library}"`, `-DSERVER="${server}"`];
    await run('gcc', [...names, '-o', join(directory, 'bin', server.split('/').at(-1) ?? ''), source]);
    return new PowerSupply(directory);
  }

  /** A PATH on which the recorded server comes first. */
  get path(): string {
    return `${join(this.directory, 'bin')}:${process.env.PATH ?? ''}`;
  }

  /** The recorded server itself. */
  get program(): string {
    return join(this.directory, 'bin', server?.split('/').at(-1) ?? '');
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Ends every process of a relay at once, its embedded Redis first, before one of them can mend or finish anything. */
export async function cutPower(posthorn: RunningPosthorn): Promise<void> {
  process.kill(posthorn.pid, 'SIGSTOP');
  const pids: number[] = [];
  for (const name of ['redis-server', 'doors', 'bounces', 'mailbox', 'worker'] as const)
    pids.push(...(await posthorn.children(name)));
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await posthorn.kill();
  for (const pid of pids) while (await isRunning(pid)) await sleep(POLL_MS);
}

/** What changes whenever a file below a Redis's directory has been synced. */
export async function syncMark(redisDirectory: string): Promise<string> {
  const files = (await appendOnlyFiles(redisDirectory)).map((file) =>
    readFile(`${file}${SYNCED}`, 'utf8').catch(() => ''),
  );
  return (await Promise.all(files)).join();
}

/**
 * Takes what was not synced from the files of a Redis that was killed; returns how many bytes that was. Where `torn`, the
 * beginning of a write is left behind that the cut met half done.
 */
export async function loseWhatWasNotSynced(redisDirectory: string, torn: boolean): Promise<number> {
  let lostBytes = 0;
  for (const file of await appendOnlyFiles(redisDirectory)) {
    const { size } = await stat(file);
    const syncedBytes = Number(await readFile(`${file}${SYNCED}`, 'utf8').catch(() => '0'));
    await truncate(file, Math.min(size, syncedBytes));
    lostBytes += Math.max(0, size - syncedBytes);
    if (torn) await appendFile(file, TORN_WRITE);
  }
  return lostBytes;
}

/** Those that are appended to; the base file and the manifest are renamed into place only when they are synced. */
async function appendOnlyFiles(redisDirectory: string): Promise<string[]> {
  const directory = join(redisDirectory, 'appendonlydir');
  if (!existsSync(directory)) return [join(redisDirectory, 'appendonly.aof')];
  const names = await readdir(directory);
  return names.filter((name) => name.endsWith('.incr.aof')).map((name) => join(directory, name));
}

/** A zombie runs no more, though nobody may have asked for its end yet. */
async function isRunning(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return status !== undefined && !/\) [ZX] /.test(status);
}

function programPath(program: string): string | undefined {
  const places = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/bin'];
  return places.map((place) => join(place, program)).find((path) => existsSync(path));
}
