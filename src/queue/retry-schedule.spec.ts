import { describe, expect, it } from '@jest/globals';
import { nextAttemptAt } from './retry-schedule.js';

const minutes = (...values: number[]): number[] => values.map((value) => value * 60_000);
const MIDDLE = 0.5;

describe('the next attempt', () => {
  const schedule = minutes(1, 5, 10);

  it.each([
    [1, 1],
    [2, 5],
    [3, 10],
    [4, 10],
    [400, 10],
  ])('after attempt %i comes %i minutes later', (attempts, delay) => {
    expect(nextAttemptAt(schedule, { attempts, stream: 'default' }, 0, MIDDLE)).toBe(delay * 60_000);
  });

  it('is spread by 15 % in both directions', () => {
    expect(nextAttemptAt(schedule, { attempts: 2, stream: 'default' }, 0, 0)).toBe(255_000);
    expect(nextAttemptAt(schedule, { attempts: 2, stream: 'default' }, 0, 0.999999)).toBe(345_000);
  });

  it('comes after 15 s for critical mail, once', () => {
    expect(nextAttemptAt(schedule, { attempts: 1, stream: 'critical' }, 0, MIDDLE)).toBe(15_000);
    expect(nextAttemptAt(schedule, { attempts: 2, stream: 'critical' }, 0, MIDDLE)).toBe(300_000);
  });

  it('is not later for critical mail than the schedule says', () => {
    expect(nextAttemptAt([1_000], { attempts: 1, stream: 'critical' }, 0, MIDDLE)).toBe(1_000);
  });

  it('believes a wait that the server names, within bounds, and never comes early', () => {
    const asked = (requestedWaitMs: number, random: number): number =>
      nextAttemptAt(schedule, { attempts: 1, stream: 'default', requestedWaitMs }, 0, random);
    expect(asked(300_000, 0)).toBe(300_000);
    expect(asked(300_000, 0.999999)).toBe(345_000);
    expect(asked(1, 0)).toBe(5_000);
    expect(asked(1e12, 0)).toBe(4 * 3_600_000);
  });
});
