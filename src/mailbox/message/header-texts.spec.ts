import { describe, expect, it } from '@jest/globals';
import { HeaderLimit } from './header-limit.js';
import { headerTexts } from './header-texts.js';

function textsOf(header: string): readonly string[] {
  const raw = Buffer.from(header.replaceAll('\n', '\r\n'), 'latin1');
  return headerTexts(raw, { start: 0, bodyStart: raw.length }, (name) => name !== '').map(
    ({ name, text }) => `${name}=${text}`,
  );
}

describe('headerTexts', () => {
  it('gives names in lower case and values with their folds', () => {
    expect(textsOf('Subject : a\n b\n\tc\nX:y\n\n')).toEqual(['subject=a\n b\n\tc', 'x=y']);
  });

  it('leaves blanks out after the colon, but of nothing else only one', () => {
    expect(textsOf('A: \t x \nB:   \nC:  \n x\n')).toEqual(['a=x ', 'b=  ', 'c= \n x']);
  });

  it('takes a line without a colon for no field, with those that go on with it', () => {
    expect(textsOf('nothing\n x: y\nA: b\n')).toEqual(['a=b']);
    expect(textsOf('Subject\n : y\nA: b\n')).toEqual(['a=b']);
  });

  it('reads on only as far as the limit goes, whatever it was spent on', () => {
    const raw = Buffer.from('A: 1234567890\r\nB: 1234567890\r\nC: 1234567890\r\n');
    const limit = new HeaderLimit();
    limit.octetsLeft = 35;
    const read = () => headerTexts(raw, { start: 0, bodyStart: raw.length }, (name) => name !== 'a', limit);
    expect(read()).toEqual([
      { name: 'b', text: '1234567890' },
      { name: 'c', text: '1234567890' },
    ]);
    expect([read(), read()]).toEqual([[{ name: 'b', text: '12' }], []]);
  });

  it('gives what a header holds that breaks off', () => {
    expect(textsOf('A: b')).toEqual(['a=b']);
    expect(textsOf('')).toEqual([]);
  });
});
