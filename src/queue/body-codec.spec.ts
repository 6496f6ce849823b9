import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { decodeBody, decodeStart, encodeBody, START_STORED_BYTES } from './body-codec.js';

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

describe('the start of a stored body', () => {
  const header = `Subject: hello\r\n${'X-Filler: some words\r\n'.repeat(2_000)}\r\n`;

  it.each([
    ['small and stored as it is', Buffer.from('Subject: a\r\n\r\nb')],
    ['compressed whole', Buffer.from(`${header}${'the same words\r\n'.repeat(1_000)}`)],
    [
      'compressed to more than is read',
      Buffer.concat([Buffer.from(header), Buffer.from(randomBytes(900_000).toString('base64'))]),
    ],
    ['stored as it is, to more than is read', Buffer.concat([Buffer.from(header), randomBytes(900_000)])],
  ])('holds the header: %s', async (_which, body) => {
    const stored = await encodeBody(body);
    const start = await decodeStart(stored.subarray(0, START_STORED_BYTES));
    expect(start.length).toBeGreaterThanOrEqual(Math.min(body.length, 128 * 1024));
    expect(start.equals(body.subarray(0, start.length))).toBe(true);
  });

  it('is not more than a start, however well the body compresses', async () => {
    const stored = await encodeBody(Buffer.alloc(50_000_000, 'a'));
    expect((await decodeStart(stored)).length).toBeLessThan(500_000);
  });

  it('is an error where it is damaged', async () => {
    const stored = await encodeBody(Buffer.alloc(50_000, 'a'));
    stored.fill(255, 4);
    await expect(decodeStart(stored)).rejects.toThrow();
  });
});
