import { describe, expect, it } from '@jest/globals';
import { planTransactions } from './plan-transactions.js';

describe('the transactions of a message', () => {
  it('are one for each domain, in the order of their first recipient', () => {
    expect(planTransactions(['a@one.example', 'b@two.example', 'c@one.example'])).toEqual([
      { domain: 'one.example', recipients: [0, 2] },
      { domain: 'two.example', recipients: [1] },
    ]);
  });

  it('hold at most 100 recipients', () => {
    const plan = planTransactions(Array.from({ length: 250 }, (_, i) => `u${String(i)}@one.example`));
    expect(plan.map(({ recipients }) => recipients.length)).toEqual([100, 100, 50]);
    expect(plan.flatMap(({ recipients }) => recipients)).toEqual(Array.from({ length: 250 }, (_, i) => i));
  });
});
