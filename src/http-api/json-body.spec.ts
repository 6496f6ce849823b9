import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Readable } from 'node:stream';
import { ByteBudget } from '../mail/byte-budget.js';
import { parseJson, readJsonBody } from './json-body.js';

const limits = { bodyBytesMax: 100, messageBytesMax: 70 };

describe('readJsonBody', () => {
  it('holds its bytes of the budget until they are released', async () => {
    const budget = new ByteBudget(20);
    const body = await readJsonBody(Readable.from([Buffer.from('{"a":'), Buffer.from('[1]}')]), limits, budget);
    if (body.kind !== 'read') throw new Error(body.problem.detail);
    expect(body.value).toEqual({ a: [1] });
    expect(budget.take(12)).toBe(false);
    body.release();
    expect(budget.take(20)).toBe(true);
  });

  it.each([
    ['over the budget', 'x'.repeat(30), 20, 503, 'receiving_too_much'],
    ['over the limit', 'x'.repeat(101), 1_000, 413, 'message_too_large'],
    ['over the limit many times', 'x'.repeat(1_001), 1_000, 413, 'message_too_large'],
    ['malformed', '{', 1_000, 400, 'malformed_json'],
  ])('refuses a body that is %s, and holds nothing of it', async (_, text, budgetBytes, status, code) => {
    const budget = new ByteBudget(budgetBytes);
    const chunks = text.match(/.{1,10}/g)?.map((part) => Buffer.from(part)) ?? [];
    const body = await readJsonBody(Readable.from(chunks), limits, budget);
    expect(body).toMatchObject({ kind: 'refused', problem: { status, code } });
    expect(budget.take(budgetBytes)).toBe(true);
  });

  it('gives back what it held when the connection is lost', async () => {
    const budget = new ByteBudget(10);
    async function* halfABody(): AsyncGenerator<Buffer> {
      yield Buffer.from('{"a"');
      throw new Error('aborted');
    }
    const body = await readJsonBody(Readable.from(halfABody()), limits, budget);
    expect(body).toMatchObject({ kind: 'refused', problem: { code: 'malformed_request' } });
    expect(budget.take(10)).toBe(true);
  });
});

describe('parseJson', () => {
  it('reads whatever JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        expect(parseJson(Buffer.from(text))).toEqual({ kind: 'parsed', value: JSON.parse(text) as unknown });
      }),
    );
  });

  it('counts values, not what strings hold', () => {
    const text = JSON.stringify({ html: '[{,"\\'.repeat(200_000) });
    expect(parseJson(Buffer.from(text)).kind).toBe('parsed');
    expect(parseJson(Buffer.from(`[${'1,'.repeat(99_998)}1]`)).kind).toBe('parsed');
    expect(parseJson(Buffer.from(`[${'1,'.repeat(99_999)}1]`)).kind).toBe('malformed');
    expect(parseJson(Buffer.from('['.repeat(1_000_000)))).toEqual({
      kind: 'malformed',
      why: 'it holds more than 100000 values',
    });
  });
});
