import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatRoute, readRoute, routes, TLS_MODES } from './routes.js';
import type { Route } from './routes.js';

function messagesOf(text: string | string[]): string[] {
  return (
    routes()
      .safeParse(text)
      .error?.issues.map((issue) => issue.message) ?? []
  );
}

describe('routes', () => {
  it('are read in their order, with what is not said filled in', () => {
    const text = 'Example.NET=smtp://127.0.0.1:2526, *.corp=smtps://user:p%40ss@relay,*=mx';
    expect(routes().parse(text)).toEqual([
      {
        pattern: 'example.net',
        target: { kind: 'smarthost', host: '127.0.0.1', port: 2526, secure: false, tls: 'opportunistic' },
      },
      {
        pattern: '*.corp',
        target: {
          kind: 'smarthost',
          host: 'relay',
          port: 465,
          secure: true,
          auth: { user: 'user', pass: 'p@ss' },
          tls: 'opportunistic',
        },
      },
      { pattern: '*', target: { kind: 'mx', tls: 'opportunistic' } },
    ]);
  });

  it.each([
    ['*=mx?tls=require', { kind: 'mx', tls: 'require' }],
    ['*=mx?dkim=rsa', { kind: 'mx', tls: 'opportunistic', dkim: 'rsa' }],
    ['*=mx?DKIM=RSA&tls=none', { kind: 'mx', tls: 'none', dkim: 'rsa' }],
    [
      '*=smtp://relay?tls=require&dkim=rsa',
      { kind: 'smarthost', host: 'relay', port: 25, secure: false, tls: 'require', dkim: 'rsa' },
    ],
    [
      '*=smtp://[2001:DB8::1]',
      { kind: 'smarthost', host: '2001:db8::1', port: 25, secure: false, tls: 'opportunistic' },
    ],
    [
      '*=SMTP://Relay.Example:587/?TLS=none',
      { kind: 'smarthost', host: 'relay.example', port: 587, secure: false, tls: 'none' },
    ],
    [
      '*=smtp://u:p@s/s?:@relay?tls=require',
      {
        kind: 'smarthost',
        host: 'relay',
        port: 25,
        secure: false,
        auth: { user: 'u', pass: 'p@s/s?:' },
        tls: 'require',
      },
    ],
  ])('reads %s', (text, target) => {
    expect(routes().parse(text)).toEqual([{ pattern: '*', target }]);
  });

  it('takes a password with a comma out of a YAML list', () => {
    expect(routes().parse(['*=smtps://u:a,b@relay'])[0]?.target).toMatchObject({ auth: { user: 'u', pass: 'a,b' } });
  });

  it('makes an international domain its A-labels', () => {
    expect(routes().parse('bücher.example=mx,*=mx')[0]?.pattern).toBe('xn--bcher-kva.example');
  });

  it.each([
    ['*', /PATTERN=TARGET/],
    ['*.*=mx', /must begin with a pattern/],
    ['a b=mx', /must begin with a pattern/],
    ['[192.0.2.1]=mx', /must begin with a pattern/],
    ['*=ftp://relay', /must go to mx, smtp:/],
    ['*=', /must go to mx, smtp:/],
    ['*=relay', /must go to mx, smtp:/],
    ['*=smtp://', /must go to mx, smtp:/],
    ['*=smtp://::1', /brackets/],
    ['*=smtp://relay:0', /must go to mx/],
    ['*=smtp://relay:65536', /must go to mx/],
    ['*=smtp://192.0.2.300', /must go to mx/],
    ['*=smtp://user@relay', /USER:PASSWORD@/],
    ['*=smtp://user:@relay', /USER:PASSWORD@/],
    ['*=smtp://user:100%@relay', /%25/],
    ['*=smtp://us%0aer:pass@relay', /control characters/],
    ['*=mx?tls=maybe', /\?tls=none, \?tls=opportunistic or \?tls=require/],
    ['*=mx?', /in no \? at all/],
    ['*=mx?dkim=both', /\?dkim=rsa/],
    ['*=mx?tls=require&', /with & between them/],
    ['*=mx?tls=require&tls=none', /with & between them/],
    ['*=mx?dkim=rsa&dkim=rsa', /with & between them/],
    ['*=smtps://relay?dkim=rsa&tls=none', /must not have \?tls=none/],
    ['*=smtps://relay?tls=none', /must not have \?tls=none/],
    ['a.example=mx', /add \*=mx at the end/],
    ['*=mx,a.example=mx', /must have its \* route last/],
    ['a.example=mx,A.example=smtp://relay,*=mx', /each pattern once: route 2/],
    [',', /add \*=mx/],
  ])('refuses %s and says why', (text, why) => {
    expect(messagesOf(text)[0]).toMatch(why);
  });

  it('says by its number which one is wrong, all of them, and shows no password', () => {
    const messages = messagesOf('a.example=smtp://user:secret@,b.example=mx,-=mx');
    expect(messages).toEqual([
      expect.stringMatching(/^route 1 must go to/),
      expect.stringMatching(/^route 3 must begin with/),
    ]);
    expect(messages.join()).not.toContain('secret');
  });

  it('are at most 1000', () => {
    const many = Array.from({ length: 1000 }, (_, index) => `d${index}.example=mx`);
    expect(messagesOf([...many.slice(1), '*=mx'])).toEqual([]);
    expect(messagesOf([...many, '*=mx'])).toEqual(['must have at most 1000 routes']);
  });

  it('are read back from what they are written as', () => {
    const label = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
    const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
    const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    const dkim = fc.constant('rsa' as const);
    const mx = fc.record(
      { kind: fc.constant('mx' as const), tls: fc.constantFrom(...TLS_MODES), dkim },
      { requiredKeys: ['kind', 'tls'] },
    );
    const smarthost = fc.record(
      {
        kind: fc.constant('smarthost' as const),
        host: fc.oneof(name, fc.ipV4(), fc.constant('2001:db8::1')),
        port: fc.integer({ min: 1, max: 65_535 }),
        secure: fc.boolean(),
        auth: fc.record({ user: word, pass: word }),
        tls: fc.constantFrom('opportunistic' as const, 'require' as const),
        dkim,
      },
      { requiredKeys: ['kind', 'host', 'port', 'secure', 'tls'] },
    );
    const pattern = fc.oneof(
      fc.constant('*'),
      name,
      name.map((domain) => `*.${domain}`),
    );
    fc.assert(
      fc.property(fc.record({ pattern, target: fc.oneof(mx, smarthost) }), (route: Route) => {
        expect(readRoute(formatRoute(route))).toEqual({ kind: 'ok', value: route });
      }),
    );
  });

  it('are a list or faults that say what is right, whatever the text', () => {
    const pieces = fc.constantFrom(
      '*',
      '=',
      'mx',
      'smtp://',
      'smtps://',
      '@',
      ':',
      '/',
      '?',
      'tls=',
      'dkim=rsa',
      '&',
      '[',
      ']',
      ',',
      '.',
      '%',
      'a',
      '25',
    );
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces, { maxLength: 15 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const read = routes().safeParse(text);
        if (read.success) expect(routes().parse(read.data.map(formatRoute))).toEqual(read.data);
        else for (const issue of read.error.issues) expect(issue.message).toMatch(/^(route \d+ )?must /);
      }),
      { numRuns: 1000 },
    );
  });
});
