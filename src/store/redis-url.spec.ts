import { describe, expect, it } from '@jest/globals';
import { parseRedisUrl } from './redis-url.js';

describe('parseRedisUrl', () => {
  it.each([
    ['redis://example.org', { host: 'example.org', port: 6379 }],
    ['redis://:p%40ss@example.org:7000/3', { host: 'example.org', port: 7000, password: 'p@ss', db: 3 }],
    ['redis://user:pass@[2001:db8::1]:6380', { host: '2001:db8::1', port: 6380, username: 'user', password: 'pass' }],
    ['rediss://example.org:6380/', { host: 'example.org', port: 6380, tls: {} }],
    ['unix:///var/run/a%20b/redis.sock?db=2', { path: '/var/run/a b/redis.sock', db: 2 }],
    [
      'redis+sentinel://user:pass@10.0.0.1:26380,[2001:db8::2]:26381,sentinel.example/main?db=4',
      {
        sentinels: [
          { host: '10.0.0.1', port: 26380 },
          { host: '2001:db8::2', port: 26381 },
          { host: 'sentinel.example', port: 26379 },
        ],
        ...{ name: 'main', username: 'user', password: 'pass', db: 4 },
      },
    ],
    [
      'redis+sentinel://s:1/m?sentinelUsername=u&sentinelPassword=p%26q',
      { sentinels: [{ host: 's', port: 1 }], name: 'm', sentinelUsername: 'u', sentinelPassword: 'p&q' },
    ],
  ])('reads %s', (url, options) => {
    expect(parseRedisUrl(url)).toEqual({ kind: 'parsed', options });
  });

  it.each([
    ['example.org:6379', /must begin with/],
    ['http://example.org', /must begin with/],
    ['redis+cluster://a:1,b:2', /must begin with/],
    ['redis://', /not a URL|names no host/],
    ['redis://example.org/three', /must be a number/],
    ['redis://example.org:port', /not a URL/],
    ['redis://example.org?tsl=1', /unknown options: tsl/],
    ['unix://run/redis.sock', /absolute path/],
    ['unix:///', /absolute path/],
    ['redis+sentinel://a:1,b:2', /masterName/],
    ['redis+sentinel://a:1,,b:2/m', /host:port/],
    ['redis+sentinel://a:99999/m', /host:port/],
  ])('refuses %s', (url, why) => {
    expect(parseRedisUrl(url)).toEqual({ kind: 'fault', why: expect.stringMatching(why) });
  });

  it('does not repeat the password of a URL it refuses', () => {
    expect(JSON.stringify(parseRedisUrl('redis://:secret@example.org/three'))).not.toContain('secret');
  });
});
