/** A start that must fail: what it said, and what it left behind. */
import { readdir, readFile } from 'node:fs/promises';
import { freePorts, portSettings, runPosthorn } from './running-posthorn.js';

export interface FailedStart {
  readonly code: number | null;
  /** What it said to people: standard error without the log's lines of JSON. */
  readonly complaint: string;
  /** All that it wrote. */
  readonly output: string;
  /** Processes that were started for this data directory and are still there. */
  readonly left: readonly string[];
}

/** Runs `up` with ports of its own, which `settings` may overrule, until it ends. */
export async function startInVain(
  dataDir: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<FailedStart> {
  const { code, stdout, stderr } = await runPosthorn(['up'], {
    ...portSettings(await freePorts()),
    POSTHORN_DATA_DIR: dataDir,
    POSTHORN_HOSTNAME: 'relay.example',
    POSTHORN_WORKERS: '1',
    ...settings,
  });
  const said = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
  return { code, complaint: said.join('\n'), output: stdout + stderr, left: await processesOf(dataDir) };
}

/** The commands of the processes that run with this data directory in their environment. */
export async function processesOf(dataDir: string): Promise<string[]> {
  const commands: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (!environment.split('\0').includes(`POSTHORN_DATA_DIR=${dataDir}`)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    // A process that has ended and is not waited for yet has no command line.
    if (command !== '') commands.push(`${pid} ${command.replaceAll('\0', ' ').trim()}`);
  }
  return commands;
}
