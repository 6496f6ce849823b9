/** Makes the classifier, from our own rules and the operator's file. */
import type { Finding } from '../../mail/classification.js';
import { Classifier, type RefusalFacts } from './classifier.js';
import { compileRules } from './matching/compile-rules.js';
import { readOwnRules } from './matching/read-rules.js';
import { readOperatorRules } from './operator-rules.js';
import { RuleClassifier } from './rule-classifier.js';

export type ClassifierOpening =
  | { readonly kind: 'open'; readonly classifier: RuleClassifier }
  /** The operator's file is faulty: each as `FILE:LINE: rule ID: what would be right`. */
  | { readonly kind: 'faults'; readonly faults: readonly string[] };

/** With our own rules alone. Reads them, which takes some tenths of a second: once for a process. */
export function openClassifier(): RuleClassifier {
  return new RuleClassifier(compileRules(readOwnRules()));
}

/**
 * Our own rules, read when they are first asked, which holds the process up once: one that hears of no refusal starts
 * sooner without them.
 */
export class ClassifierAtFirstUse extends Classifier {
  private opened: RuleClassifier | undefined;

  classify(facts: RefusalFacts): Finding {
    this.opened ??= openClassifier();
    return this.opened.classify(facts);
  }
}

/** With the rules of POSTHORN_BOUNCE_RULES first, where it is set. */
export function openClassifierWith(operatorFile: string | undefined): ClassifierOpening {
  if (operatorFile === undefined) return { kind: 'open', classifier: openClassifier() };
  const own = readOwnRules();
  const reading = readOperatorRules(operatorFile, own);
  if (reading.kind === 'faults') return reading;
  return { kind: 'open', classifier: new RuleClassifier(compileRules(own, reading.rules)) };
}

/** What is wrong with the file POSTHORN_BOUNCE_RULES; to be asked before anything is started. */
export function bounceRulesFaults(operatorFile: string | undefined): readonly string[] {
  const reading = operatorFile === undefined ? undefined : readOperatorRules(operatorFile, readOwnRules());
  return reading?.kind === 'faults' ? reading.faults : [];
}
