/**
 * Measures one system after the other, round by round: each is started afresh, looked at for its signature, warmed up,
 * measured, and stopped before the next one starts.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ScriptedMx } from '../demo/scripted-mx.js';
import { measureAcceptLatency, type AcceptLatency } from './accept-latency.js';
import type { SystemFigures } from './bench-figures.js';
import { measureBusyCores } from './bench-machine.js';
import { Cleanup } from './cleanup.js';
import { median } from './figures.js';
import type { Load } from './load.js';
import { SYSTEM_TITLES, type RunningSystem, type StartSystem, type SystemName } from './mail-system.js';
import { startPostfix, startPostfixWithOpendkim } from './postfix-instance.js';
import { startPatientPosthorn, startPosthorn } from './posthorn-instance.js';
import { measureQueuedMemory, type QueuedMemory } from './queued-memory.js';
import { proveSignature, type Proof } from './signature-proof.js';
import type { Sink } from './sink.js';
import { measureThroughput, type Throughput } from './throughput.js';

/** What all systems have in common in one run. */
export interface BenchGround {
  /** Folder of the run. */
  readonly folder: string;
  readonly cleanup: Cleanup;
  readonly load: Load;
  readonly sink: Sink;
  /** Keeps the mail whose signatures are looked at. */
  readonly receiver: ScriptedMx;
  /** Tells a person what is being done. */
  readonly say: (text: string) => void;
}

export interface MeasureOptions {
  readonly systems: readonly SystemName[];
  readonly rounds: number;
  /** Undefined: as many as each system carries in MEASURED_MS. */
  readonly messages: number | undefined;
}

const START: Readonly<Record<SystemName, StartSystem>> = {
  posthorn: startPosthorn,
  postfix: startPostfix,
  'postfix-opendkim': startPostfixWithOpendkim,
};

/** They warm a system up twice; the second time tells how fast it is. */
const WARM_UP_MESSAGES = 1_000;
const MEASURED_MS = 12_000;
const COUNT_STEP = 1_000;
const COUNT_MAX = 100_000;
const QUEUED_MESSAGES = 5_000;

interface Book {
  readonly rounds: Throughput[];
  proof?: Proof;
  latency?: AcceptLatency;
  failure?: string;
}

export interface Measured {
  readonly systems: readonly SystemFigures[];
  /** Those that failed, and at what. */
  readonly failed: readonly { readonly name: SystemName; readonly why: string }[];
  /** The most processors that others kept busy while nothing of ours ran. */
  readonly busyCores: number;
}

/** Never rejects on account of a system: one that fails is left out from then on. */
export async function measureSystems(ground: BenchGround, options: MeasureOptions): Promise<Measured> {
  const books = new Map(options.systems.map((name): [SystemName, Book] => [name, { rounds: [] }]));
  let busyCores = 0;
  for (let round = 1; round <= options.rounds; round++) {
    // Another one begins each round: the first may find the machine in another state than the last.
    const turn = (round - 1) % Math.max(options.systems.length, 1);
    for (const name of [...options.systems.slice(turn), ...options.systems.slice(0, turn)]) {
      const book = books.get(name);
      if (!book || book.failure !== undefined) continue;
      ground.say(`${SYSTEM_TITLES[name]}: starting, round ${round} of ${options.rounds}`);
      busyCores = Math.max(busyCores, await measureBusyCores());
      try {
        await withSystem(ground, START[name], (system) =>
          measureRound(ground, name, system, book, options.messages, round === options.rounds),
        );
      } catch (error) {
        book.failure = (error as Error).message;
        ground.say(`${SYSTEM_TITLES[name]}: ${book.failure}`);
      }
    }
  }
  return {
    systems: [...books].flatMap(([name, book]) => summary(name, book)),
    failed: [...books].flatMap(([name, { failure }]) => (failure === undefined ? [] : [{ name, why: failure }])),
    busyCores,
  };
}

/** Undefined where it could not be measured. */
export async function measurePosthornsQueue(ground: BenchGround): Promise<QueuedMemory | undefined> {
  ground.say(`Posthorn: memory of ${QUEUED_MESSAGES} messages that wait`);
  try {
    return await withSystem(ground, startPatientPosthorn, (posthorn) =>
      measureQueuedMemory(posthorn, ground.load, QUEUED_MESSAGES),
    );
  } catch (error) {
    ground.say(`Posthorn: ${(error as Error).message}`);
    return undefined;
  }
}

async function measureRound(
  { load, sink, receiver, say }: BenchGround,
  name: SystemName,
  system: RunningSystem,
  book: Book,
  count: number | undefined,
  isLast: boolean,
): Promise<void> {
  const title = SYSTEM_TITLES[name];
  book.proof = await proveSignature(system, receiver);
  if (book.proof.kind === 'bad') throw new Error(book.proof.why);
  await measureThroughput(system, sink, load, WARM_UP_MESSAGES);
  const warm = await measureThroughput(system, sink, load, WARM_UP_MESSAGES);
  const messages = count ?? book.rounds[0]?.messages ?? countFor(warm.endToEndPerSecond);
  say(`${title}: ${messages} messages, end to end`);
  const throughput = await measureThroughput(system, sink, load, messages);
  book.rounds.push(throughput);
  say(`${title}: ${Math.round(throughput.endToEndPerSecond)} messages/s`);
  if (!isLast) return;
  const half = median(book.rounds.map(({ endToEndPerSecond }) => endToEndPerSecond)) / 2;
  say(`${title}: accept latency at ${Math.round(half)} messages/s`);
  book.latency = await measureAcceptLatency(system, half);
}

function countFor(perSecond: number): number {
  const count = Math.round((perSecond * MEASURED_MS) / 1_000 / COUNT_STEP) * COUNT_STEP;
  return Math.min(Math.max(count, COUNT_STEP), COUNT_MAX);
}

/** Starts a system in a folder of its own, and ends it and removes the folder however `work` ends. */
async function withSystem<System, Result>(
  { folder: parent, cleanup, sink, receiver, say }: BenchGround,
  start: (place: Parameters<StartSystem>[0]) => Promise<System>,
  work: (system: System) => Promise<Result>,
): Promise<Result> {
  const folder = join(parent, 'system');
  const own = new Cleanup();
  const end = cleanup.add(async () => {
    await own.run((error) => say(String(error)));
    // A process that was killed may still be writing its last.
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });
  try {
    mkdirSync(folder);
    return await work(await start({ folder, sinkPort: sink.port, proofPort: receiver.port, cleanup: own }));
  } finally {
    await end();
  }
}

function summary(name: SystemName, { rounds, proof, latency, failure }: Book): SystemFigures[] {
  if (failure !== undefined || latency === undefined) return [];
  return [
    {
      name,
      messages: rounds[0]?.messages ?? 0,
      rounds: rounds.map(({ endToEndPerSecond }) => endToEndPerSecond),
      endToEndPerSecond: median(rounds.map(({ endToEndPerSecond }) => endToEndPerSecond)),
      acceptedPerSecond: median(rounds.map(({ acceptedPerSecond }) => acceptedPerSecond)),
      processorMsPerMessage: median(rounds.map(({ processorMsPerMessage }) => processorMsPerMessage)),
      duplicates: rounds.reduce((sum, { duplicates }) => sum + duplicates, 0),
      signedBits: proof?.kind === 'signed' ? proof.keyBits : 0,
      latency,
      memory: rounds.at(-1)?.memory ?? [],
    },
  ];
}
