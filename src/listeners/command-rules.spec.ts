import { describe, expect, it } from '@jest/globals';
import { isBadBase64, isPadding, unknownParameter } from './command-rules.js';

describe('the parameters of a command', () => {
  it.each([
    ['MAIL', 'MAIL FROM:<a@b.example> SIZE=1 body=8BITMIME SMTPUTF8 AUTH=<>', undefined],
    ['MAIL', 'MAIL FROM:<>', undefined],
    ['MAIL', 'MAIL FROM:nobody X=1', undefined],
    ['MAIL', 'MAIL FROM:<a@b.example> RET=FULL SIZE=1', 'RET'],
    ['MAIL', 'MAIL FROM:<a@b.example>X', 'X'],
    ['MAIL', `MAIL FROM:<a@b.example> ${'x'.repeat(100)}`, 'X'.repeat(40)],
    ['RCPT', 'RCPT TO:<a@b.example> SIZE=1', 'SIZE'],
    ['RCPT', 'RCPT TO:<a@b.example> ü=1', '?'],
  ] as const)('of %s, in %j: %j is not known', (verb, command, unknown) => {
    expect(unknownParameter(verb, command)).toBe(unknown);
  });
});

describe('base64', () => {
  it.each(['', 'YQ==', 'YWI=', 'YWJj', '*', ' YWJj '])('is %j', (text) => expect(isBadBase64(text)).toBe(false));
  it.each(['YQ', 'YQ=', 'Y!==', '**', 'YWJj=', 'YQ==YQ==', 'ü'])('is not %j', (text) =>
    expect(isBadBase64(text)).toBe(true),
  );
});

describe('padding', () => {
  it('is what brings no session forward', () => {
    const commands = [
      'NOOP',
      'noop x',
      'RSET',
      'HELP',
      'VRFY a',
      'EXPN',
      'EHLO x',
      'NOOPS',
      'MAIL FROM:<>',
      'QUIT',
      '',
    ];
    expect(commands.filter((command) => isPadding(Buffer.from(command)))).toEqual(commands.slice(0, 7));
  });
});
