import { describe, expect, it } from '@jest/globals';
import { parsePathArgument, unsupportedParameter } from './path-argument.js';

describe('parsePathArgument', () => {
  it.each([
    ['FROM:<>', { path: '', parameters: {} }],
    ['from:<a@b.test>', { path: 'a@b.test', parameters: {} }],
    ['FROM:<"a b>c"@b.test>', { path: '"a b>c"@b.test', parameters: {} }],
    [
      'FROM:<a@b.test> size=10 Body=8BITMIME SMTPUTF8',
      { path: 'a@b.test', parameters: { SIZE: '10', BODY: '8BITMIME', SMTPUTF8: '' } },
    ],
    ['FROM:<ü@bücher.test>', { path: 'ü@bücher.test', parameters: {} }],
  ])('reads %s', (text, argument) => {
    expect(parsePathArgument('FROM', text)).toEqual(argument);
  });

  it.each([
    '',
    'a@b.test',
    'FROM: <a@b.test>',
    'FROM:a@b.test',
    'TO:<a@b.test>',
    'FROM:<a@b.test>SIZE=1',
    'FROM:<a b@c.test>',
  ])('refuses %j', (text) => {
    expect(parsePathArgument('FROM', text)).toBeUndefined();
  });
});

describe('unsupportedParameter', () => {
  it('finds the parameter whose extension was not offered', () => {
    const offered = ['PIPELINING', 'SIZE 1000', '8BITMIME'];
    expect(unsupportedParameter({ SIZE: '10', BODY: '8BITMIME' }, offered)).toBeUndefined();
    expect(unsupportedParameter({ SIZE: '10', SMTPUTF8: '' }, offered)).toBe('SMTPUTF8');
    expect(unsupportedParameter({ RET: 'HDRS' }, offered)).toBe('RET');
    expect(unsupportedParameter({ XODD: '' }, offered)).toBe('XODD');
  });
});
