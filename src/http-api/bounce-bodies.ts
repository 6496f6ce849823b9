/** What `/v1/bounces/classify` takes: a reply as a server gave it, or a whole mail that came back. */
import { z } from 'zod';
import { DIALOGUE_STAGES } from '../mail/classification.js';
import { line } from '../submission/option-schemas.js';
import { base64Bytes, bodyText } from './text-schemas.js';

/** More than any server says; of more than 4,000 characters the classifier reads the first. */
const REPLY_CHARACTERS_MAX = 16_384;
const MX_CHARACTERS_MAX = 512;

const replySchema = z.strictObject({
  reply: z.string().min(1).max(REPLY_CHARACTERS_MAX).pipe(bodyText()),
  mx: line(1, MX_CHARACTERS_MAX).optional(),
  stage: z.enum(DIALOGUE_STAGES, { error: `must be one of ${DIALOGUE_STAGES.join(', ')}` }).optional(),
});
const mailSchema = z.strictObject({ raw: base64Bytes() });

export type ReplyToClassify = z.output<typeof replySchema>;
export type MailToClassify = z.output<typeof mailSchema>;

/** Either form; faults are told of the one that was meant. */
export const classifySchema = z.unknown().transform((body, context): ReplyToClassify | MailToClassify => {
  const has = (field: string) => typeof body === 'object' && body !== null && field in body;
  const isMail = has('raw');
  if (isMail && has('reply')) return fault(context, ['raw'], 'must not stand beside reply: ask about one of the two');
  if (!isMail && !has('reply') && !Array.isArray(body) && typeof body === 'object' && body !== null) {
    return fault(
      context,
      [],
      'must have "reply", what a server said, or "raw", a whole mail that came back, in base64',
    );
  }
  const result = isMail ? mailSchema.safeParse(body) : replySchema.safeParse(body);
  if (result.success) return result.data;
  context.issues.push(...result.error.issues.map((issue) => ({ ...issue, input: undefined })));
  return z.NEVER;
});

function fault(context: z.RefinementCtx, path: PropertyKey[], message: string): never {
  context.addIssue({ code: 'custom', path, message });
  return z.NEVER;
}
