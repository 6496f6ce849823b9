/** `/v1/messages`: hands a message to the one way in, and tells what became of it. */
import { Body, Controller, Get, Headers, HttpCode, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Credential } from '../accounts/credentials.js';
import { isMessageId } from '../mail/message-id.js';
import type { StoredAnswer } from '../queue/idempotency.js';
import { Spool } from '../queue/spool.js';
import { AcceptMessage, type Submission } from '../submission/accept-message.js';
import { badOption } from '../submission/message-options.js';
import { readOptions, type MessageOptions } from '../submission/option-schemas.js';
import { Caller } from './caller.js';
import { messageSchema, type ComposedMessage, type RawMessage } from './message-schema.js';
import { viewMessage, type MessageView } from './message-view.js';
import { composeMessage } from './nodemailer-composer.js';
import { payloadHash } from './payload-hash.js';
import { problem, ProblemError, problemOfRefusal } from './problem.js';
import { rateHeaders } from './rate-headers.js';
import { NeedsScope } from './scope.guard.js';
import { StoreAccess } from './store-access.js';

type AcceptedView = StoredAnswer;

@Controller('v1/messages')
export class MessagesController {
  constructor(
    private readonly acceptMessage: AcceptMessage,
    private readonly spool: Spool,
    private readonly store: StoreAccess,
  ) {}

  /** 202 is a promise: it is answered after the durable write, and never before. */
  @Post()
  @HttpCode(202)
  @NeedsScope('send')
  async send(
    @Body({ schema: messageSchema }) body: ComposedMessage | RawMessage,
    @Headers('idempotency-key') idempotencyKey: string | undefined,
    @Caller() caller: Credential,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AcceptedView> {
    const acceptance = await this.acceptMessage.accept({
      account: caller.account,
      door: 'http',
      credential: caller,
      source: { kind: 'http' },
      ...('raw' in body ? rawMail(body) : await composedMail(body)),
      options: optionsOf(body, idempotencyKey),
      fingerprint: () => payloadHash(body),
    });
    if (acceptance.kind === 'refused') {
      const refused = problemOfRefusal(acceptance.refusal);
      throw new ProblemError({ ...refused, headers: { ...refused.headers, ...rateHeaders(acceptance.rate) } }, true);
    }
    const { id, recipients, replayed, rate } = acceptance;
    void reply.headers({ ...rateHeaders(rate), ...(replayed && { 'Idempotent-Replayed': 'true' }) });
    return { id, recipients };
  }

  @Get(':id')
  @NeedsScope('read')
  async show(@Param('id') id: string, @Caller() caller: Credential): Promise<MessageView> {
    const history = isMessageId(id) ? await this.store.ask(() => this.spool.read(id)) : undefined;
    // Another account's message does not exist for this one.
    if (history?.message.account !== caller.account) {
      throw new ProblemError(problem('not_found', 'There is no such message, or its history is over'));
    }
    return viewMessage(history);
  }
}

/** The options of the body, with the key that stands in the request's header. */
function optionsOf(body: ComposedMessage | RawMessage, idempotencyKey: string | undefined): MessageOptions {
  const { stream, tags, metadata, sendAt, expiresIn, supersedeKey } = body;
  const reading = readOptions({ idempotencyKey });
  if (reading.kind === 'fault') {
    throw new ProblemError(problemOfRefusal(badOption('Idempotency-Key', reading.why)));
  }
  return { ...reading.options, stream, tags, metadata, sendAt, expiresIn, supersedeKey };
}

type Mail = Pick<Submission, 'reversePath' | 'recipients' | 'content'>;

function rawMail({ raw, envelope }: RawMessage): Mail {
  return { reversePath: envelope.from, recipients: envelope.to, content: raw };
}

async function composedMail(body: ComposedMessage): Promise<Mail> {
  const { from, to = [], cc = [], bcc = [] } = body;
  const recipients = [...to, ...cc, ...bcc].map(({ address }) => address);
  return { reversePath: from.address, recipients, content: await composeMessage(body) };
}
