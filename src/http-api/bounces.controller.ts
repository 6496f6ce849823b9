/**
 * `/v1/bounces/classify`: what a refusal means, or a whole mail that came back, without anything coming of it. The same
 * rules decide here as on the way of a message.
 */
import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { Classifier } from '../bounces/classify/classifier.js';
import { readReturnedMail } from '../bounces/returned-mail/read-returned-mail.js';
import type { ReturnedMail, ReturnedRecipient } from '../bounces/returned-mail/returned-mail.js';
import { inWords } from '../mail/categories.js';
import type { Classification } from '../mail/classification.js';
import { classifySchema, type MailToClassify, type ReplyToClassify } from './bounce-bodies.js';
import { NeedsScope } from './scope.guard.js';

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
