import { describe, expect, it } from '@jest/globals';
import { isBadBase64, isPadding, readAddressCommand, unknownParameter } from './command-rules.js';

describe('the parameters of a command', () => {
  it.each([
    ['MAIL', 'MAIL FROM:<a@b.example> SIZE=1 body=8BITMIME SMTPUTF8 AUTH=<>', undefined],
    ['MAIL', 'MAIL FROM:<>', undefined],
    ['MAIL', 'MAIL FROM:<"a> X=1"@b.example> SIZE=1', undefined],
    ['MAIL', 'MAIL FROM:<a@b.example> RET=FULL SIZE=1', 'RET'],
    ['MAIL', `MAIL FROM:<a@b.example> ${'x'.repeat(100)}`, 'X'.repeat(40)],
    ['RCPT', 'RCPT TO:<a@b.example> SIZE=1', 'SIZE'],
    ['RCPT', 'RCPT TO:<a@b.example> ü=1', '?'],
  ] as const)('of %s, in %j: %j is not known', (verb, command, unknown) => {
    const parsed = readAddressCommand(verb, command);
    expect(parsed && unknownParameter(verb, parsed)).toBe(unknown);
    expect(parsed).toBeDefined();
  });

  it('are read by name, and decoded', () => {
    expect(
      readAddressCommand('MAIL', 'mail from: <a@b.example>\tSIZE=1  body=8BITMIME SMTPUTF8 AUTH=a+3Db size=2'),
    ).toEqual({
      address: 'a@b.example',
      args: { SIZE: '2', BODY: '8BITMIME', SMTPUTF8: true, AUTH: 'a=b' },
      duplicate: 'SIZE',
    });
    expect(readAddressCommand('MAIL', 'MAIL FROM:<a@b.example> SIZE= ')?.args).toEqual({ SIZE: true });
    expect(readAddressCommand('MAIL', 'MAIL FROM:<a@b.example> ')?.args).toBe(false);
  });
});

describe('the path of a command', () => {
  it.each([
    ['<>', ''],
    ['<a@b.example>', 'a@b.example'],
    ['<"a b"@b.example>', '"a b"@b.example'],
    ['<"a>\\"<@"@b.example>', '"a>\\"<@"@b.example'],
    ['<"john..doe"@b.example>', '"john..doe"@b.example'],
    ['<a@x_y.example>', 'a@x_y.example'],
    ['<a@xn--bcher-kva.example>', 'a@xn--bcher-kva.example'],
    ['<ü@bücher.example>', 'ü@bücher.example'],
    ['<@one.example,@two.example:a@b.example>', 'a@b.example'],
    ['<a b@b.example>', 'a b@b.example'],
    ['<postmaster>', 'postmaster'],
  ])('in %s is %j, as it was given', (path, address) => {
    expect(readAddressCommand('MAIL', `MAIL FROM:${path}`)?.address).toBe(address);
  });

  it.each([
    'MAIL',
    'MAIL FROM',
    'MAIL FROM:',
    'MAIL FROM:a@b.example',
    'MAIL FROM <a@b.example>',
    'MAIL FROM:<a@b.example',
    'MAIL FROM:<a@b.example>SIZE=1',
    'MAIL FROM:<a@b.example> AUTH=a+0D+0Ab',
    'MAIL FROM:<<a@b.example>>',
    'MAIL FROM:<"a@b.example>',
    'MAIL FROM:<"a\\"@b.example>',
    'MAIL FROM:<a\t@b.example>',
    'MAIL FROM:<"\u0085"@b.example>',
    'MAIL FROM:<a\r\nRCPT TO:<x@y.example>@b.example>',
    'RCPT TO:<a@b.example>',
    `MAIL FROM:<${'a'.repeat(1_025)}>`,
  ])('is not in %j', (command) => {
    expect(readAddressCommand('MAIL', command)).toBeUndefined();
  });

  it('to a recipient is not null', () => {
    expect(readAddressCommand('RCPT', 'RCPT TO:<>')).toBeUndefined();
    expect(readAddressCommand('MAIL', 'MAIL FROM:<@a.example:>')?.address).not.toBe('');
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
