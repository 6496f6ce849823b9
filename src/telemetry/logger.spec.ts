import { describe, expect, it } from '@jest/globals';
import { Log } from './logger.js';

describe('an address in the log', () => {
  it.each([
    ['full', 'Some.One@example.org'],
    ['domain', 'example.org'],
    ['hash', ''],
  ] as const)('%s', (addresses, shown) => {
    const log = Log.open({ level: 'error', addresses, process: 'test' });
    const written = log.address('Some.One@example.org');
    if (addresses === 'hash') {
      expect(written).toMatch(/^[0-9a-f]{16}$/);
      expect(log.address('some.one@EXAMPLE.org')).toBe(written);
    } else expect(written).toBe(shown);
  });
});
