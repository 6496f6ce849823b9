/** The form of a file of rules. */
import { z } from 'zod';
import '../../../config/schema-words.js';
import { CATEGORIES, DIALOGUE_STAGES, FAULTS } from '../../../mail/classification.js';
import { patternFault } from './pattern.js';

const BOUNDS = { patterns: 200, rules: 1_000, words: 600 };

const words = z.string().trim().min(1).max(BOUNDS.words);

const patternsWith = (needsLiteral: boolean) =>
  z
    .array(
      z.string().superRefine((text, context) => {
        const fault = patternFault(text, needsLiteral);
        if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
      }),
    )
    .min(1)
    .max(BOUNDS.patterns);
const patterns = patternsWith(true);

const id = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{0,63}$/, 'must be 1 to 64 of a-z, 0-9, "." and "-", not beginning with a sign');

/** `5.1.1`, with `x` for any: `x.2.2`, `5.7.x`. */
const enhanced = z.string().regex(/^[245x]\.(\d{1,3}|x)\.(\d{1,3}|x)$/, 'must be as 5.1.1, with x for any number');

const ruleSchema = z
  .strictObject({
    id,
    category: z.enum(CATEGORIES),
    /** The text with stand-ins holds any of these. */
    text: patterns.optional(),
    /** The text as it came, in lower case, holds any of these: for links, hosts and codes of a provider. */
    whole: patterns.optional(),
    /** And none of these, in the text with stand-ins. */
    unless: patternsWith(false).optional(),
    enhanced: z.array(enhanced).min(1).max(50).optional(),
    /** Reply codes; 4 and 5 stand for all that begin so, 0 for none that is known. */
    code: z
      .array(z.union([z.literal(0), z.literal(4), z.literal(5), z.number().int().min(200).max(599)]))
      .min(1)
      .max(50)
      .optional(),
    stage: z.array(z.enum(DIALOGUE_STAGES)).min(1).optional(),
    /** Of a provider's rule: its text is used by nobody else, so that it holds whoever spoke. */
    unmistakable: z.boolean().optional(),
    type: z.enum(['hard', 'soft', 'undetermined']).optional(),
    retry: z.boolean().optional(),
    suppress: z.boolean().optional(),
    fault: z.enum(FAULTS).optional(),
    explanation: words.optional(),
    todo: words.optional(),
    /** Where it is written that this means so. */
    source: words.optional(),
    /** Replies that this rule is for. */
    sample: z.array(z.string().min(1).max(1_000)).min(1).optional(),
  })
  .superRefine((rule, context) => {
    if (!rule.text && !rule.whole && !rule.enhanced && !rule.code && !rule.stage) {
      context.addIssue({ code: 'custom', message: 'must have text, whole, enhanced, code or stage' });
    }
    if (rule.source === undefined && rule.sample === undefined) {
      context.addIssue({ code: 'custom', message: 'must have a source or a sample' });
    }
    if (rule.suppress === true && (rule.type ?? 'hard') !== 'hard') {
      context.addIssue({ code: 'custom', message: 'may suppress only what is hard' });
    }
  });

export const rulesFileSchema = z.strictObject({
  /** Whose rules these are, for people. */
  provider: words.optional(),
  source: words.optional(),
  /** Ends of the names of the provider's MX hosts: `google.com` is its own and all below. */
  mx: z
    .array(z.string().regex(/^[a-z0-9.-]{3,255}$/, 'must be a domain name in lower case'))
    .min(1)
    .optional(),
  /** Marks in the text as it came by which the provider is known. */
  marks: patterns.optional(),
  rules: z.array(ruleSchema).max(BOUNDS.rules),
});

export type RulesFile = z.infer<typeof rulesFileSchema>;
export type Rule = z.infer<typeof ruleSchema>;
