import { describe, expect, it } from '@jest/globals';
import { cpuMsOf } from '../../../../test/cpu-time.js';
import { openClassifier } from '../open-classifier.js';
import { regularExpression } from './compile-rules.js';
import { readOwnRules } from './read-rules.js';
import { TEXT_CHARACTERS_MAX } from './refusal-text.js';

const files = readOwnRules();
const rules = files.flatMap((file) => file.rules.map((rule) => ({ file, rule })));
const classifier = openClassifier();

describe('our own rules', () => {
  it.each(rules.flatMap(({ file, rule }) => (rule.sample ?? []).map((text) => ({ id: rule.id, text, file, rule }))))(
    '$id takes its sample $text',
    ({ text, file, rule }) => {
      const finding = classifier.classify({ text, mx: file.mx?.[0] });
      expect({ text, category: finding.category }).toEqual({ text, category: rule.category });
    },
  );

  it('name each rule once', () => {
    const ids = rules.map(({ rule }) => rule.id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });

  it('take a bounded time for the worst of texts', () => {
    const patterns = rules.flatMap(({ rule }) => [...(rule.text ?? []), ...(rule.whole ?? []), ...(rule.unless ?? [])]);
    const expressions = patterns.map((pattern) => ({ pattern, expression: regularExpression(pattern) }));
    const slow: { pattern: string; ms: number }[] = [];
    for (const { pattern, expression } of expressions) {
      const ms = cpuMsOf(() => {
        for (const text of adversarial(pattern)) expression.test(text);
      });
      if (ms > 250) slow.push({ pattern, ms });
    }
    expect(slow).toEqual([]);
  });

  it('classify the longest text within 50 ms', () => {
    const words = rules.flatMap(({ rule }) => rule.sample ?? []).join(' ');
    for (let at = 0; at < words.length; at += TEXT_CHARACTERS_MAX) {
      const text = words.slice(at, at + TEXT_CHARACTERS_MAX);
      expect(cpuMsOf(() => classifier.classify({ text }))).toBeLessThan(50);
    }
  });
});

/** Texts made of what a pattern begins with, again and again, and never what it ends with. */
function adversarial(pattern: string): string[] {
  const words = pattern.replace(/\\.|[^\p{L} ]/gu, ' ').split(/ {2,}/);
  const beginning = words.find((word) => word.trim().length > 2) ?? 'a';
  const fill = (unit: string) =>
    unit.repeat(Math.ceil(TEXT_CHARACTERS_MAX / unit.length)).slice(0, TEXT_CHARACTERS_MAX);
  return [
    fill(beginning),
    fill(`${beginning} `),
    fill(words.slice(0, 2).join(' ') || 'a'),
    fill('a'),
    fill(' '),
    fill('1.'),
  ];
}
