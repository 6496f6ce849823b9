/**
 * The time that this thread worked on something, for tests of what must stay linear: unlike a clock it does not count
 * what other processes of a busy machine took meanwhile.
 *
 * @returns milliseconds of CPU, garbage collection on this thread included.
 */
export function cpuMsOf(work: () => void): number {
  const begun = process.threadCpuUsage();
  work();
  return cpuMsSince(begun);
}

/** The same of work that waits, as for a server on this thread: what others did here meanwhile is in it. */
export async function cpuMsUntilDone(work: () => Promise<unknown>): Promise<number> {
  const begun = process.threadCpuUsage();
  await work();
  return cpuMsSince(begun);
}

function cpuMsSince(begun: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(begun);
  return (user + system) / 1_000;
}
