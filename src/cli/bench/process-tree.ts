/** What the processes of a system take of memory and processors, as Linux's /proc has it; elsewhere nothing is known. proc(5). */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessMemory {
  readonly pid: number;
  /** Such as `supervisor`, `doors`, `worker 1`, `redis-server`. */
  readonly name: string;
  readonly rssBytes: number;
}

/** Below it stand shells that only wait; they are not shown. */
const SHOWN_FROM_BYTES = 4 * 1024 * 1024;
/** Linux counts in hundredths of a second towards programs, whatever it does itself. */
const TICK_MS = 10;

/** The process and all that descend from it, oldest first. */
export function processTree(rootPid: number): number[] {
  const children = new Map<number, number[]>();
  for (const pid of numericEntries()) {
    const { parent } = readStat(pid);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const tree = [rootPid];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** Processor time that they and all that descended from them have used up to now, those that have ended included. */
export function processorMs(rootPids: readonly number[]): number {
  const tree = rootPids.flatMap(processTree);
  return tree.reduce((sum, pid) => sum + readStat(pid).ticks, 0) * TICK_MS;
}

export function readMemory(rootPid: number): ProcessMemory[] {
  return processTree(rootPid).flatMap((pid) => {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readProc(`${pid}/status`))?.[1];
    const rssBytes = Number(kilobytes ?? 0) * 1024;
    if (rssBytes < SHOWN_FROM_BYTES) return [];
    return [{ pid, name: pid === rootPid ? 'supervisor' : nameOf(readProc(`${pid}/cmdline`)), rssBytes }];
  });
}

/** The largest that each process was. */
export function peaks(samples: readonly (readonly ProcessMemory[])[]): ProcessMemory[] {
  const largest = new Map<number, ProcessMemory>();
  for (const memory of samples.flat()) {
    if (memory.rssBytes > (largest.get(memory.pid)?.rssBytes ?? 0)) largest.set(memory.pid, memory);
  }
  return [...largest.values()];
}

/** A process of ours has a title, `posthorn doors`; another is called as its program. */
function nameOf(commandLine: string): string {
  const [program = '', ...rest] = commandLine.split('\0');
  const title = /^posthorn (.+)$/.exec([program, ...rest].join(' ').trim())?.[1];
  // A title that a program gives itself stands in one piece: `redis-aof-rewrite unix:/path`.
  const [path = ''] = program.split(' ');
  return title ?? path.slice(path.lastIndexOf('/') + 1);
}

/** `ticks`: of the process, and of the children that it waited for. Zeros where it is gone. */
function readStat(pid: number): { parent: number; ticks: number } {
  // `pid (name) state ppid ...`: the name may hold anything, so from the last bracket on.
  const stat = readProc(`${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15).map(Number);
  return { parent: Number(fields[1] ?? 0), ticks: utime + stime + cutime + cstime };
}

function numericEntries(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

/** Empty where the process is gone. */
function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return '';
  }
}
