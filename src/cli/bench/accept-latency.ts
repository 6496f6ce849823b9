/** Measures how long a client waits for its 250 while the system carries half of what it can. */
import { percentile } from './figures.js';
import { SESSIONS } from './load.js';
import { SINK_RECIPIENT, type RunningSystem } from './mail-system.js';
import { poissonArrivals, sendPaced } from './paced-client.js';

export interface AcceptLatency {
  readonly perSecond: number;
  readonly messages: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const LASTS_MS = 10_000;
const WITHIN_MS = 60_000;

/** @param perSecond the mean of the arrivals. Throws where a message is refused. */
export async function measureAcceptLatency(system: RunningSystem, perSecond: number): Promise<AcceptLatency> {
  const messages = Math.max(Math.round((perSecond * LASTS_MS) / 1_000), 1);
  const { latenciesMs, fault } = await sendPaced({
    port: system.port,
    recipient: SINK_RECIPIENT,
    sessions: SESSIONS,
    dueMs: poissonArrivals(messages, perSecond, Math.random),
    withinMs: WITHIN_MS,
  });
  if (fault !== undefined) throw new Error(fault);
  return {
    perSecond,
    messages,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    maxMs: percentile(latenciesMs, 1),
  };
}
