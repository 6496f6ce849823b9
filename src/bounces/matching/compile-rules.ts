/** Turns files of rules into a list in the order in which they are asked, each made once into what decides it. */
import { CATEGORY_FACTS } from '../../mail/categories.js';
import type { Finding } from '../../mail/classification.js';
import { foldPattern, requiredLiterals } from './pattern.js';
import type { NamedRules } from './read-rules.js';
import type { PreparedRefusal } from './refusal-text.js';
import type { Rule } from './rule-schema.js';

export interface CompiledRule {
  readonly rule: Rule;
  readonly finding: Finding;
  /** Number of the provider whose word must be had; undefined where everybody's will do. */
  readonly provider?: number;
  /** One of these literals must stand in the text, each in the one it says; none: always asked. */
  readonly literals: readonly { readonly literal: string; readonly whole: boolean }[];
  readonly holds: (refusal: PreparedRefusal) => boolean;
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
    return compileFile(file).map((compiled) => ({ compiled, tier: isProvider ? 0 : tierOf(compiled.rule) }));
  });
  // A stable sort: within a tier the order of the files stays.
  rest.sort((a, b) => a.tier - b.tier);
  return { rules: [...first, ...rest.map(({ compiled }) => compiled)], providers };
}

/** Provider, text, enhanced status code, reply code. */
function tierOf({ text, whole, enhanced }: Rule): number {
  if (text || whole) return 1;
  return enhanced ? 2 : 3;
}

export function regularExpression(pattern: string): RegExp {
  return new RegExp(foldPattern(pattern), 'u');
}

function compileRule(rule: Rule, provider: number | undefined): CompiledRule {
  const literalsOf = (patterns: readonly string[] | undefined, whole: boolean) =>
    (patterns ?? []).flatMap((pattern) => (requiredLiterals(pattern) ?? []).map((literal) => ({ literal, whole })));
  const literals = [...literalsOf(rule.text, false), ...literalsOf(rule.whole, true)];
  return { rule, finding: findingOfRule(rule), provider, literals, holds: conditionOf(rule) };
}

function findingOfRule({ category, id, type, retry, suppress, fault, explanation, todo }: Rule): Finding {
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

/** `text` and `whole` are one condition, of which any pattern will do; the conditions must hold together. */
function conditionOf(rule: Rule): (refusal: PreparedRefusal) => boolean {
  const texts = rule.text?.map(regularExpression) ?? [];
  const wholes = rule.whole?.map(regularExpression) ?? [];
  const unless = rule.unless?.map(regularExpression) ?? [];
  const enhanced = rule.enhanced && new RegExp(`^(?:${rule.enhanced.map(statusPattern).join('|')})$`);
  const codes = rule.code && new Set(rule.code);
  const stages = rule.stage && new Set<string>(rule.stage);
  const hasText = texts.length + wholes.length > 0;
  return ({ code, enhanced: status, words, whole, stage }) =>
    (!codes || codes.has(code) || codes.has(Math.floor(code / 100))) &&
    (!enhanced || enhanced.test(status)) &&
    (!stages || stages.has(stage)) &&
    (!hasText || texts.some((text) => text.test(words)) || wholes.some((text) => text.test(whole))) &&
    !unless.some((text) => text.test(words));
}

function statusPattern(status: string): string {
  return status.replaceAll('.', '\\.').replaceAll('x', '\\d{1,3}');
}
