import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { openClassifier } from '../bounces/classify/open-classifier.js';
import { explainLines } from './explain-lines.js';
import { explainMail } from './explain-mail.js';
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
    expect(await explainCommand.run(['--jsonl', '--json'])).toBe(2);
    expect(await explainCommand.run(['--jsonl', '--mx', 'mx.example.net'])).toBe(2);
    expect(await explainCommand.run(['--mail', 'x.eml', '--stage', 'rcpt'])).toBe(2);
    expect(out).toBe('');
  });

  it.each(['250 2.0.0 OK', '250', '354 go ahead', '2.1.5 fine', '', '  '])(
    'says that %j is no refusal',
    async (text) => {
      expect(await explainCommand.run([text])).toBe(2);
      expect(err).toMatch(/^posthorn explain: this is no refusal: [^\n]+'550 5\.1\.1 user unknown'[^\n]*\n$/);
    },
  );

  it.each(['user unknown', '25 users are unknown', '5.1.1'])('explains %j, which has no code', async (text) => {
    expect(await explainCommand.run([text])).toBe(0);
    expect(out).toMatch(/^class {5}unknown_recipient$/m);
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
      '{"id":4,"reply":"550 5.1.1 user unknown","stage":"lunch"}',
      '{"id":5,"reply":"550 5.1.1 user unknown","command":"LUNCH","stage":null}',
    ];
    expect(
      await explainLines(
        openClassifier(),
        Readable.from(lines.map((line, i) => `${i === 0 ? '\uFEFF' : ''}${line}\r\n`)),
      ),
    ).toBe(1);
    const answers = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(answers).toEqual([
      expect.objectContaining({ id: 'a', category: 'unknown_recipient', hard: true, retry: false }),
      { id: null, line: 3, error: 'is not JSON' },
      { id: 'b', line: 4, error: '"reply" is no text' },
      { id: null, line: 5, error: 'is no object with "id" and "reply"' },
      expect.objectContaining({ id: 3, category: 'sender_rejected', hard: false }),
      { id: 4, line: 7, error: expect.stringContaining('"stage" is none of connect, ehlo') },
      expect.objectContaining({ id: 5, category: 'unknown_recipient' }),
    ]);
    expect(err).toContain('line 3: is not JSON');
    expect(err).toContain('line 4: "reply" is no text');
    expect(err).toContain('line 5: ');
  });
});

describe('explain --mail', () => {
  const mail = 'From: ann@example.net\r\nSubject: Hello\r\n\r\nWhere is my order?\r\n';

  it('reads - from standard input', async () => {
    const input = Readable.from([Buffer.from(mail.slice(0, 30)), Buffer.from(mail.slice(30))]);
    expect(await explainMail(['-'], openClassifier(), input)).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ file: '-', isBounce: false, kind: 'other' });
  });

  it('stops at 64 MiB of what has no end, and goes on with the others', async () => {
    expect(
      await explainMail(['/dev/zero', '/nowhere', '-'], openClassifier(), Readable.from([Buffer.from(mail)])),
    ).toBe(1);
    expect(err).toContain('/dev/zero cannot be read: it is larger than 64 MiB\n');
    expect(err).toContain('/nowhere cannot be read: ENOENT');
    expect(JSON.parse(out)).toMatchObject({ file: '-' });
  });
});
