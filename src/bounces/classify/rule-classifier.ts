/**
 * Classifies refusals by rules: the first that holds decides, in the order operator, provider, text, enhanced status
 * code, reply code. Only those rules are asked of which a literal stands in the text.
 */
import { findingOf, forNow } from '../../mail/categories.js';
import type { Finding } from '../../mail/classification.js';
import { Classifier, type RefusalFacts } from './classifier.js';
import type { CompiledPattern, CompiledProvider, CompiledRule, CompiledRules } from './matching/compile-rules.js';
import { LiteralSearch } from './matching/literal-search.js';
import { prepareRefusal, type PreparedRefusal } from './matching/refusal-text.js';

/** The rule of a refusal that no rule knows. */
const DEFAULT_RULE = 'default';

/** One pattern of a rule, or a rule that has none: what is asked, in order. */
interface Question {
  readonly rule: CompiledRule;
  readonly pattern?: CompiledPattern;
}

export class RuleClassifier extends Classifier {
  private readonly questions: readonly Question[];
  private readonly providers: readonly CompiledProvider[];
  private readonly inWords: QuestionIndex;
  private readonly inWhole: QuestionIndex;
  /** The questions that no literal leads to. */
  private readonly always: readonly number[];
  /** By question: the classification in which it was last a candidate. */
  private readonly seenIn: Float64Array;
  private classifications = 0;

  constructor({ rules, providers }: CompiledRules) {
    super();
    this.questions = rules.flatMap((rule): Question[] =>
      rule.patterns.length === 0 ? [{ rule }] : rule.patterns.map((pattern) => ({ rule, pattern })),
    );
    this.providers = providers;
    this.inWords = new QuestionIndex(this.questions, false);
    this.inWhole = new QuestionIndex(this.questions, true);
    this.always = this.questions.flatMap(({ pattern }, index) => (pattern ? [] : [index]));
    this.seenIn = new Float64Array(this.questions.length);
  }

  classify(facts: RefusalFacts): Finding {
    const refusal = prepareRefusal(facts);
    const rule = this.firstThatHolds(refusal);
    const finding = rule?.finding ?? findingOf('unclassified', DEFAULT_RULE);
    return byCode(byStage(finding, refusal), refusal);
  }

  private firstThatHolds(refusal: PreparedRefusal): CompiledRule | undefined {
    const { words, whole } = refusal;
    const spoke = new Map<number, boolean>();
    for (const index of this.candidates(refusal)) {
      const question = this.questions[index];
      if (!question?.rule.fits(refusal)) continue;
      const { rule, pattern } = question;
      if (pattern && !pattern.expression.test(pattern.inWhole ? whole : words)) continue;
      if (rule.isBarred(words)) continue;
      if (rule.provider === undefined) return rule;
      const known = spoke.get(rule.provider) ?? this.isFrom(rule.provider, refusal);
      spoke.set(rule.provider, known);
      if (known) return rule;
    }
    return undefined;
  }

  /** The questions worth asking, in order. */
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
    for (const index of this.always) found.push(index);
    return found.sort((a, b) => a - b);
  }

  private isFrom(provider: number, { mx, whole }: PreparedRefusal): boolean {
    const known = this.providers[provider];
    if (!known) return false;
    if (mx !== '' && known.mx.some((end) => mx === end || mx.endsWith(`.${end}`))) return true;
    return known.marks.some((mark) => mark.test(whole));
  }
}

/** Leads from the literals in a text to the questions that need one of them. */
class QuestionIndex {
  private readonly search: LiteralSearch;
  private readonly questionsOf: readonly (readonly number[])[];

  constructor(questions: readonly Question[], inWhole: boolean) {
    const byLiteral = new Map<string, number[]>();
    for (const [index, { pattern }] of questions.entries()) {
      if (pattern?.inWhole !== inWhole) continue;
      for (const literal of pattern.literals) {
        const indexes = byLiteral.get(literal);
        if (indexes) indexes.push(index);
        else byLiteral.set(literal, [index]);
      }
    }
    this.search = new LiteralSearch([...byLiteral.keys()]);
    this.questionsOf = [...byLiteral.values()];
  }

  scan(text: string, add: (question: number) => void): void {
    this.search.scan(text, (literal) => {
      for (const question of this.questionsOf[literal] ?? []) add(question);
    });
  }
}

const OF_AN_ADDRESS: ReadonlySet<string> = new Set(['unknown_recipient', 'recipient_disabled', 'recipient_moved']);

/** RFC 4954 section 6: what answers AUTH speaks of the account that we log in with. */
const OF_A_LOGIN: ReadonlySet<number> = new Set([534, 535, 538]);

/** Before RCPT the server knows of no recipient: whom it calls unknown there is the sender. */
function byStage(finding: Finding, { stage, code }: PreparedRefusal): Finding {
  if (!OF_AN_ADDRESS.has(finding.category)) return finding;
  if (OF_A_LOGIN.has(code)) return findingOf('relay_denied', finding.rule);
  if (stage === 'mail') return findingOf('sender_rejected', finding.rule);
  const isEarly = stage === 'connect' || stage === 'ehlo' || stage === 'starttls' || stage === 'auth';
  return isEarly ? findingOf('policy_rejected', finding.rule) : finding;
}

/** RFC 5321 section 4.2.1: what a 4yz refuses may be tried again, whatever its words; so it is never hard. */
function byCode(finding: Finding, { code, enhanced }: PreparedRefusal): Finding {
  const isTemporary = code === 0 ? enhanced.startsWith('4') : code >= 400 && code < 500;
  return isTemporary && finding.category !== 'expired' ? forNow(finding) : finding;
}
