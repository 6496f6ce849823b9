import { describe, expect, it } from '@jest/globals';
import { differences, nearestName } from './nearest-name.js';
import { SETTINGS } from './settings-schema.js';
import { keyOf } from './sources.js';

const KEYS = SETTINGS.map(({ name }) => keyOf(name));

describe('the nearest name', () => {
  it.each([
    ['expire_aftr', 'expire_after'],
    ['role', 'roles'],
    ['submision_port', 'submission_port'],
    ['submissoin_port', 'submission_port'],
    ['port_http', 'http_port'],
    ['redis_uri', 'redis_url'],
  ])('of %s is %s', (name, nearest) => {
    expect(nearestName(name, KEYS)).toBe(nearest);
  });

  it.each(['sieve_port', 'nntp_port', 'ldap_port', 'shards', 'scarlet', 'x', '', 'a'.repeat(1000)])(
    'of %s is none',
    (name) => {
      expect(nearestName(name, KEYS)).toBeUndefined();
    },
  );
});

it('counts what was inserted, deleted, replaced or swapped', () => {
  expect([
    differences('abc', 'abc'),
    differences('', 'abc'),
    differences('acb', 'abc'),
    differences('axc', 'abcd'),
  ]).toEqual([0, 3, 1, 2]);
});
