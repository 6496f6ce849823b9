/**
 * Classifies refusals by rules: the first that holds decides, in the order operator, provider, text, enhanced status
 * code, reply code. Only those rules are asked of which a literal stands in the text.
 */
import { findingOf } from '../mail/categories.js';
import type { Finding } from '../mail/classification.js';
import { Classifier, type RefusalFacts } from './classifier.js';
import type { CompiledProvider, CompiledRule, CompiledRules } from './matching/compile-rules.js';
import { LiteralSearch } from './matching/literal-search.js';
import { prepareRefusal, type PreparedRefusal } from './matching/refusal-text.js';

/** The rule of a refusal that no rule knows. */
export const DEFAULT_RULE = 'default';

export class RuleClassifier extends Classifier {
  private readonly rules: readonly CompiledRule[];
  private readonly providers: readonly CompiledProvider[];
  private readonly inWords: RuleIndex;
  private readonly inWhole: RuleIndex;
  /** The rules that no literal leads to. */
  private readonly always: readonly number[];
  /** By rule: the classification in which it was last a candidate. */
  private readonly seenIn: Float64Array;
  private classifications = 0;

  constructor({ rules, providers }: CompiledRules) {
    super();
    this.rules = rules;
    this.providers = providers;
    this.inWords = new RuleIndex(rules, false);
    this.inWhole = new RuleIndex(rules, true);
    this.always = rules.flatMap(({ literals }, index) => (literals.length === 0 ? [index] : []));
    this.seenIn = new Float64Array(rules.length);
  }

  classify(facts: RefusalFacts): Finding {
    const refusal = prepareRefusal(facts);
    const rule = this.firstThatHolds(refusal);
    const finding = rule?.finding ?? findingOf('unclassified', DEFAULT_RULE);
    return byCode(byStage(finding, refusal), refusal);
  }

  private firstThatHolds(refusal: PreparedRefusal): CompiledRule | undefined {
    const candidates = this.candidates(refusal);
    const spoke = new Map<number, boolean>();
    for (const index of candidates) {
      const rule = this.rules[index];
      if (!rule || !rule.holds(refusal)) continue;
      if (rule.provider === undefined) return rule;
      const known = spoke.get(rule.provider) ?? this.isFrom(rule.provider, refusal);
      spoke.set(rule.provider, known);
      if (known) return rule;
    }
    return undefined;
  }

  /** The rules worth asking, in order. */
  private candidates({ words, whole }: PreparedRefusal): number[] {
    const stamp = ++this.classifications;
    const found: number[] = [];
    const add = (index: number) => {
      if (this.seenIn[index] === stamp) return;
      this.seenIn[index] = stamp;
      found.push(index);
    };
    this.inWords.scan(words, add);
    this.inWhole.scan(whole, add);
    for (const index of this.always) add(index);
    return found.sort((a, b) => a - b);
  }

  private isFrom(provider: number, { mx, whole }: PreparedRefusal): boolean {
    const known = this.providers[provider];
    if (!known) return false;
    if (mx !== '' && known.mx.some((end) => mx === end || mx.endsWith(`.${end}`))) return true;
    return known.marks.some((mark) => mark.test(whole));
  }
}

/** Leads from the literals in a text to the rules that need one of them. */
class RuleIndex {
  private readonly search: LiteralSearch;
  private readonly rulesOf: readonly (readonly number[])[];

  constructor(rules: readonly CompiledRule[], whole: boolean) {
    const byLiteral = new Map<string, number[]>();
    for (const [index, { literals }] of rules.entries()) {
      for (const wanted of literals) {
        if (wanted.whole !== whole) continue;
        const indexes = byLiteral.get(wanted.literal);
        if (indexes) indexes.push(index);
        else byLiteral.set(wanted.literal, [index]);
      }
    }
    this.search = new LiteralSearch([...byLiteral.keys()]);
    this.rulesOf = [...byLiteral.values()];
  }

  scan(text: string, add: (rule: number) => void): void {
    this.search.scan(text, (literal) => {
      for (const rule of this.rulesOf[literal] ?? []) add(rule);
    });
  }
}

const OF_AN_ADDRESS: ReadonlySet<string> = new Set(['unknown_recipient', 'recipient_disabled', 'recipient_moved']);

/** Before RCPT the server knows of no recipient: whom it calls unknown there is the sender. */
function byStage(finding: Finding, { stage }: PreparedRefusal): Finding {
  if (!OF_AN_ADDRESS.has(finding.category)) return finding;
  if (stage === 'mail') return findingOf('sender_rejected', finding.rule);
  const isEarly = stage === 'connect' || stage === 'ehlo' || stage === 'starttls' || stage === 'auth';
  return isEarly ? findingOf('policy_rejected', finding.rule) : finding;
}

/** RFC 5321 section 4.2.1: what a 4yz refuses may be tried again, whatever its words; so it is never hard. */
function byCode(finding: Finding, { code, enhanced }: PreparedRefusal): Finding {
  const isTemporary = code === 0 ? enhanced.startsWith('4') : code >= 400 && code < 500;
  if (!isTemporary || finding.category === 'expired') return finding;
  const type = finding.type === 'hard' ? 'soft' : finding.type;
  return { ...finding, type, retry: true, suppress: false };
}
