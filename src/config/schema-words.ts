/**
 * How a schema's finding is said where the schema itself has no words for it: what would be right, in the words of the
 * rest of the API and without a library's. Imported for its effect, before the first schema judges.
 */
import { z } from 'zod';

type Issue = z.core.$ZodRawIssue;

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

z.config({ localeError: inWords });

function inWords(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'must be given' : `must be ${KINDS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
    case 'too_big':
      return `must be at most ${String(issue.maximum)}${unitOf(issue.origin, issue.maximum)}`;
    case 'too_small':
      if (issue.minimum === 1 && unitOf(issue.origin, 1) !== '') return 'must not be empty';
      return `must be at least ${String(issue.minimum)}${unitOf(issue.origin, issue.minimum)}`;
    default:
      return 'is not what is taken here';
  }
}

function unitOf(origin: string, count: number | bigint): string {
  const unit = origin === 'string' ? ' character' : origin === 'array' ? ' item' : '';
  return unit === '' || Number(count) === 1 ? unit : `${unit}s`;
}
