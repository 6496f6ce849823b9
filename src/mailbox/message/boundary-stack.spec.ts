import { describe, expect, it } from '@jest/globals';
import { BOUNDARY_OCTETS_MAX, BoundaryStack } from './boundary-stack.js';

function stackOf(...texts: string[]): BoundaryStack<number> {
  const stack = new BoundaryStack<number>();
  for (const [owner, text] of texts.entries()) stack.push(text, owner);
  return stack;
}

function ownerOf(stack: BoundaryStack<number>, line: string): number | undefined {
  return stack.find(Buffer.from(line), 0)?.owner;
}

describe('BoundaryStack', () => {
  it('finds a boundary that a line begins with, and whether it is the last', () => {
    const stack = stackOf('b');
    expect(stack.find(Buffer.from('--b \r\n'), 0)).toEqual({ text: 'b', owner: 0, closes: false });
    expect(stack.find(Buffer.from('--b--\r\n'), 0)).toEqual({ text: 'b', owner: 0, closes: true });
    expect(ownerOf(stack, '--c\r\n')).toBeUndefined();
    expect(ownerOf(stack, '-b\r\n')).toBeUndefined();
  });

  it('prefers the longest, the innermost of the same, and before all the whole line', () => {
    expect(ownerOf(stackOf('b', 'bb'), '--bbx\r\n')).toBe(1);
    expect(ownerOf(stackOf('bb', 'b'), '--bbx\r\n')).toBe(0);
    expect(ownerOf(stackOf('b', 'b'), '--b\r\n')).toBe(1);
    expect(ownerOf(stackOf('b--', 'b'), '--b--\r\n')).toBe(1);
    expect(ownerOf(stackOf('b', 'b--'), '--b--\r\n')).toBe(1);
  });

  it('forgets what a line closes', () => {
    const stack = stackOf('a', 'b', 'c');
    stack.closeDownTo({ text: 'b', owner: 1, closes: false });
    expect([ownerOf(stack, '--b\n'), ownerOf(stack, '--c\n')]).toEqual([1, undefined]);
    stack.closeDownTo({ text: 'b', owner: 1, closes: true });
    expect([ownerOf(stack, '--b\n'), stack.top?.owner]).toEqual([undefined, 0]);
  });

  it('compares so much of a boundary and no more', () => {
    const stack = stackOf('l'.repeat(BOUNDARY_OCTETS_MAX + 10));
    expect(ownerOf(stack, `--${'l'.repeat(BOUNDARY_OCTETS_MAX)}\r\n`)).toBe(0);
    expect(ownerOf(stack, `--${'l'.repeat(BOUNDARY_OCTETS_MAX - 1)}\r\n`)).toBeUndefined();
  });
});
