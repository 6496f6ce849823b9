/**
 * Postfix as a rival: an instance with its own configuration, queue and processes, tuned to be as fast as it can be for
 * this work without giving up its fsync before the 250. The machine's own Postfix is not touched.
 */
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram, untilReady } from './child-program.js';
import { POSTFIX, POSTFIX_USER } from './debian-programs.js';
import { freePort } from './free-ports.js';
import type { BenchPlace, RunningSystem } from './mail-system.js';
import { startOpendkim, type RunningOpendkim } from './opendkim-instance.js';
import { postfixMainConfig, postfixServices } from './postfix-config.js';
import { answers } from './sink.js';
import { userIds } from './user-ids.js';

const START_WITHIN_MS = 15_000;
/** `postfix stop` itself waits five seconds for its processes. */
const STOP_WITHIN_MS = 20_000;
const LOG_LINES_SHOWN = 5;

export const startPostfix = (place: BenchPlace): Promise<RunningSystem> => start(place, undefined);

/** With OpenDKIM as a milter on a unix socket, which signs what every session sends. */
export async function startPostfixWithOpendkim(place: BenchPlace): Promise<RunningSystem> {
  mkdirSync(join(place.folder, 'dkim'));
  const opendkim = await startOpendkim(join(place.folder, 'dkim'), place.cleanup);
  return start(place, opendkim);
}

async function start(place: BenchPlace, opendkim: RunningOpendkim | undefined): Promise<RunningSystem> {
  const { folder, cleanup } = place;
  const [config, queue, data] = ['config', 'queue', 'data'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const directory of [config, queue, data]) mkdirSync(directory);
  const { uid, gid } = userIds(POSTFIX_USER);
  chownSync(data, uid, gid);
  const port = await freePort();
  const log = join(folder, 'mail.log');
  const settings = { ...place, queue, data, log, milterSocket: opendkim?.socket };
  writeFileSync(join(config, 'main.cf'), postfixMainConfig(settings, { logToFile: hasSyslog() }));
  writeFileSync(join(config, 'master.cf'), postfixServices(port));
  cleanup.add(async () => {
    const stopped = await runProgram(POSTFIX, ['-c', config, 'stop'], STOP_WITHIN_MS);
    if (stopped.code !== 0) await runProgram(POSTFIX, ['-c', config, 'abort'], STOP_WITHIN_MS);
  });

  await runProgram(POSTFIX, ['-c', config, 'start'], START_WITHIN_MS);
  const fault = await untilReady(undefined, () => answers(port), START_WITHIN_MS);
  if (fault !== undefined) {
    // Without a terminal it says what is wrong only in its log, and it had none.
    await runProgram(POSTFIX, ['-c', config, 'abort'], STOP_WITHIN_MS);
    writeFileSync(join(config, 'main.cf'), postfixMainConfig(settings, { logToFile: true }));
    await runProgram(POSTFIX, ['-c', config, 'start'], START_WITHIN_MS);
    const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
    throw new Error([`Postfix did not start: ${fault}`, ...lines.slice(-LOG_LINES_SHOWN)].join('\n'));
  }
  const master = Number(readFileSync(join(queue, 'pid', 'master.pid'), 'utf8'));
  const rootPids = opendkim ? [master, opendkim.pid] : [master];
  return { port, rootPids, isOurs: false, dkimRecord: async () => opendkim?.record };
}

/**
 * Where no syslog listens, Postfix logs for free, and that is its best. Where one does, ~5 lines a message would make the
 * machine's log daemon a part of what is measured: there it writes its own file.
 */
function hasSyslog(): boolean {
  return existsSync('/dev/log');
}
