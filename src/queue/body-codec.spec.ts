import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { decodeBody, encodeBody } from './body-codec.js';

const BYTES_MAX = 1_000_000;

describe('a stored body', () => {
  it.each([
    ['a small one', Buffer.from('Received: x\r\n\r\nsmall\r\n'), false],
    ['a large one that shrinks', Buffer.from(`Received: x\r\n\r\n${'text '.repeat(20_000)}`), true],
    ['a large one that does not', Buffer.concat([Buffer.from('Received: x\r\n\r\n'), randomBytes(50_000)]), false],
  ])('%s comes back as it was', async (_what, body, smaller) => {
    const stored = await encodeBody(body);
    expect(stored.length < body.length).toBe(smaller);
    expect((await decodeBody(stored, BYTES_MAX)).equals(body)).toBe(true);
  });

  it('that unpacks to more than a message can be is refused', async () => {
    const stored = await encodeBody(Buffer.alloc(100_000, 'a'));
    await expect(decodeBody(stored, 1_000)).rejects.toThrow();
  });
});
