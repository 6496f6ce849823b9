/**
 * Reads a request's body as JSON: RFC 8259, UTF-8. What a body can make this process hold is bounded three times: in
 * bytes, in bytes of all bodies together, and in the number of values, because a byte of `[` becomes fifty of memory.
 */
import type { Readable } from 'node:stream';
import type { ByteBudget } from '../mail/byte-budget.js';
import { refusal } from '../submission/refusals.js';
import { problem, problemOfRefusal, type Problem } from './problem.js';

export interface JsonBodyLimits {
  readonly bodyBytesMax: number;
  /** What the body may hold when it is decoded; only said in the refusal. */
  readonly messageBytesMax: number;
}

export type JsonBody =
  /** `release` gives the bytes back to the budget, when nobody needs the value any more. */
  | { readonly kind: 'read'; readonly value: unknown; readonly release: () => void }
  | { readonly kind: 'refused'; readonly problem: Problem };

/** A message for 10,000 recipients with all that it may have needs a third of it. */
const JSON_VALUES_MAX = 100_000;
/** A body that is too large is read on to here, so that its sender hears why; then it is cut. */
const READ_ON_FACTOR = 4;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Never rejects: a lost connection is a refusal that nobody reads. */
export async function readJsonBody(payload: Readable, limits: JsonBodyLimits, budget: ByteBudget): Promise<JsonBody> {
  const bytes = await receive(payload, limits, budget);
  if ('status' in bytes) return { kind: 'refused', problem: bytes };
  // Clients say the type with every request; who sends nothing sends no body.
  if (bytes.length === 0) return { kind: 'read', value: undefined, release: () => undefined };
  const release = (): void => {
    budget.give(bytes.length);
  };
  const parsed = parseJson(bytes);
  if (parsed.kind === 'parsed') return { kind: 'read', value: parsed.value, release };
  release();
  return { kind: 'refused', problem: problem('malformed_json', parsed.why) };
}

async function receive(payload: Readable, limits: JsonBodyLimits, budget: ByteBudget): Promise<Buffer | Problem> {
  const { bodyBytesMax, messageBytesMax } = limits;
  let chunks: Buffer[] = [];
  let held = 0;
  let seen = 0;
  let refused: Problem | undefined;
  const forget = (): void => {
    budget.give(held);
    chunks = [];
    held = 0;
  };
  try {
    // Not destroyed on the way out, because the answer goes over the same connection.
    for await (const chunk of payload.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      seen += chunk.length;
      if (refused) {
        if (seen > bodyBytesMax * READ_ON_FACTOR) break;
      } else if (seen > bodyBytesMax) {
        refused = problemOfRefusal(refusal('message_too_large', messageBytesMax));
        forget();
      } else if (budget.take(chunk.length)) {
        held += chunk.length;
        chunks.push(chunk);
      } else {
        refused = problemOfRefusal(refusal('receiving_too_much'));
        forget();
      }
    }
  } catch {
    forget();
    return problem('malformed_request', 'the connection was lost before its end');
  }
  return refused ?? Buffer.concat(chunks, held);
}

type Parsed =
  { readonly kind: 'parsed'; readonly value: unknown } | { readonly kind: 'malformed'; readonly why: string };

/** Parses JSON text in UTF-8 that holds no more values than a body of ours can need. */
export function parseJson(bytes: Buffer): Parsed {
  if (holdsMoreValuesThan(JSON_VALUES_MAX, bytes)) {
    return { kind: 'malformed', why: `it holds more than ${JSON_VALUES_MAX} values` };
  }
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return { kind: 'malformed', why: 'it is not UTF-8' };
  }
  try {
    return { kind: 'parsed', value: JSON.parse(text) };
  } catch (error) {
    return { kind: 'malformed', why: (error as Error).message.slice(0, 200) };
  }
}

/** Every value but the first of all follows a comma or an opening bracket outside of a string. */
function holdsMoreValuesThan(valuesMax: number, bytes: Buffer): boolean {
  let values = 1;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) i = endOfString(bytes, i);
    else if ((byte === COMMA || byte === OPEN_BRACKET || byte === OPEN_BRACE) && ++values > valuesMax) return true;
  }
  return false;
}

/** Offset of the quote that ends the string which begins at `start`. */
function endOfString(bytes: Buffer, start: number): number {
  for (let end = bytes.indexOf(QUOTE, start + 1); end !== -1; end = bytes.indexOf(QUOTE, end + 1)) {
    let backslashes = 0;
    while (bytes[end - 1 - backslashes] === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return bytes.length;
}
