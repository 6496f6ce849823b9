/** The report of the bench, for people. */
import { goalsOf, type BenchFigures, type Goal, type SystemFigures } from './bench-figures.js';
import { SESSIONS } from './load.js';
import { SYSTEM_TITLES } from './mail-system.js';

const BAR_CHARACTERS = 24;
/** Above it the figures are not those of the machine. */
const BUSY_CORES_MAX = 0.2;
const MEBIBYTE = 1024 ** 2;

export function formatReport(figures: BenchFigures): string {
  const { disk, loadTools, busyCores, rounds, systems, notMeasured, queued } = figures;
  const ours = systems.find(({ name }) => name === 'posthorn');
  const tools = loadTools ? 'smtp-source to smtp-sink' : "by this program's own client and sink";
  return [
    '',
    `Posthorn bench: 4 KiB messages over ${SESSIONS} kept sessions, ${tools}${rounds > 1 ? `, median of ${rounds} rounds` : ''}`,
    figures.machine,
    disk.real
      ? `every 250 after an fsync, which takes ${disk.fsyncMs.toFixed(2)} ms on this disk`
      : 'not on a real disk: fsync costs nothing here',
    ...(busyCores > BUSY_CORES_MAX
      ? [`up to ${busyCores.toFixed(1)} processors were busy with something else: measure again on a quiet machine`]
      : []),
    '',
    ...table(systems),
    ...notMeasured.map(({ name, why }) => `  ${SYSTEM_TITLES[name]}: not measured, ${why}`),
    '',
    ...goalsOf(figures).map(verdict),
    '',
    ...(ours && ours.memory.length > 0 ? [`  memory under load     ${memoryLine(ours)}`] : []),
    ...(queued
      ? [
          `  memory of the queue   ${whole(queued.bytesPerMessage)} bytes of Redis a waiting message, ` +
            `beside its body of ${whole(queued.bodyBytesPerMessage)} (${whole(queued.messages)} messages)`,
        ]
      : []),
    '',
  ].join('\n');
}

interface Column {
  readonly head: string;
  readonly align: 'left' | 'right';
  readonly cell: (system: SystemFigures) => string;
}

function table(systems: readonly SystemFigures[]): string[] {
  if (systems.length === 0) return [];
  const lines = columnsFor(systems).map(({ head, align, cell }) => {
    const cells = [head, ...systems.map(cell)];
    const width = Math.max(...cells.map((text) => text.length));
    return cells.map((text) => (align === 'left' ? text.padEnd(width) : text.padStart(width)));
  });
  return ['', ...systems].map((_, row) => `  ${lines.map((column) => column[row]).join('  ')}`.trimEnd());
}

function columnsFor(systems: readonly SystemFigures[]): Column[] {
  const fastest = Math.max(...systems.map(({ endToEndPerSecond }) => endToEndPerSecond));
  const bar = (perSecond: number): string =>
    '█'.repeat(Math.max(Math.round((perSecond / fastest) * BAR_CHARACTERS), 1));
  const range = (rounds: readonly number[]): string => `${whole(Math.min(...rounds))} to ${whole(Math.max(...rounds))}`;
  const ranges: Column = { head: 'rounds', align: 'left', cell: ({ rounds }) => range(rounds) };
  return [
    { head: '', align: 'left', cell: ({ name }) => SYSTEM_TITLES[name] },
    { head: 'sent/s', align: 'right', cell: ({ endToEndPerSecond }) => whole(endToEndPerSecond) },
    { head: '', align: 'left', cell: ({ endToEndPerSecond }) => bar(endToEndPerSecond) },
    ...(systems.some(({ rounds }) => rounds.length > 1) ? [ranges] : []),
    { head: 'accepted/s', align: 'right', cell: ({ acceptedPerSecond }) => whole(acceptedPerSecond) },
    { head: 'CPU ms', align: 'right', cell: ({ processorMsPerMessage }) => processorMsPerMessage.toFixed(2) },
    {
      head: 'accept p50 / p99 ms',
      align: 'right',
      cell: ({ latency }) => `${milliseconds(latency.p50Ms)} / ${milliseconds(latency.p99Ms)}`,
    },
    { head: 'at /s', align: 'right', cell: ({ latency }) => whole(latency.perSecond) },
    { head: 'messages', align: 'right', cell: ({ messages }) => whole(messages) },
    {
      head: 'arrived',
      align: 'left',
      cell: ({ duplicates }) => (duplicates === 0 ? 'all, once' : `all, ${whole(duplicates)} twice`),
    },
    { head: 'signed', align: 'left', cell: ({ signedBits }) => (signedBits === 0 ? 'no' : `RSA-${signedBits}`) },
  ];
}

function verdict({ name, bound, target, measured, reached }: Goal): string {
  const goal = `the goal is ${bound} ${target}`;
  if (measured === undefined) return `  -     n/a ${name}: not available in this run (${goal})`;
  const digits = measured < 10 ? 2 : 1;
  return `  ${reached ? '✔' : '✘'} ${measured.toFixed(digits).padStart(7)} ${name.padEnd(22)} ${goal}`;
}

function memoryLine({ memory }: SystemFigures): string {
  return memory.map(({ name, rssBytes }) => `${name} ${whole(rssBytes / MEBIBYTE)} MiB`).join(', ');
}

function milliseconds(value: number): string {
  return value < 10 ? value.toFixed(1) : whole(value);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
