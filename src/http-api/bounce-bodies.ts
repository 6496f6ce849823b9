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
  const isMail = typeof body === 'object' && body !== null && 'raw' in body;
  const result = isMail ? mailSchema.safeParse(body) : replySchema.safeParse(body);
  if (result.success) return result.data;
  context.issues.push(...result.error.issues.map((issue) => ({ ...issue, input: undefined })));
  return z.NEVER;
});
