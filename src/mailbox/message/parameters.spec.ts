import { describe, expect, it } from '@jest/globals';
import { PARAMETERS_MAX, readParameters } from './parameters.js';
import { TokenReader } from './token-reader.js';

function read(text: string): readonly string[] {
  return readParameters(new TokenReader(text)).map(({ name, value }) => `${name}=${value}`);
}

describe('readParameters', () => {
  it.each([
    ['tokens and quoted strings', ';charset=utf-8; name="a \\"b\\" c"', ['charset=utf-8', 'name=a "b" c']],
    ['blanks, folds and comments', '; (c) name (d) =\n "x\n y" (e)', ['name=x y']],
    ['an empty value', '; name=; a=""', ['name=', 'a=']],
    ['an encoded word, which has no place here', '; name==?utf-8?Q?a=20b?=; a=b', ['name==?utf-8?Q?a=20b?=', 'a=b']],
  ])('reads %s', (_, text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it('passes over what is broken to the next semicolon', () => {
    expect(read('; name x; a=b c=d; e="f" g; h=i')).toEqual(['a=b', 'e=f', 'h=i']);
    expect(read('; a=b; c="open')).toEqual(['a=b']);
  });

  // RFC 2231 section 3 and section 4.1, their examples.
  it.each([
    ['joins pieces in any order', '; URL*1="b"; URL*0="ftp://a"', ['URL=ftp://ab']],
    [
      'leaves what is encoded, under a name with a star',
      "; title*=us-ascii'en-us'This%20is",
      ["title*=us-ascii'en-us'This%20is"],
    ],
    [
      'joins pieces of which some are encoded',
      "; title*0*=us-ascii'en'This%20is; title*1*=%20fun; title*2=\"isn't it 100%\"",
      ["title*=us-ascii'en'This%20is%20funisn't it 100%25"],
    ],
    ['gives the joined a place for charset and language', "; t*0=a; t*1*='%20'", ["t*=''a'%20'"]],
    ['shows pieces as they came where one is missing', '; t*0=a; t*2*=b', ['t*0=a', 't*2*=b']],
    ['puts them after the whole ones', '; t*0=a; b=c', ['b=c', 't=a']],
    ['takes names alike in any case', '; T*0=a; t*1=b', ['T=ab']],
    ['takes a name of another form as it is', '; t*x=a; *=b', ['t*x=a', '*=b']],
  ])('%s', (_, text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it('reads no more than PARAMETERS_MAX', () => {
    expect(read('; a=b'.repeat(PARAMETERS_MAX + 1))).toHaveLength(PARAMETERS_MAX);
  });
});
