import { expect, it } from '@jest/globals';
import { BODY_BYTES, testMessageOnTheWire } from './test-message.js';

const message = testMessageOnTheWire().toString('latin1');
const body = message.slice(message.indexOf('\r\n\r\n') + 4);

it('has a body of exactly 4 KiB', () => expect(body).toHaveLength(BODY_BYTES));

it('needs no dot-stuffing and has no line over the limit', () => {
  const lines = message.split('\r\n');
  expect(lines.filter((line) => line.startsWith('.'))).toEqual([]);
  // RFC 5322 section 2.1.1.
  expect(lines.filter((line) => line.length > 78)).toEqual([]);
  expect(message.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
});

it('has what a relay would otherwise add', () => {
  for (const field of ['From', 'Date', 'Message-ID']) expect(message).toMatch(new RegExp(`^${field}: `, 'm'));
});
