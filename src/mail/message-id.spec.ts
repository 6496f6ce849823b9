import { describe, expect, it } from '@jest/globals';
import { firstIdAt, isMessageId, newMessageId, shardOfMessage, SHARDS_MAX, timeOfMessage } from './message-id.js';

describe('a message id', () => {
  it('says its time and its shard', () => {
    const now = Date.UTC(2026, 10, 21, 6, 30);
    for (const shard of [0, 1, 31, 32, SHARDS_MAX - 1]) {
      const id = newMessageId(now, shard);
      expect(isMessageId(id)).toBe(true);
      expect(timeOfMessage(id)).toBe(now);
      expect(shardOfMessage(id)).toBe(shard);
    }
  });

  it('sorts by time', () => {
    expect(newMessageId(1000, 5) < newMessageId(1001, 0)).toBe(true);
    expect(firstIdAt(1000) <= newMessageId(1000, 0)).toBe(true);
    expect(newMessageId(999, 1023) < firstIdAt(1000)).toBe(true);
  });

  it('does not repeat', () => {
    const ids = new Set(Array.from({ length: 10_000 }, () => newMessageId(1, 0)));
    expect(ids.size).toBe(10_000);
  });

  it.each(['', '01m7yeznf7001yvt7yczk6bge', '01m7yeznf7001yvt7yczk6bgeu', '01M7YEZNF7001YVT7YCZK6BGEF', '../../x'])(
    'is not %j',
    (text) => {
      expect(isMessageId(text)).toBe(false);
    },
  );
});
