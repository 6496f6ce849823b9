/**
 * `/v1/bounces/classify`: what a refusal means, or a whole mail that came back, without anything coming of it. The same
 * rules decide here as on the way of a message.
 */
import { z } from 'zod';
import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { Classifier } from '../bounces/classifier.js';
import { readReturnedMail } from '../bounces/read-returned-mail.js';
import type { ReturnedMail, ReturnedRecipient } from '../bounces/returned-mail.js';
import { inWords } from '../mail/categories.js';
import { DIALOGUE_STAGES, type Classification } from '../mail/classification.js';
import { line } from '../submission/option-schemas.js';
import { NeedsScope } from './scope.guard.js';
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

type ReplyToClassify = z.output<typeof replySchema>;
type MailToClassify = z.output<typeof mailSchema>;

/** Either form; faults are told of the one that was meant. */
const classifySchema = z.unknown().transform((body, context): ReplyToClassify | MailToClassify => {
  const isMail = typeof body === 'object' && body !== null && 'raw' in body;
  const result = isMail ? mailSchema.safeParse(body) : replySchema.safeParse(body);
  if (result.success) return result.data;
  context.issues.push(...result.error.issues.map((issue) => ({ ...issue, input: undefined })));
  return z.NEVER;
});

type RecipientView = Omit<ReturnedRecipient, 'classification'> & { readonly classification: Classification };
type MailView = Omit<ReturnedMail, 'recipients'> & {
  readonly isBounce: boolean;
  readonly recipients: readonly RecipientView[];
};

@Controller('v1/bounces')
export class BouncesController {
  constructor(private readonly classifier: Classifier) {}

  @Post('classify')
  @HttpCode(200)
  @NeedsScope('read')
  classify(
    @Body({ schema: classifySchema }) body: ReplyToClassify | MailToClassify,
  ): { readonly classification: Classification } | MailView {
    if ('raw' in body) return viewMail(readReturnedMail(body.raw, this.classifier));
    const { reply, mx, stage } = body;
    const found = this.classifier.classify({
      text: reply,
      ...(mx !== undefined && { mx }),
      ...(stage !== undefined && { stage }),
    });
    return { classification: inWords(found) };
  }
}

function viewMail({ kind, recipients, ...rest }: ReturnedMail): MailView {
  const views = recipients.map((recipient) => ({
    ...recipient,
    classification: inWords(recipient.classification),
  }));
  return { kind, isBounce: kind === 'bounce', recipients: views, ...rest };
}
