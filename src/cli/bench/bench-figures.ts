/** What a run of the bench found, and what it was to find. The form of `--json`. */
import type { AcceptLatency } from './accept-latency.js';
import type { SystemName } from './mail-system.js';
import type { ProcessMemory } from './process-tree.js';
import type { QueuedMemory } from './queued-memory.js';

export interface SystemFigures {
  readonly name: SystemName;
  /** Messages of one round. */
  readonly messages: number;
  /** Messages a second of each round. */
  readonly rounds: readonly number[];
  /** Their median. */
  readonly endToEndPerSecond: number;
  readonly acceptedPerSecond: number;
  /** Of the system's own processes: it tells more than messages a second where others use the machine too. */
  readonly processorMsPerMessage: number;
  /** Beyond what was sent, over all rounds. */
  readonly duplicates: number;
  /** Bits of the RSA key whose signature was verified; 0 of a system that does not sign. */
  readonly signedBits: number;
  readonly latency: AcceptLatency;
  /** The largest that each of its processes was in the last round. */
  readonly memory: readonly ProcessMemory[];
}

export interface BenchFigures {
  /** The machine and the programs, in words. */
  readonly machine: string;
  readonly disk: { readonly folder: string; readonly real: boolean; readonly fsyncMs: number };
  /** Whether Postfix's smtp-source and smtp-sink were the client and the sink; else this program was. */
  readonly loadTools: boolean;
  /** The most processors that others kept busy while nothing of ours ran. */
  readonly busyCores: number;
  readonly rounds: number;
  readonly systems: readonly SystemFigures[];
  readonly notMeasured: readonly { readonly name: SystemName; readonly why: string }[];
  readonly queued?: QueuedMemory;
}

export interface Goal {
  /** What is measured, with its unit. */
  readonly name: string;
  readonly bound: 'at least' | 'below';
  readonly target: number;
  /** Undefined where what it takes was not measured. */
  readonly measured: number | undefined;
  readonly reached: boolean | undefined;
}

const OPENDKIM_RATIO_MIN = 2;
const POSTFIX_RATIO_MIN = 0.8;
const ACCEPT_P99_MAX_MS = 50;

export function goalsOf({ systems }: BenchFigures): Goal[] {
  const figuresOf = (name: SystemName): SystemFigures | undefined => systems.find((system) => system.name === name);
  const ours = figuresOf('posthorn');
  const ratioTo = (name: SystemName): number | undefined => {
    const theirs = figuresOf(name);
    return ours && theirs && ours.endToEndPerSecond / theirs.endToEndPerSecond;
  };
  return [
    goal('x Postfix + OpenDKIM', 'at least', OPENDKIM_RATIO_MIN, ratioTo('postfix-opendkim')),
    goal('x bare Postfix', 'at least', POSTFIX_RATIO_MIN, ratioTo('postfix')),
    goal('ms accept p99', 'below', ACCEPT_P99_MAX_MS, ours?.latency.p99Ms),
  ];
}

function goal(name: string, bound: Goal['bound'], target: number, measured: number | undefined): Goal {
  if (measured === undefined) return { name, bound, target, measured, reached: undefined };
  return { name, bound, target, measured, reached: bound === 'below' ? measured < target : measured >= target };
}
