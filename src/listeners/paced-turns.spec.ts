import { describe, expect, it } from '@jest/globals';
import { PacedTurns } from './paced-turns.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('paced turns', () => {
  it('let so many begin in a turn, in their order, the first ones first', async () => {
    const paced = new PacedTurns(2);
    const begun: string[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e']) void paced.take().then(() => begun.push(name));
    void paced.take(true).then(() => begun.push('first'));
    const seen: string[] = [];
    for (let count = 0; count < 4; count++) {
      seen.push(begun.join());
      await turn();
    }
    expect(seen).toEqual(['', 'a,b,first,c', 'a,b,first,c,d,e', 'a,b,first,c,d,e']);
  });

  it('hold up nobody who comes alone', async () => {
    const paced = new PacedTurns(1);
    for (let count = 0; count < 3; count++) {
      let hasBegun = false;
      void paced.take().then(() => (hasBegun = true));
      await Promise.resolve();
      await Promise.resolve();
      expect(hasBegun).toBe(true);
      await turn();
    }
  });
});
