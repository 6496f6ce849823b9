import { describe, expect, it } from '@jest/globals';
import { HeldReplies } from './held-replies.js';

describe('held replies', () => {
  it('are so many and no more', async () => {
    const held = new HeldReplies(2);
    const waiting = [held.hold(60_000), held.hold(60_000)];
    await expect(held.hold(1)).resolves.toBe(false);
    held.close();
    await expect(Promise.all(waiting)).resolves.toEqual([true, true]);
  });

  it('go out after their time, and at once where there is none', async () => {
    const held = new HeldReplies(1);
    await expect(held.hold(0)).resolves.toBe(true);
    await expect(held.hold(5)).resolves.toBe(true);
    await expect(held.hold(5)).resolves.toBe(true);
  });

  it('are none once the process drains', async () => {
    const held = new HeldReplies(1);
    held.close();
    await expect(held.hold(60_000)).resolves.toBe(true);
  });
});
