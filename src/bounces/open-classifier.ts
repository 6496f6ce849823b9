/** Makes the classifier, from our own rules and the operator's file. */
import { compileRules } from './matching/compile-rules.js';
import { readOwnRules, readRulesFile } from './matching/read-rules.js';
import { RuleClassifier } from './rule-classifier.js';

export type ClassifierOpening =
  | { readonly kind: 'open'; readonly classifier: RuleClassifier }
  /** The operator's file is faulty: each as `FILE:LINE: rule ID: what would be right`. */
  | { readonly kind: 'faults'; readonly faults: readonly string[] };

/** With our own rules alone. Reads them, which takes about 0.1 s: once for a process. */
export function openClassifier(): RuleClassifier {
  return new RuleClassifier(compileRules(readOwnRules()));
}

/** With the rules of POSTHORN_BOUNCE_RULES first, where it is set. */
export function openClassifierWith(operatorFile: string | undefined): ClassifierOpening {
  if (operatorFile === undefined) return { kind: 'open', classifier: openClassifier() };
  const reading = readRulesFile(operatorFile);
  if (reading.kind === 'faults') return reading;
  return { kind: 'open', classifier: new RuleClassifier(compileRules(readOwnRules(), reading.rules)) };
}
