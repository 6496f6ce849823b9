import { describe, expect, it } from '@jest/globals';
import { patternFault, requiredLiterals } from './pattern.js';

describe('a pattern of a rule', () => {
  it.each([
    ['(a+)+b', 'repeats without a bound'],
    ['user.*unknown', 'repeats without a bound'],
    ['user.{0,}unknown', 'repeats without a bound'],
    ['user.{0,5000}unknown', 'repeats more than'],
    ['(user.{0,20}){1,20}unknown', 'repeats a group that repeats'],
    ['((user.{0,9}))?{1,3}', 'is no regular expression'],
    ['a.{0,60}user.{0,60}was.{0,60}unknown', 'can match in more than'],
    ['user (?=unknown)', 'may not look around'],
    ['(user) unknown \\1', 'may not refer back'],
    ['user|unknown', 'has alternatives outside of a group'],
    ['user (unknown', 'is no regular expression'],
    ['a.b', 'must hold 3 characters in a row'],
    ['(user|ab)', 'must hold 3 characters in a row'],
    ['(user unknown)?', 'must hold 3 characters in a row'],
  ])('%s %s', (pattern, fault) => {
    expect(patternFault(pattern)).toContain(fault);
  });

  it.each([
    ['user.{0,40}unknown', ['unknown']],
    ['is (full|over quota)', ['full', 'over quota']],
    ['users? unknown', [' unknown']],
    ['Boîte pleine', ['boite plei']],
    ['用户', ['用户']],
    ['blocked using HOST', ['blocked us']],
  ])('%s is looked for by %j', (pattern, literals) => {
    expect(patternFault(pattern)).toBeUndefined();
    expect(requiredLiterals(pattern)).toEqual(literals);
  });
});
