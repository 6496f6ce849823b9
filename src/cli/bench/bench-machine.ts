/** The machine and the programs that the figures hold for. */
import { availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const GIBIBYTE = 1024 ** 3;
const LOOKED_AT_FOR_MS = 1_000;

/** In one line. @param versions of the programs beside Node, such as `Postfix 3.7.11`. */
export function describeMachine(versions: readonly string[]): string {
  const model = (cpus()[0]?.model ?? 'unknown processor').replaceAll(/\s+/g, ' ').trim();
  return [
    `${availableParallelism()} x ${model}`,
    `${Math.round(totalmem() / GIBIBYTE)} GiB`,
    `${platform()} ${release()}`,
    `Node ${process.versions.node}`,
    ...versions,
  ].join(', ');
}

/** How many processors others keep busy, asked while nothing of ours runs: what is measured beside them is too little, and varies. */
export async function measureBusyCores(): Promise<number> {
  const before = busyMs();
  const startedAt = performance.now();
  await sleep(LOOKED_AT_FOR_MS);
  return (busyMs() - before) / (performance.now() - startedAt);
}

function busyMs(): number {
  return cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0);
}
