import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { openClassifier } from '../bounces/open-classifier.js';
import { explainLines } from './explain-lines.js';
import { explainCommand } from './explain.js';

let [out, err] = ['', ''];

beforeEach(() => {
  [out, err] = ['', ''];
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += String(text);
    return true;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe('explain', () => {
  it('says what a reply means', async () => {
    expect(await explainCommand.run(['550 5.1.1 user unknown'])).toBe(0);
    expect(out).toMatch(/^class {5}unknown_recipient$/m);
    expect(out).toMatch(/^type {6}hard$/m);
    expect(out).toMatch(/^retry {5}no$/m);
    expect(out).toMatch(/^suppress {2}yes, at once$/m);
    expect(out).toMatch(/^fault {5}recipient$/m);
    expect(out).toMatch(/^rule {6}text\.unknown/m);
  });

  it('says it as JSON, with what is known of the host and the stage', async () => {
    expect(await explainCommand.run(['--json', '--stage', 'rcpt', '--mx', 'mx.example.net', '552'])).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ category: 'mailbox_full', hard: false, type: 'soft', retry: true });
  });

  it('refuses a usage that means nothing', async () => {
    expect(await explainCommand.run([])).toBe(2);
    expect(await explainCommand.run(['--stage', 'lunch', '550'])).toBe(2);
    expect(await explainCommand.run(['--mail'])).toBe(2);
    expect(await explainCommand.run(['--jsonl', '550'])).toBe(2);
    expect(out).toBe('');
  });

  it('puts the rules of a file first, and says what is wrong with it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'posthorn-rules-'));
    try {
      const file = join(directory, 'rules.yaml');
      writeFileSync(file, 'rules: [{ id: ours, category: expired, text: [user unknown], source: us }]\n');
      expect(await explainCommand.run(['--rules', file, '550 user unknown'])).toBe(0);
      expect(out).toMatch(/^rule {6}ours$/m);
      writeFileSync(file, 'rules: [{ id: ours, category: dead, text: [user unknown], source: us }]\n');
      expect(await explainCommand.run(['--rules', file, '550 user unknown'])).toBe(2);
      expect(err).toContain(`${file}:1: rule ours, category: `);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('explain --jsonl', () => {
  it('answers each line that can be read, and fails for the others', async () => {
    const lines = [
      '{"id":"a","reply":"550 5.1.1 user unknown"}',
      '',
      'nothing',
      '{"id":"b"}',
      '[1]',
      '{"id":3,"text":"550 5.1.1 user unknown","command":"MAIL FROM"}',
    ];
    expect(await explainLines(openClassifier(), Readable.from(lines.map((line) => `${line}\r\n`)))).toBe(1);
    const answers = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(answers).toEqual([
      expect.objectContaining({ id: 'a', category: 'unknown_recipient', hard: true, retry: false }),
      expect.objectContaining({ id: 3, category: 'sender_rejected', hard: false }),
    ]);
    expect(err).toContain('line 3: is not JSON');
    expect(err).toContain('line 4: "reply" is no text');
    expect(err).toContain('line 5: ');
  });
});
