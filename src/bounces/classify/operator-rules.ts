/**
 * Reads the operator's file of rules, and holds it to what its own words promise: each sample is decided by the rule that it
 * stands in, and no rule takes the name of one of ours.
 */
import { compileRules } from './matching/compile-rules.js';
import { readRulesFile, type NamedRules, type RulesReading } from './matching/read-rules.js';
import { RuleClassifier } from './rule-classifier.js';

/** @param own the rules of Posthorn, which are asked after these */
export function readOperatorRules(path: string, own: readonly NamedRules[]): RulesReading {
  const reading = readRulesFile(path);
  if (reading.kind === 'faults') return reading;
  const { rules: read, lineOf } = reading;
  const ownIds = new Set(own.flatMap(({ rules }) => rules.map(({ id }) => id)));
  const classifier = new RuleClassifier(compileRules([], read));
  const faults = read.rules.flatMap(({ id, sample = [], stage }, at) => {
    const faultOf = (where: readonly (string | number)[], message: string): string =>
      `${path}:${lineOf(['rules', at, ...where])}: rule ${id}, ${where.join('.')}: ${message}`;
    const unmatched = sample.flatMap((text, i) => {
      const { rule } = classifier.classify({ text, mx: read.mx?.[0], stage: stage?.[0] });
      if (rule === id) return [];
      const other = read.rules.some((one) => one.id === rule);
      const unmarked = read.marks && !read.mx ? ', or holds none of the marks' : '';
      const why = other ? `: rule ${rule} stands before it` : unmarked;
      return [faultOf(['sample', i], `is not what this rule finds${why}`)];
    });
    return [...(ownIds.has(id) ? [faultOf(['id'], 'is that of a rule of Posthorn: take another')] : []), ...unmatched];
  });
  return faults.length === 0 ? reading : { kind: 'faults', faults };
}
