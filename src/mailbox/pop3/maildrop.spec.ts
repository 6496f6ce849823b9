import { beforeEach, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { StoredReport } from '../../bounces/reports/report-mailbox.js';
import { Maildrop } from './maildrop.js';

const report = (uid: number, octets: number): StoredReport => {
  return { uid, octets, kind: 'hard', archived: false, category: undefined, messageId: undefined, at: 0, flags: [] };
};

let maildrop: Maildrop;

beforeEach(() => {
  maildrop = new Maildrop([report(3, 100), report(7, 20), report(8, 3)]);
});

const numbers = (): number[] => [...maildrop.messages()].map(({ number }) => number);

function remove(text: string): void {
  const named = maildrop.named(text);
  if (named.kind === 'message') maildrop.delete(named.message);
}

it('numbers what there is from 1', () => {
  expect(numbers()).toEqual([1, 2, 3]);
  expect(maildrop.size()).toEqual({ count: 3, octets: 123 });
  expect(maildrop.named('2')).toMatchObject({ kind: 'message', message: { number: 2, report: { uid: 7 } } });
});

it('keeps the numbers of the others when one is deleted', () => {
  remove('2');
  expect(numbers()).toEqual([1, 3]);
  expect(maildrop.size()).toEqual({ count: 2, octets: 103 });
  expect(maildrop.named('2')).toMatchObject({ kind: 'refused' });
  expect(maildrop.named('3')).toMatchObject({ message: { report: { uid: 8 } } });
  expect(maildrop.deletedUids()).toEqual([7]);
});

it('forgets what was deleted', () => {
  remove('1');
  maildrop.reset();
  expect(numbers()).toEqual([1, 2, 3]);
  expect(maildrop.deletedUids()).toEqual([]);
});

it.each(['0', '4', '9999999999', '00000'])('has no message %s', (text) => {
  expect(maildrop.named(text)).toMatchObject({ kind: 'refused', reply: { status: '-ERR' } });
});

it.each(['-1', '+1', '1.0', '1e0', '0x1', '1 2', '٣', '99999999999'])('is given no number: %s', (text) => {
  expect(maildrop.named(text)).toMatchObject({ kind: 'refused', reply: { isFault: true } });
});

it('names only what is there, whatever it is asked for', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.integer().map(String)), (text) => {
      const named = maildrop.named(text);
      expect(named.kind === 'message').toBe(['1', '2', '3'].includes(text.trim().replace(/^0{0,9}(?=[1-9]$)/, '')));
    }),
  );
});
