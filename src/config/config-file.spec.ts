import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseConfig } from './config-file.js';

function entriesOf(text: string): unknown {
  const read = parseConfig(text);
  return read.kind === 'ok' ? Object.fromEntries(read.entries) : read.why;
}

describe('the YAML file', () => {
  it('gives every scalar as the text that stands there', () => {
    const text =
      'workers: 0x10\nhistory_max: 1_000\nredis_unchecked: on\nexpire_after: 48h # two days\nlog_level: "info"';
    expect(entriesOf(text)).toEqual({
      workers: '0x10',
      history_max: '1_000',
      redis_unchecked: 'on',
      expire_after: '48h',
      log_level: 'info',
    });
  });

  it('takes lists of texts, and leaves out what is empty', () => {
    expect(entriesOf('routes:\n  - a.example=mx\n  - "*=mx"\nroles:\napi_url: ""\ndns_servers: []')).toEqual({
      routes: ['a.example=mx', '*=mx'],
    });
    expect(entriesOf('')).toEqual({});
    expect(entriesOf('# nothing\n')).toEqual({});
  });

  it('names what is nested deeper', () => {
    expect(parseConfig('redis: { url: x }\nroutes: [[a]]\nroles: all')).toMatchObject({
      kind: 'ok',
      odd: ['redis', 'routes'],
    });
  });

  it.each([
    ['roles: *all', /begins with \*/],
    ['a: b: c', /is not valid YAML: line 1: /],
    ['roles: all\nroles: api', /line 2: Map keys must be unique/],
    ['- roles', /is no mapping of settings/],
    ['just words', /is no mapping of settings/],
    ['api_key: !secret', /line 1: put a value that begins with !/],
    ['a: 1\n---\nb: 2', /multiple documents/],
  ])('refuses %j and says why', (text, why) => {
    expect(entriesOf(text)).toMatch(why);
  });

  it('shows nothing of the file in what it says is wrong', () => {
    for (const text of [
      'api_key: *SECRET',
      'api_key: !SECRET',
      'api_key: "SECRET',
      'api_key: a: SECRET',
      'api_key: @SECRET',
      'SECRET: 1\nSECRET: 2',
    ]) {
      const read = parseConfig(text);
      expect([read.kind, JSON.stringify(read)]).toEqual(['failed', expect.not.stringContaining('SECRET')]);
    }
  });

  it('is entries or one reason why not, whatever the text', () => {
    const pieces = fc.constantFrom(
      'a',
      ':',
      ' ',
      '\n',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '*',
      '&',
      '!',
      '"',
      "'",
      '|',
      '>',
      '#',
      '?',
      '%',
      '@',
      '---\n',
    );
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces, { maxLength: 20 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const read = parseConfig(text);
        if (read.kind === 'failed') expect(read.why).toMatch(/^(is|has) /);
      }),
      { numRuns: 500 },
    );
  });

  it('is refused when it is nested without end', () => {
    expect(parseConfig('['.repeat(20_000)).kind).toBe('failed');
  });
});
