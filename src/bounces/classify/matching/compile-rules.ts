/** Turns files of rules into a list in the order in which they are asked, each made once into what decides it. */
import { CATEGORY_FACTS } from '../../../mail/categories.js';
import type { Finding } from '../../../mail/classification.js';
import { foldPattern, requiredLiterals } from './pattern.js';
import type { NamedRules } from './read-rules.js';
import type { PreparedRefusal } from './refusal-text.js';
import type { Rule } from './rule-schema.js';

export interface CompiledRule {
  readonly finding: Finding;
  /** Number of the provider whose word must be had; undefined where everybody's will do. */
  readonly provider?: number;
  /** Any of these must be in the text; none: the codes and the stage decide alone. */
  readonly patterns: readonly CompiledPattern[];
  /** Whether codes and stage are as the rule wants them. */
  readonly fits: (refusal: PreparedRefusal) => boolean;
  /** Whether the text holds what must not be there. */
  readonly isBarred: (words: string) => boolean;
}

export interface CompiledPattern {
  readonly expression: RegExp;
  /** Looked for in the text as it came, not in the one with stand-ins. */
  readonly inWhole: boolean;
  /** A match holds one of these. */
  readonly literals: readonly string[];
}

export interface CompiledProvider {
  readonly mx: readonly string[];
  readonly marks: readonly RegExp[];
}

export interface CompiledRules {
  readonly rules: readonly CompiledRule[];
  readonly providers: readonly CompiledProvider[];
}

/** @param operator goes first, whole and in its own order */
export function compileRules(own: readonly NamedRules[], operator?: NamedRules): CompiledRules {
  const providers: CompiledProvider[] = [];
  const compileFile = (file: NamedRules): CompiledRule[] => {
    const isProvider = file.mx !== undefined || file.marks !== undefined;
    const number = isProvider
      ? providers.push({ mx: file.mx ?? [], marks: (file.marks ?? []).map(regularExpression) }) - 1
      : undefined;
    return file.rules.map((rule) => compileRule(rule, rule.unmistakable === true ? undefined : number));
  };
  const first = operator ? compileFile(operator) : [];
  const rest = own.flatMap((file) => {
    const isProvider = file.mx !== undefined || file.marks !== undefined;
    return compileFile(file).map((compiled, index) => ({ compiled, tier: isProvider ? 0 : tierOf(file.rules[index]) }));
  });
  // A stable sort: within a tier the order of the files stays.
  rest.sort((a, b) => a.tier - b.tier);
  return { rules: [...first, ...rest.map(({ compiled }) => compiled)], providers };
}

/** Provider, text, enhanced status code, reply code. */
function tierOf(rule: Rule | undefined): number {
  if (rule?.text || rule?.whole) return 1;
  return rule?.enhanced ? 2 : 3;
}

export function regularExpression(pattern: string): RegExp {
  return new RegExp(foldPattern(pattern), 'u');
}

function compileRule(rule: Rule, provider: number | undefined): CompiledRule {
  const compiled = (patterns: readonly string[] | undefined, inWhole: boolean): CompiledPattern[] =>
    (patterns ?? []).map((pattern) => ({
      expression: regularExpression(pattern),
      inWhole,
      literals: requiredLiterals(pattern) ?? [],
    }));
  const unless = (rule.unless ?? []).map(regularExpression);
  return {
    finding: findingOfRule(rule),
    provider,
    patterns: [...compiled(rule.text, false), ...compiled(rule.whole, true)],
    fits: conditionOf(rule),
    isBarred: (words) => unless.some((expression) => expression.test(words)),
  };
}

/** What follows from `rule`. */
export function findingOfRule({ category, id, type, retry, suppress, fault, explanation, todo }: Rule): Finding {
  const facts = CATEGORY_FACTS[category];
  return {
    category,
    type: type ?? facts.type,
    retry: retry ?? facts.retry,
    suppress: suppress ?? ((type ?? facts.type) === 'hard' && facts.suppress),
    fault: fault ?? facts.fault,
    rule: id,
    ...(explanation === undefined ? {} : { explanation }),
    ...(todo === undefined ? {} : { todo }),
  };
}

/** The conditions must hold together. */
function conditionOf(rule: Rule): (refusal: PreparedRefusal) => boolean {
  const enhanced = rule.enhanced && new RegExp(`^(?:${rule.enhanced.map(statusPattern).join('|')})$`);
  const codes = rule.code && new Set<number>(rule.code);
  const stages = rule.stage && new Set<string>(rule.stage);
  return ({ code, enhanced: status, stage }) =>
    (!codes || codes.has(code) || codes.has(Math.floor(code / 100))) &&
    (!enhanced || enhanced.test(status)) &&
    (!stages || stages.has(stage));
}

function statusPattern(status: string): string {
  return status.replaceAll('.', '\\.').replaceAll('x', '\\d{1,3}');
}
