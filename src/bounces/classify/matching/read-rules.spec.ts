import { describe, expect, it } from '@jest/globals';
import { openClassifierWith } from '../open-classifier.js';
import { parseRules } from './read-rules.js';

const FAULTY = `rules:
  - id: one
    category: no_such
    text: [abc]
    sample: [x]
  - id: two
    category: expired
    text: ['a.*bcd']
    sample: [x]
  - id: two
    category: expired
    code: [600]
    wrong: 1
  - id: four
    category: mailbox_full
    source: x
`;

describe('a file of rules', () => {
  it('has every fault told with file, line and rule', () => {
    const reading = parseRules(FAULTY, 'f.yaml');
    if (reading.kind !== 'faults') throw new Error('it was read');
    const all = reading.faults.join('\n');
    expect(all).toMatch(/^f\.yaml:3: rule one, category: must be one of unknown_recipient, /m);
    expect(all).toMatch(/^f\.yaml:8: rule two, text\.0: repeats without a bound/m);
    expect(all).toMatch(/^f\.yaml:10: rule two, id: is that of another rule of this file/m);
    expect(all).toMatch(/^f\.yaml:12: rule two, code/m);
    expect(all).toMatch(/^f\.yaml:1\d: rule four: must have text/m);
  });

  it('that is not YAML is a fault too', () => {
    expect(parseRules('rules: [', 'f.yaml')).toMatchObject({ kind: 'faults' });
    expect(parseRules('', 'f.yaml')).toMatchObject({ kind: 'faults' });
  });

  it('that is not there is a fault of the setting', () => {
    expect(openClassifierWith('/nowhere/rules.yaml')).toEqual({
      kind: 'faults',
      faults: ['/nowhere/rules.yaml: does not exist'],
    });
  });
});
