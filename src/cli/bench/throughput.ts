/** Measures how many messages a second a system carries from the client to the sink. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Load } from './load.js';
import { SINK_RECIPIENT, type RunningSystem } from './mail-system.js';
import { peaks, processorMs, readMemory, type ProcessMemory } from './process-tree.js';
import type { Sink } from './sink.js';

export interface Throughput {
  readonly messages: number;
  /** Messages a second, from the start of the load to the last message's arrival at the sink. */
  readonly endToEndPerSecond: number;
  /** Messages a second that were answered with 250. */
  readonly acceptedPerSecond: number;
  /** Messages that came to the sink beyond those sent. */
  readonly duplicates: number;
  /** Processor time of the system's processes, without those of the client and the sink. */
  readonly processorMsPerMessage: number;
  /** The largest that each process was, of ours. */
  readonly memory: readonly ProcessMemory[];
}

const LOOK_EVERY_MS = 25;
const MEMORY_EVERY_MS = 1_000;
/** No message at the sink for so long, while some are missing, ends the measuring. */
const SILENCE_MAX_MS = 30_000;
/** What comes after the last one that was expected. */
const LATECOMERS_WAIT_MS = 300;

/** Throws where a message is refused or does not arrive. */
export async function measureThroughput(
  system: RunningSystem,
  sink: Sink,
  load: Load,
  messages: number,
): Promise<Throughput> {
  const before = sink.count().messages;
  const samples: ProcessMemory[][] = [];
  const sample = (): unknown => samples.push(system.rootPids.flatMap(readMemory));
  const sampler = system.isOurs ? setInterval(sample, MEMORY_EVERY_MS) : undefined;
  const processorMsBefore = processorMs(system.rootPids);
  try {
    const startedAtMs = wallClockMs();
    let acceptedAtMs: number | undefined;
    let refusal: Error | undefined;
    const loading = load({ port: system.port, messages, recipient: SINK_RECIPIENT }).then(
      () => (acceptedAtMs = wallClockMs()),
      (error: Error) => (refusal = error),
    );
    const arrivedAtMs = await untilArrived(sink, before, messages, () => refusal);
    await loading;
    await sleep(LATECOMERS_WAIT_MS);
    return {
      messages,
      endToEndPerSecond: (messages / (arrivedAtMs - startedAtMs)) * 1_000,
      acceptedPerSecond: (messages / ((acceptedAtMs ?? arrivedAtMs) - startedAtMs)) * 1_000,
      duplicates: sink.count().messages - before - messages,
      processorMsPerMessage: (processorMs(system.rootPids) - processorMsBefore) / messages,
      memory: peaks(samples),
    };
  } finally {
    clearInterval(sampler);
  }
}

/** When the last of them came, in milliseconds since the epoch. */
async function untilArrived(
  sink: Sink,
  before: number,
  messages: number,
  refusal: () => Error | undefined,
): Promise<number> {
  let arrived = 0;
  let progressAtMs = wallClockMs();
  for (;;) {
    const { messages: count, lastAtMs } = sink.count();
    if (count - before >= messages) return lastAtMs;
    const fault = refusal();
    if (fault) throw fault;
    sink.check();
    if (count - before > arrived) {
      arrived = count - before;
      progressAtMs = wallClockMs();
    }
    if (wallClockMs() - progressAtMs > SILENCE_MAX_MS)
      throw new Error(`only ${arrived} of ${messages} messages arrived`);
    await sleep(LOOK_EVERY_MS);
  }
}

/** In fractions, on the clock of file times. */
function wallClockMs(): number {
  return performance.timeOrigin + performance.now();
}
