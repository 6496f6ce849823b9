import { describe, expect, it } from '@jest/globals';
import { suppressedAddress } from './suppressed-address.js';

describe('the spelling under which a suppression is kept', () => {
  it.each([
    ['Ann@BÜCHER.example', 'ann@xn--bcher-kva.example'],
    ['"ann"@a.example', 'ann@a.example'],
    ['"an\\n.b"@a.example', 'ann.b@a.example'],
    // Quotes that are called for stay, and backslashes inside only where they are.
    ['"ann lee"@a.example', '"ann lee"@a.example'],
    ['"ann\\ lee"@a.example', '"ann lee"@a.example'],
    ['"a\\@b"@a.example', '"a@b"@a.example'],
    ['"ann."@a.example', '"ann."@a.example'],
    ['""@a.example', '""@a.example'],
    ['"\\"ann\\""@a.example', '"\\"ann\\""@a.example'],
    ['"a\\\\b"@a.example', '"a\\\\b"@a.example'],
    ['no address', 'no address'],
  ])('of %s is %s, and its own spelling', (text, spelt) => {
    expect(suppressedAddress(text)).toBe(spelt);
    expect(suppressedAddress(spelt)).toBe(spelt);
  });
});
