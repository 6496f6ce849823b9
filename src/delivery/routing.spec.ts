import { describe, expect, it } from '@jest/globals';
import type { Route } from '../config/routes.js';
import { destinationOf } from './routing.js';

const mx: Route['target'] = { kind: 'mx', tls: 'opportunistic' };
const smarthost = (host: string): Route['target'] => ({
  kind: 'smarthost',
  host,
  port: 25,
  secure: false,
  tls: 'none',
});
const routes: Route[] = [
  { pattern: 'example.net', target: smarthost('one') },
  { pattern: '*.corp', target: smarthost('two') },
  { pattern: '*', target: mx },
];

describe('the route of a domain', () => {
  it.each([
    ['example.net', 'smarthost:["one",25,false,"none",null,null]'],
    ['sub.example.net', 'mx:sub.example.net'],
    ['a.corp', 'smarthost:["two",25,false,"none",null,null]'],
    ['a.b.corp', 'smarthost:["two",25,false,"none",null,null]'],
    ['corp', 'mx:corp'],
    ['notcorp', 'mx:notcorp'],
  ])('%s goes by %s', (domain, key) => {
    expect(destinationOf(routes, domain).key).toBe(key);
  });

  it('keeps apart what goes to one host with another login or another TLS', () => {
    const to = (target: Partial<Route['target']>): string =>
      destinationOf([{ pattern: '*', target: { ...smarthost('one'), ...target } as Route['target'] }], 'a.example').key;
    const keys = [
      to({}),
      to({ tls: 'require' }),
      to({ auth: { user: 'a', pass: 'b' } }),
      to({ auth: { user: 'a', pass: 'c' } }),
    ];
    expect(new Set(keys).size).toBe(4);
  });

  it('says which signatures it wants, over the same connections', () => {
    const destination = (target: Route['target']) => destinationOf([{ pattern: '*', target }], 'a.example');
    for (const target of [mx, smarthost('one')]) {
      const [plain, rsa] = [destination(target), destination({ ...target, dkim: 'rsa' })];
      expect([plain.dkim, rsa.dkim]).toEqual([undefined, 'rsa']);
      expect(rsa.key).toBe(plain.key);
    }
  });
});
