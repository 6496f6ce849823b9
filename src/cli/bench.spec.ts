import { expect, it, jest } from '@jest/globals';
import { bench } from './bench.js';

it.each([
  [['--messages', '99'], '--messages is "99", it must be a whole number from 100 to 1000000'],
  [['--rounds', '1.5'], '--rounds is "1.5", it must be a whole number from 1 to 100'],
  [['--systems', 'posthorn,exim'], '--systems has "exim", it may have posthorn, postfix, postfix-opendkim'],
  [['--fast'], "Unknown option '--fast'"],
])('refuses %j with exit code 2 and says what would be right', async (argv, words) => {
  const write = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    expect(await bench(argv)).toBe(2);
    expect(write.mock.calls.join('\n')).toContain(words);
    expect(write.mock.calls.join('\n')).toContain('usage: ./posthorn bench');
  } finally {
    write.mockRestore();
  }
});
