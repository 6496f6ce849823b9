/** `/v1/messages`: hands a message to the one way in, and tells what became of it. */
import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import type { Credential } from '../accounts/credentials.js';
import { isMessageId } from '../mail/message-id.js';
import { Spool } from '../queue/spool.js';
import { AcceptMessage, type Submission } from '../submission/accept-message.js';
import { SenderStanding } from '../submission/sender-standing.js';
import { Caller } from './caller.js';
import { messageSchema, type ComposedMessage, type RawMessage } from './message-schema.js';
import { viewMessage, type MessageView } from './message-view.js';
import { composeMessage } from './nodemailer-composer.js';
import { problem, ProblemError, problemOfRefusal } from './problem.js';
import { NeedsScope } from './scope.guard.js';
import { StoreAccess } from './store-access.js';

interface AcceptedView {
  readonly id: string;
  readonly recipients: readonly { readonly address: string; readonly state: 'queued' }[];
}

@Controller('v1/messages')
export class MessagesController {
  constructor(
    private readonly acceptMessage: AcceptMessage,
    private readonly spool: Spool,
    private readonly store: StoreAccess,
    private readonly standing: SenderStanding,
  ) {}

  /** 202 is a promise: it is answered after the durable write, and never before. */
  @Post()
  @HttpCode(202)
  @NeedsScope('send')
  async send(
    @Body({ schema: messageSchema }) body: ComposedMessage | RawMessage,
    @Caller() caller: Credential,
  ): Promise<AcceptedView> {
    // The key itself was checked with this very request.
    const fallen = await this.standing.refusalOf(caller.account);
    if (fallen) throw new ProblemError(problemOfRefusal(fallen));
    const { stream, tags, metadata, expiresIn } = body;
    const acceptance = await this.acceptMessage.accept({
      account: caller.account,
      door: 'http',
      source: { kind: 'http' },
      ...('raw' in body ? rawMail(body) : await composedMail(body)),
      stream,
      ...(tags && { tags }),
      ...(metadata && { metadata }),
      ...(expiresIn !== undefined && { expiresInMs: expiresIn * 1000 }),
    });
    if (acceptance.kind === 'refused') throw new ProblemError(problemOfRefusal(acceptance.refusal), true);
    const { id, recipients } = acceptance;
    return { id, recipients: recipients.map((address) => ({ address, state: 'queued' })) };
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

type Mail = Pick<Submission, 'reversePath' | 'recipients' | 'content'>;

function rawMail({ raw, envelope }: RawMessage): Mail {
  return { reversePath: envelope.from, recipients: envelope.to, content: raw };
}

async function composedMail(body: ComposedMessage): Promise<Mail> {
  const { from, to = [], cc = [], bcc = [] } = body;
  const recipients = [...to, ...cc, ...bcc].map(({ address }) => address);
  return { reversePath: from.address, recipients, content: await composeMessage(body) };
}
