import { describe, expect, it } from '@jest/globals';
import { overdue, SESSION_TIMES, type SessionProgress } from './session-deadlines.js';

const MINUTE_MS = 60_000;
const late = (progress: Partial<SessionProgress>): string | undefined =>
  overdue({ nowMs: 0, dataOctets: 0, messageSinceMs: 0, ...progress }, SESSION_TIMES);

describe('a session', () => {
  it('has the times that RFC 5321 section 4.5.3.2 wants', () => {
    expect(SESSION_TIMES.idleMs).toBeGreaterThanOrEqual(5 * MINUTE_MS);
    expect(late({ nowMs: 9 * MINUTE_MS, strangerSinceMs: 0 })).toBeUndefined();
    expect(late({ nowMs: 29 * MINUTE_MS })).toBeUndefined();
    expect(late({ nowMs: 4 * MINUTE_MS, dataSinceMs: 0 })).toBeUndefined();
  });

  it.each([
    ['a handshake', { nowMs: 31_000, handshakeSinceMs: 0 }],
    ['a command', { nowMs: 3 * MINUTE_MS, lineSinceMs: 0 }],
    ['a login', { nowMs: 11 * MINUTE_MS, strangerSinceMs: 0 }],
    ['a message', { nowMs: 31 * MINUTE_MS }],
    ['the end of a message that trickles', { nowMs: 6 * MINUTE_MS, dataSinceMs: 0, dataOctets: 300 }],
    ['the end of any message', { nowMs: 61 * MINUTE_MS, dataSinceMs: 0, dataOctets: 1e9 }],
  ])('does not wait for %s for ever', (_name, progress) => {
    expect(late(progress)).toMatch(/^[a-zA-Z ]+$/);
  });

  it('waits for a large message as long as it comes', () => {
    const nowMs = 20 * MINUTE_MS;
    expect(late({ nowMs, dataSinceMs: 0, dataOctets: 20 * 60 * 1_024, strangerSinceMs: 0 })).toBeUndefined();
    expect(late({ nowMs, dataSinceMs: 0, dataOctets: 10 * 60 * 1_024 })).toMatch(/slowly/);
  });
});
