/**
 * Sends what waits of a transaction over a session of its destination, once. Never throws for what a receiver or the network
 * does: that is an outcome.
 */
import type { Route } from '../config/routes.js';
import { ByteBudget } from '../mail/byte-budget.js';
import { fieldValue, parseHeaderBlock } from '../mail/header-block.js';
import type { Claim, Spool } from '../queue/spool.js';
import type { Attempt } from './conclude-attempt.js';
import type { ConnectionPool } from './connection-pool.js';
import type { TransferResult } from './nodemailer-session.js';
import { outgoingMail, type OutgoingParts } from './outgoing-mail.js';
import { destinationOf } from './routing.js';

/** Bodies in a worker's memory at once: as read, as signed, and in the socket. */
const BODIES_BYTES_MAX = 256 * 1024 * 1024;
const COPIES_OF_BODY = 3;

export interface AttemptParts extends OutgoingParts {
  readonly spool: Spool;
  readonly pool: ConnectionPool;
}

export class MakeAttempt {
  private readonly bodies = new ByteBudget(BODIES_BYTES_MAX);

  constructor(
    private readonly parts: AttemptParts,
    private readonly routes: readonly Route[],
    private readonly bounceDomain: string,
  ) {}

  /** `crowded`: no attempt was made, because the destination or our memory is full. */
  async attempt(claim: Claim): Promise<Attempt | 'crowded'> {
    const { pool, spool, metrics } = this.parts;
    const { message, waiting, work } = claim;
    const destination = destinationOf(this.routes, message.transactions[work.transaction]?.domain ?? '');
    const recipients = waiting.map((position) => message.recipients[position] ?? '');
    const acquired = await pool.acquire(destination, work.stream);
    if (acquired.kind === 'crowded') return 'crowded';
    if (acquired.kind === 'failed') {
      const outcomes = new Map(recipients.map((recipient) => [recipient, acquired.outcome]));
      return { outcomes, mx: acquired.mx, tls: false };
    }
    const { session } = acquired;
    const held = Math.min(message.bodyBytes * COPIES_OF_BODY, this.bodies.bytesMax);
    if (!this.bodies.take(held)) {
      pool.release(destination, session);
      return 'crowded';
    }
    let result: TransferResult;
    let sentMessageId: string | undefined;
    try {
      // Read and signed only now: a destination that cannot be reached costs neither.
      const body = await spool.body(claim);
      const mail = await outgoingMail(claim, body, destination, this.bounceDomain, this.parts);
      const stopTimer = metrics.attemptDuration.startTimer({ phase: 'transfer' });
      result = await session.transfer(mail.reversePath, recipients, mail.content);
      stopTimer();
      if (destination.kind === 'smarthost') sentMessageId = messageIdOfTaken(body, result);
    } finally {
      this.bodies.give(held);
      pool.release(destination, session);
    }
    // A warm session that had died says nothing about the message.
    if (result.neverBegan) return this.attempt(claim);
    const { outcomes } = result;
    return { outcomes, mx: session.label, tls: session.secure, ...(sentMessageId !== undefined && { sentMessageId }) };
  }
}

/** What a smarthost took may come back without anything of ours but the Message-ID. */
function messageIdOfTaken(body: Buffer, { outcomes }: TransferResult): string | undefined {
  if (![...outcomes.values()].some(({ kind }) => kind === 'delivered' || kind === 'unknown')) return undefined;
  const field = parseHeaderBlock(body).fields.find(({ name }) => name === 'message-id');
  return field && fieldValue(body, field);
}
