/** Reads a message that is being received, within what a process may hold of them. */
import type { ByteBudget } from '../mail/byte-budget.js';
import type { SmtpFault } from './smtp-session.js';

/** Messages being received, by all sessions of a process together; beyond it a client is asked to come back. */
export const RECEIVING_BYTES_MAX = 64 * 1024 * 1024;

/** Pieces that are kept before they are made one: a client may send octet by octet, and each would cost a hundred. */
const PIECES_MAX = 512;

export interface ReceivedMessage {
  readonly bytes: Buffer;
  /** Gives the bytes back to the budget. */
  readonly release: () => void;
}

/** What is received; `sizeExceeded` as soon as it is larger than a message may be. */
type MessageStream = AsyncIterable<Buffer> & { readonly sizeExceeded: boolean };

/** Reads a message to its end; a fault where it is too large, or the process holds too much already. */
export async function receiveMessage(stream: MessageStream, budget: ByteBudget): Promise<ReceivedMessage | SmtpFault> {
  let chunks: Buffer[] | undefined = [];
  let pieces: Buffer[] = [];
  let held = 0;
  const release = (): void => {
    budget.give(held);
    held = 0;
  };
  try {
    for await (const chunk of stream) {
      // What is over the limit or over the budget is read to its end and forgotten, so that the client hears why.
      if (chunks === undefined) continue;
      if (stream.sizeExceeded || !budget.take(chunk.length)) {
        chunks = undefined;
        pieces = [];
        release();
        continue;
      }
      held += chunk.length;
      pieces.push(chunk);
      if (pieces.length < PIECES_MAX) continue;
      chunks.push(Buffer.concat(pieces));
      pieces = [];
    }
  } catch (error) {
    release();
    throw error;
  }
  if (stream.sizeExceeded) {
    release();
    return 'message_too_large';
  }
  if (chunks === undefined) return 'over_budget';
  const all = [...chunks, ...pieces];
  return { bytes: all.length === 1 && all[0] ? all[0] : Buffer.concat(all), release };
}
