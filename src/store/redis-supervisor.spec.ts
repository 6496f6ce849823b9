import { describe, expect, it } from '@jest/globals';
import { restartDelayMs } from './redis-supervisor.js';

describe('restartDelayMs', () => {
  it('is nothing after the first death, then doubles up to five seconds', () => {
    const delays = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1_000].map(restartDelayMs);
    expect(delays).toEqual([0, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
  });
});
