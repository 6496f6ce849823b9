/**
 * The speed figures: Posthorn, bare Postfix and Postfix with OpenDKIM one after the other on this machine in one run, under
 * the same load, into the same sink, on the same disk; each message on that disk before its 250.
 *
 * Everything ends by itself, and nothing is left behind: no process and no file, after Ctrl-C neither.
 */
import { rmSync } from 'node:fs';
import { startMx } from '../demo/scripted-mx.js';
import { goalsOf, type BenchFigures } from './bench-figures.js';
import { makeBenchFolder } from './bench-folder.js';
import { describeMachine } from './bench-machine.js';
import { Cleanup } from './cleanup.js';
import { findPeers } from './debian-programs.js';
import { ownLoad, smtpSourceLoad } from './load.js';
import { SYSTEM_NAMES, type SystemName } from './mail-system.js';
import { measurePosthornsQueue, measureSystems } from './measure-systems.js';
import { formatReport } from './report.js';
import { startOwnSink, startSmtpSink } from './sink.js';

export interface BenchOptions {
  /** Messages of one round on one system; undefined: as many as it carries in about 12 s. */
  readonly messages: number | undefined;
  readonly rounds: number;
  readonly systems: readonly SystemName[];
  /** Exit code 1 where a goal is missed. */
  readonly assert: boolean;
  /** Print the figures as JSON. */
  readonly json: boolean;
  /** The report. */
  readonly print: (text: string) => void;
  /** What is being done, line by line. */
  readonly say: (text: string) => void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Returns the exit code: 0 measured; 1 what was asked for could not be measured, or with `assert` a goal was missed. */
export async function runBench(options: BenchOptions): Promise<number> {
  const cleanup = new Cleanup();
  const cleanUp = (): Promise<void> => cleanup.run((error) => options.say(String(error)));
  let isInterrupted = false;
  const interrupt = (): void => {
    isInterrupted = true;
    options.say('stopping what runs');
    void cleanUp().then(() => process.exit(130));
  };
  for (const signal of SIGNALS) process.once(signal, interrupt);
  // After an interruption every step fails: that is no news.
  const say = (text: string): void => (isInterrupted ? undefined : options.say(text));
  try {
    const figures = await measure({ ...options, say }, cleanup);
    await cleanUp();
    if (isInterrupted) return 130;
    options.print(
      options.json ? `${JSON.stringify({ ...figures, goals: goalsOf(figures) }, null, 2)}\n` : formatReport(figures),
    );
    const isMissed = goalsOf(figures).some(({ reached }) => reached === false);
    return figures.systems.length === 0 || isOursMissing(options, figures) || (options.assert && isMissed) ? 1 : 0;
  } catch (error) {
    say((error as Error).message);
    return 1;
  } finally {
    await cleanUp();
    for (const signal of SIGNALS) process.off(signal, interrupt);
  }
}

async function measure(options: BenchOptions, cleanup: Cleanup): Promise<BenchFigures> {
  const { say } = options;
  const peers = await findPeers();
  const absent: Partial<Record<SystemName, string | undefined>> = {
    postfix: peers.postfix,
    'postfix-opendkim': peers.opendkim,
  };
  const disk = makeBenchFolder(process.cwd());
  const folder = disk.path;
  cleanup.add(() => rmSync(folder, { recursive: true, force: true }));
  if (!disk.onRealDisk) say('no real disk found: what the disk costs is not measured');
  if (!peers.loadTools)
    say('Postfix is not installed: this program is client and sink itself, and takes its share of the machine');
  const load = peers.loadTools ? smtpSourceLoad(folder, cleanup) : ownLoad;
  const sink = peers.loadTools ? await startSmtpSink(folder, cleanup) : await startOwnSink(cleanup);
  const receiver = await startMx({ name: 'proof.example' });
  cleanup.add(() => receiver.close());

  const ground = { folder, cleanup, load, sink, receiver, say };
  const present = options.systems.filter((name) => absent[name] === undefined);
  const { systems, failed, busyCores } = await measureSystems(ground, { ...options, systems: present });
  const isOursMeasured = systems.some(({ name }) => name === 'posthorn');
  const queued = isOursMeasured ? await measurePosthornsQueue(ground) : undefined;
  return {
    machine: describeMachine(peers.versions),
    disk: { folder, real: disk.onRealDisk, fsyncMs: disk.fsyncMs },
    loadTools: peers.loadTools,
    busyCores,
    rounds: options.rounds,
    systems,
    notMeasured: [
      ...SYSTEM_NAMES.filter((name) => !options.systems.includes(name)).map((name) => ({ name, why: 'not asked for' })),
      ...options.systems.flatMap((name) => (absent[name] === undefined ? [] : [{ name, why: absent[name] }])),
      ...failed,
    ],
    ...(queued && { queued }),
  };
}

function isOursMissing(options: BenchOptions, figures: BenchFigures): boolean {
  return options.systems.includes('posthorn') && !figures.systems.some(({ name }) => name === 'posthorn');
}
