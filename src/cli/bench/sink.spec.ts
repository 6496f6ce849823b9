import { expect, it } from '@jest/globals';
import { lastCount } from './sink.js';

it('reads the last whole counter that smtp-sink printed', () => {
  // The last line is still being written.
  expect(lastCount('ess=20 quit=0 mesg=98\rsess=20 quit=0 mesg=99  \rsess=20 quit=0 mesg=1')).toBe(99);
});

it('has counted nothing before the first', () => expect(lastCount('')).toBe(0));
