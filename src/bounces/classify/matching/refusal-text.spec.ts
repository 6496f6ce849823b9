import { describe, expect, it } from '@jest/globals';
import { prepareRefusal } from './refusal-text.js';

const wordsOf = (text: string) => prepareRefusal({ text }).words;

describe('the words of a refusal', () => {
  it.each([
    ['550 <full.mailbox@spam.example>: no', '550 ADDR: no'],
    ['554 see https://unknown-user.example/spam?full=1 now', '554 see URL now'],
    ['554 [203.0.113.7] and 2001:db8::25:1 refused', '554 IP and IP refused'],
    ['554 blocked using spam.list.example.net', '554 blocked using HOST'],
    ['550 5.7.1 RESOLVER.ADR.RecipNotFound; not found', '550 5.7.1 resolver.adr.recipnotfound; not found'],
    ['550 Rejected.If you think so', '550 rejected.if you think so'],
    ['550 Boîte\r\n  PLEINE', '550 boite pleine'],
    ['550 Adresse ist ungÃ¼ltig', '550 adresse ist ungultig'],
    ['550 =?utf-8?B?w7xiZXJmw7xsbHQ=?=', '550 uberfullt'],
    ['550 over quota (in reply to RCPT TO command)', '550 over quota'],
    ['550 unknown user 503-5.5.1 need RCPT command', '550 unknown user'],
    [
      'A message that you sent could not be delivered to one or more of its recipients. This is a permanent error. The following address(es) failed: 550 full',
      '550 full',
    ],
    ["This is a permanent error; I've given up. Sorry it didn't work out. 550 no such user", '550 no such user'],
    ['550 no such user. The attachment contains the original mail headers.', '550 no such user.'],
    ['550 Kullanıcı bulunamadı', '550 kullanici bulunamadi'],
  ])('%s', (text, words) => {
    expect(wordsOf(text)).toBe(words);
  });

  it('reads the codes where they are not given', () => {
    expect(prepareRefusal({ text: 'host a.example said: 452 4.2.2 full' })).toMatchObject({
      code: 452,
      enhanced: '4.2.2',
    });
    expect(prepareRefusal({ text: '550-5.1.1 no 550 5.1.1 such user' })).toMatchObject({
      code: 550,
      enhanced: '5.1.1',
    });
    expect(prepareRefusal({ text: 'sorry (#5.1.2)' })).toMatchObject({ code: 0, enhanced: '5.1.2' });
    expect(prepareRefusal({ text: 'IP 5.1.1.20 is bad' })).toMatchObject({ code: 0, enhanced: '' });
  });

  it('believes the codes that are given', () => {
    expect(prepareRefusal({ text: '550 5.1.1 no', code: 450, enhanced: '4.2.1' })).toMatchObject({
      code: 450,
      enhanced: '4.2.1',
    });
  });

  it('takes the name of the host from name[address]:port', () => {
    expect(prepareRefusal({ text: '', mx: 'MX.Example.NET.[192.0.2.1]:25' }).mx).toBe('mx.example.net');
  });
});
