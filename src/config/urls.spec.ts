import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { apiUrl, readApiUrl, readRedisUrl, redisUrl } from './urls.js';

describe('the URL of Redis', () => {
  it.each([
    'redis://127.0.0.1',
    'redis://user:p%40ss@redis_1:6379/2',
    'rediss://[2001:db8::1]:6380/',
    'redis+sentinel://a:26379,b:26379/mymaster',
    'redis+sentinel://:pass@a,[::1]:26379/mymaster/1',
    'unix:///run/redis.sock',
  ])('may be %s', (text) => {
    expect(redisUrl().parse(text)).toBe(text);
  });

  it.each([
    'localhost:6379',
    'redis://',
    'redis:///0',
    'redis://h/db',
    'redis://h:99999',
    'redis://h?password=x',
    'redis://:pa/ss@h',
    'http://h',
    'unix://run/redis.sock',
    'unix:///',
    'redis+sentinel://a:26379',
    'redis+sentinel://a:x/mymaster',
    'redis://h\r\n',
  ])('is not %j', (text) => {
    expect(redisUrl().safeParse(text).error?.issues[0]?.message).toMatch(/^must be redis:\/\//);
  });

  it('is not a cluster yet, and says so', () => {
    expect(redisUrl().safeParse('redis+cluster://a,b').error?.issues[0]?.message).toMatch(
      /comes with the cluster work/,
    );
  });

  it('says how to write a password, where there is one', () => {
    expect(redisUrl().safeParse('redis://:pa/ss@h').error?.issues[0]?.message).toMatch(/%2F/);
  });
});

describe('the URL of the API', () => {
  it.each([
    ['http://127.0.0.1:8080/', 'http://127.0.0.1:8080'],
    ['https://Mail.Example/posthorn/', 'https://mail.example/posthorn'],
  ])('reads %s as %s', (text, url) => {
    expect(apiUrl().parse(text)).toBe(url);
  });

  it.each(['127.0.0.1:8080', 'ftp://h', 'http://', 'http://u:p@h', 'http://h?x', 'http://h#x'])('is not %s', (text) => {
    expect(apiUrl().safeParse(text).error?.issues[0]?.message).toMatch(/^must be http:\/\/HOST/);
  });
});

it('reads any text as a URL or says what it must be', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.stringMatching(/^(redis|rediss|redis\+sentinel|unix|http):\/\/[a-z0-9:@/,?#[\].%]{0,30}$/),
  );
  fc.assert(
    fc.property(texts, (text) => {
      for (const read of [readRedisUrl(text), readApiUrl(text)]) {
        if (read.kind === 'fault') expect(read.expected.join()).toMatch(/^must be /);
      }
    }),
    { numRuns: 1000 },
  );
});
