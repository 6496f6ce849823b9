import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatFaults, shownValue } from './faults.js';

describe('faults', () => {
  it('are said together, each with its name, its value and what would be right', () => {
    const text = formatFaults([
      { name: 'POSTHORN_MX_PORT', value: '0', expected: 'must be a port number from 1 to 65535' },
      { name: 'aple', value: '', expected: 'is no setting', file: '/etc/posthorn.yaml' },
    ]);
    expect(text.split('\n')).toEqual([
      'posthorn: 2 settings are wrong, nothing was started',
      '  POSTHORN_MX_PORT=0: must be a port number from 1 to 65535',
      '  aple (in /etc/posthorn.yaml): is no setting',
    ]);
  });

  it('are counted by setting, not by what is wrong with it', () => {
    const fault = { name: 'POSTHORN_RETRY', value: 'x,y' };
    const text = formatFaults([
      { ...fault, expected: 'delay 1 must be a duration' },
      { ...fault, expected: 'delay 2 must be a duration' },
    ]);
    expect(text).toMatch(/^posthorn: 1 setting is wrong, nothing was started\n/);
  });
});

describe('a value that is shown', () => {
  it.each([
    ['redis://user:secret@host/x', 'redis://***@host/x'],
    ['redis://:se/cr@et@host', 'redis://***@host'],
    ['user:secret@host:6379', '***@host:6379'],
    ['redis://host?password=secret', 'redis://host?***'],
    ['*.corp=smtps://u:sec,ret@relay:465,*=mx', '*.corp=smtps://***@relay:465,*=mx'],
    ['*=u:secret@relay', '*=***@relay'],
    ['*=mx?tls=maybe', '*=mx?tls=maybe'],
    ['*=mx?TLS=maybe&dkim=rsa', '*=mx?TLS=maybe&dkim=rsa'],
    ['a=mx?dkim=dsa , *=mx?dkim=rsa&tls=none', 'a=mx?dkim=dsa , *=mx?dkim=rsa&tls=none'],
    ['*=mx?tls=none&password=secret', '*=mx?***'],
    ['a=mx?tls=none,*=mx?password=secret', 'a=mx?tls=none,*=mx?***'],
  ])('hides the login in %s', (value, shown) => {
    expect(shownValue(value, 'in urls')).toBe(shown);
  });

  it('is *** where all of it is secret', () => expect(shownValue('secret', 'whole')).toBe('***'));
  it('keeps an @ that is not of a URL', () => expect(shownValue('me@example.net')).toBe('me@example.net'));
  it('is one line', () => expect(shownValue('a\r\nb\x1b[2J')).toBe('a\\x0d\\x0ab\\x1b[2J'));
  it('is not longer than a few lines', () => expect(shownValue('x'.repeat(5000))).toHaveLength(203));

  it('never holds a password of a URL, whatever characters that has', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (noise) => {
        expect(shownValue(`a=smtp://user:SECRET${noise}@relay,*=mx`, 'in urls')).not.toContain('SECRET');
      }),
    );
  });
});
