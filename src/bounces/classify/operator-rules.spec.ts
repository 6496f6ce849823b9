import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { readOwnRules } from './matching/read-rules.js';
import { openClassifierWith } from './open-classifier.js';

const directory = mkdtempSync(join(tmpdir(), 'posthorn-rules-'));
const file = join(directory, 'rules.yaml');
afterAll(() => {
  rmSync(directory, { recursive: true });
});

function open(text: string): ReturnType<typeof openClassifierWith> {
  writeFileSync(file, text);
  return openClassifierWith(file);
}

describe('the file of the operator', () => {
  it('is held to its samples', () => {
    const opening = open(`rules:
  - { id: wide, category: expired, text: [over the moon], sample: ['450 over the moon'] }
  - id: narrow
    category: mailbox_full
    text: [far over the moon]
    sample:
      - '550 far over the moon'
      - '550 under the sea'
`);
    expect(opening).toEqual({
      kind: 'faults',
      faults: [
        `${file}:7: rule narrow, sample.0: is not what this rule finds: rule wide stands before it`,
        `${file}:8: rule narrow, sample.1: is not what this rule finds`,
      ],
    });
  });

  it('takes a sample as said by its provider, at the stage of its rule', () => {
    const rules = '{ id: a, category: expired, text: [over the moon], stage: [rcpt], sample: [over the moon] }';
    expect(open(`mx: [moon.example]\nrules: [${rules}]\n`).kind).toBe('open');
  });

  it('has no id of ours', () => {
    const ours = readOwnRules()[0]?.rules[0]?.id ?? '';
    expect(open(`rules:\n  - { id: ${ours}, category: expired, text: [over the moon], source: us }\n`)).toEqual({
      kind: 'faults',
      faults: [`${file}:2: rule ${ours}, id: is that of a rule of Posthorn: take another`],
    });
  });

  it('is told by an example that works', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/bounce-rules.md'), 'utf8');
    const example = /```yaml\n(.*?)```/s.exec(page)?.[1] ?? '';
    const [, reply = ''] = /--rules rules\.yaml '([^']+)'/.exec(page) ?? [];
    const opening = open(example);
    if (opening.kind === 'faults') throw new Error(opening.faults.join('\n'));
    expect(page).toContain(`rule      ${opening.classifier.classify({ text: reply }).rule}\n`);
  });
});
