/** Durations: a whole number with a unit, `30s`, `48h`; milliseconds in the settings. */
import { fault, listOfText, ok, oneOfText, readEach } from './setting.js';
import type { Read } from './setting.js';

const SECOND = 1000;
const UNITS_MS = { ms: 1, s: SECOND, m: 60 * SECOND, h: 3600 * SECOND, d: 86_400 * SECOND } as const;
const EXAMPLES = 'a duration such as 30s, 10m, 48h or 7d';

export interface DurationLimits {
  readonly minMs: number;
  readonly maxMs: number;
}

/** Reads `10m`; a bare `0` needs no unit. */
export function readDuration(text: string, limits: DurationLimits): Read<number> {
  const match = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text);
  if (match === null && text !== '0') return fault(`must be ${EXAMPLES}`);
  const valueMs = Number(match?.[1] ?? 0) * UNITS_MS[(match?.[2] ?? 'ms') as keyof typeof UNITS_MS];
  if (valueMs < limits.minMs || valueMs > limits.maxMs) {
    return fault(`must be a duration from ${formatDuration(limits.minMs)} to ${formatDuration(limits.maxMs)}`);
  }
  return ok(valueMs);
}

/** The shortest text that `readDuration` reads as `valueMs`, a whole number of milliseconds. */
export function formatDuration(valueMs: number): string {
  if (valueMs === 0) return '0';
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (valueMs % UNITS_MS[unit] === 0) return `${valueMs / UNITS_MS[unit]}${unit}`;
  }
  return `${valueMs}ms`;
}

export function duration(min: string, max: string) {
  const limits = limitsOf(min, max);
  return oneOfText((text) => readDuration(text, limits), formatDuration);
}

export function durations(noun: string, itemsMax: number, min: string, max: string) {
  const limits = limitsOf(min, max);
  return listOfText<number>(
    (items) => {
      if (items.length === 0) return fault(`must have at least one ${noun}, ${EXAMPLES}`);
      return readEach(items, noun, itemsMax, (item) => readDuration(item, limits));
    },
    (values) => values.map(formatDuration).join(','),
  );
}

function limitsOf(min: string, max: string): DurationLimits {
  const anyMs = { minMs: 0, maxMs: Infinity };
  const [low, high] = [readDuration(min, anyMs), readDuration(max, anyMs)];
  if (low.kind === 'fault' || high.kind === 'fault') throw new Error(`${min} to ${max} are no durations`);
  return { minMs: low.value, maxMs: high.value };
}
