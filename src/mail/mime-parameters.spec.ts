import { describe, expect, it } from '@jest/globals';
import { parseParameters } from './mime-parameters.js';

describe('parseParameters', () => {
  it.each([
    ['Text/Plain; charset=utf-8', 'text/plain', { charset: 'utf-8' }],
    ['multipart/mixed; BOUNDARY="a;\\"b\\" =_c"', 'multipart/mixed', { boundary: 'a;"b" =_c' }],
    ['multipart/mixed;boundary=a_b ; x = y', 'multipart/mixed', { boundary: 'a_b', x: 'y' }],
    ['text/plain (a comment); charset=x', 'text/plain', { charset: 'x' }],
    ["a/b; name*=utf-8'de'Gr%C3%BC%C3%9Fe.txt", 'a/b', { name: 'Grüße.txt' }],
    ['a/b; name*1*=%9Fe; name*0*=UTF-8\'\'Gr%C3%BC%C3; name*2=".txt"', 'a/b', { name: 'Grüße.txt' }],
    ['a/b; name*0=one; name*1=two', 'a/b', { name: 'onetwo' }],
    ['a/b; x=1; x=2', 'a/b', { x: '1' }],
    ['', '', {}],
    ['a/b; =; ;; x', 'a/b', {}],
  ])('reads %j', (field, value, parameters) => {
    const read = parseParameters(field);
    expect({ value: read.value, parameters: Object.fromEntries(read.parameters) }).toEqual({ value, parameters });
  });
});
