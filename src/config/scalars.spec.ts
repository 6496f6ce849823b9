import { describe, expect, it } from '@jest/globals';
import type { z } from 'zod';
import {
  accountName,
  choice,
  choices,
  flag,
  key,
  listenerPort,
  path,
  remotePort,
  wholeNumber,
  threeNumbers,
} from './scalars.js';

function messageOf(schema: z.ZodType, text: string): string | undefined {
  return schema.safeParse(text).error?.issues[0]?.message;
}

describe('a number', () => {
  it('is whole and within its bounds, both included', () => {
    expect([wholeNumber(1, 256).parse('1'), wholeNumber(1, 256).parse('256')]).toEqual([1, 256]);
  });

  it.each(['0', '257', '-1', '1.5', '1e2', '0x10', 'x', '99999999999999999999'])(
    'is not %s, and the bounds are said',
    (text) => {
      expect(messageOf(wholeNumber(1, 256), text)).toBe('must be a whole number from 1 to 256');
    },
  );
});

describe('a port', () => {
  it('of a listener may be 0, which turns it off', () => {
    expect(listenerPort().parse('0')).toBe(0);
    expect(messageOf(listenerPort(), '70000')).toBe('must be a port number from 0 to 65535 (0 turns the listener off)');
  });

  it('of others may not', () => {
    expect(messageOf(remotePort(), '0')).toBe('must be a port number from 1 to 65535');
  });
});

describe('a flag', () => {
  it.each(['true', 'TRUE', 'yes', 'on', '1'])('is true by %s', (text) => expect(flag().parse(text)).toBe(true));
  it.each(['false', 'no', 'off', '0'])('is false by %s', (text) => expect(flag().parse(text)).toBe(false));
  it('is nothing else', () => expect(messageOf(flag(), 'maybe')).toBe('must be true or false'));
});

describe('a choice', () => {
  const durability = choice(['memory', 'fsync'], (text) => (text === 'later' ? ' (later comes later)' : ''));

  it('is one of its words', () => expect(durability.parse('FSYNC')).toBe('fsync'));
  it('lists them else', () => expect(messageOf(durability, 'disk')).toBe('must be memory or fsync'));
  it('says of a word why it is not among them', () => {
    expect(messageOf(durability, 'later')).toBe('must be memory or fsync (later comes later)');
  });
});

describe('choices', () => {
  const roles = choices(['submission', 'api', 'worker'], 'role');

  it('are all of them by "all"', () => expect(roles.parse('all')).toEqual(['submission', 'api', 'worker']));
  it('come in one order, each once', () => expect(roles.parse('Worker,api,worker')).toEqual(['api', 'worker']));
  it('say which one is unknown', () => {
    expect(messageOf(roles, 'api,mailbox')).toBe('role 2 must be all, or some of submission, api, worker');
  });
  it('are not none', () => expect(messageOf(roles, ',')).toMatch(/^must be all/));
  it('are written as they would be read', () => {
    expect([roles.encode(['api', 'worker']), roles.encode(['submission', 'api', 'worker'])]).toEqual([
      'api,worker',
      'all',
    ]);
  });
});

it('refuses a list where one value is wanted', () => {
  expect(flag().safeParse(['true']).error?.issues[0]?.message).toBe('must be a single value, not a list');
});

it.each([
  ['a path', path(), '/etc/posthorn/key.pem', '/etc/a\0b'],
  ['an account', accountName(), 'team-a.1', 'team a'],
  ['a key', key(), 'ph_abc+/=', 'two words'],
])('reads %s and refuses what is none', (_name, schema, good, bad) => {
  expect(schema.parse(good)).toBe(good);
  expect(messageOf(schema, bad)).toMatch(/^must be an? /);
});

describe('three numbers', () => {
  it('are read with or without spaces, and written back', () => {
    const setting = threeNumbers(1, 100);
    expect(setting.parse('5, 10,10')).toEqual([5, 10, 10]);
    expect(setting.encode([5, 10, 10])).toBe('5,10,10');
  });

  it.each(['', '5', '5,10', '5,10,20,30', '0,1,2', '10,5,20', '1,2,101', '1,2,x', '-1,2,3', '1.5,2,3'])(
    'are not %j',
    (text) => {
      const issues = threeNumbers(1, 100).safeParse(text).error?.issues ?? [];
      expect(issues.map(({ message }) => message)).toEqual([expect.stringMatching(/^must be three whole numbers/)]);
    },
  );
});
