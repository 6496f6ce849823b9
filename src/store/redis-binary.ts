/** Finds the Redis server program on PATH: redis-server, else valkey-server. Anything older than 6.2 is refused. */
import { execFile } from 'node:child_process';
import { platform } from 'node:os';

export const REDIS_VERSION_MIN = '6.2.0';

/** `install` is the one command that would help, `why` a whole sentence that contains it. */
export type RedisBinary =
  { kind: 'found'; command: string; version: string } | { kind: 'missing'; install: string; why: string };

/** `env` is the environment to search and run in; left out, the process's own. */
export async function findRedisBinary(env?: NodeJS.ProcessEnv): Promise<RedisBinary> {
  let tooOld: string | undefined;
  for (const command of ['redis-server', 'valkey-server']) {
    const banner = await outputOf(command, env);
    if (banner === undefined) continue;
    const version = /v=(\d+\.\d+\.\d+)/.exec(banner)?.[1] ?? '0.0.0';
    if (isRedisVersionEnough(version, banner)) return { kind: 'found', command, version };
    tooOld ??= `${command} ${version}`;
  }
  const install = await installCommand(env);
  const fault = tooOld === undefined ? 'no redis-server or valkey-server on PATH' : `${tooOld} is too old`;
  const why = `${fault}, Posthorn needs Redis ${REDIS_VERSION_MIN} or newer: run \`${install}\`, or set POSTHORN_REDIS_URL`;
  return { kind: 'missing', install, why };
}

/** `banner` is any text that names the product: every Valkey is a fork of Redis 7.2, so its own numbering does not count. */
export function isRedisVersionEnough(version: string, banner: string): boolean {
  if (/valkey/i.test(banner)) return true;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [majorMin = 0, minorMin = 0] = REDIS_VERSION_MIN.split('.').map(Number);
  return major > majorMin || (major === majorMin && minor >= minorMin);
}

async function installCommand(env?: NodeJS.ProcessEnv): Promise<string> {
  if (platform() === 'darwin') return 'brew install redis';
  const sudo = process.getuid?.() === 0 ? '' : 'sudo ';
  const installers: [program: string, command: string][] = [
    ['apt-get', `${sudo}apt-get install -y redis-server`],
    ['dnf', `${sudo}dnf install -y valkey`],
    ['apk', `${sudo}apk add valkey`],
    ['pacman', `${sudo}pacman -S --noconfirm valkey`],
    ['zypper', `${sudo}zypper install -y valkey`],
  ];
  for (const [program, command] of installers) {
    if ((await outputOf(program, env)) !== undefined) return command;
  }
  return `${sudo}apt-get install -y redis-server`;
}

/** What `command --version` prints; undefined when there is no such program. */
function outputOf(command: string, env?: NodeJS.ProcessEnv): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { timeout: 5_000, ...(env && { env }) };
    execFile(command, ['--version'], options, (error, stdout) => {
      const missing = error?.code === 'ENOENT' || error?.code === 'EACCES';
      resolve(missing ? undefined : stdout);
    });
  });
}
