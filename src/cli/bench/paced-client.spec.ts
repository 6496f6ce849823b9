import { afterEach, describe, expect, it } from '@jest/globals';
import { startMx, type ScriptedMx } from '../demo/scripted-mx.js';
import type { MxScript } from '../demo/mx-script.js';
import { poissonArrivals, sendPaced, type PacedOptions } from './paced-client.js';
import { testMessageOnTheWire } from './test-message.js';

let mx: ScriptedMx | undefined;

afterEach(async () => {
  await mx?.close();
  mx = undefined;
});

async function paced(script: MxScript, options: Partial<PacedOptions>): Promise<ReturnType<typeof sendPaced>> {
  mx = await startMx({ script });
  const dueMs = new Float64Array(10);
  return sendPaced({ port: mx.port, recipient: 't@sink.example', sessions: 2, dueMs, withinMs: 5_000, ...options });
}

describe('the paced client', () => {
  it('sends every message whole, over the sessions it keeps', async () => {
    const { latenciesMs, fault } = await paced({}, {});
    expect(fault).toBeUndefined();
    expect(latenciesMs).toHaveLength(10);
    expect(mx?.connections).toBe(2);
    expect(mx?.received.map(({ data }) => data.equals(testMessageOnTheWire()))).toEqual(Array<boolean>(10).fill(true));
  });

  it('sends one command at a time where PIPELINING is not offered', async () => {
    const { fault } = await paced({ without: ['PIPELINING'] }, {});
    expect(fault).toBeUndefined();
    expect(mx?.received.filter(({ audit }) => audit.pipelined)).toEqual([]);
  });

  it('does not send a message before it is due', async () => {
    const startedAt = Date.now();
    await paced({}, { dueMs: Float64Array.of(0, 200) });
    expect((mx?.received[1]?.at ?? 0) - startedAt).toBeGreaterThanOrEqual(195);
  });

  it('counts the time that a message waits for a session that waits for an answer', async () => {
    const { latenciesMs } = await paced({ delaysMs: { dot: 100 } }, { sessions: 1, dueMs: new Float64Array(3) });
    expect(latenciesMs[0]).toBeGreaterThanOrEqual(99);
    expect(latenciesMs[2]).toBeGreaterThanOrEqual(299);
  });

  it('says what the first refusal was', async () => {
    const { fault } = await paced({ rcpt: '550 5.1.1 no such user' }, {});
    expect(fault).toBe('refused: 550 5.1.1 no such user');
  });

  it('gives up what is not answered in time', async () => {
    const { fault } = await paced({ dot: 'stall' }, { withinMs: 100 });
    expect(fault).toBe('only 0 of 10 messages were accepted in 0.1 s');
  });

  it('says that nobody listens', async () => {
    const { fault } = await sendPaced({
      port: 1,
      recipient: 't@sink.example',
      sessions: 1,
      dueMs: new Float64Array(1),
      withinMs: 1_000,
    });
    expect(fault).toMatch(/ECONNREFUSED/);
  });
});

describe('the arrivals', () => {
  it('come at the rate that was asked for, in order', () => {
    let seed = 1;
    const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
    const arrivals = poissonArrivals(10_000, 500, random);
    expect(arrivals.at(-1)).toBeGreaterThan(19_000);
    expect(arrivals.at(-1)).toBeLessThan(21_000);
    expect(arrivals).toEqual(arrivals.toSorted());
  });
});
