/** Reads the hash of a message: what it is, and what its recipients are. */
import { SETTLED_STATES, type RecipientState } from '../mail/outcome.js';
import type { Holding, MessageRecord, Settlement } from './spool.js';

export type MessageFields = Readonly<Record<string, string>>;

export function readRecord(fields: MessageFields): MessageRecord | undefined {
  return fields.v === undefined ? undefined : (JSON.parse(fields.v) as MessageRecord);
}

/** How the message is held; undefined where it is not. */
export function readHolding(fields: MessageFields): Holding | undefined {
  return fields.h === undefined ? undefined : (JSON.parse(fields.h) as Holding);
}

/** Those of `positions` that are not settled. */
export function waitingOf(fields: MessageFields, positions: readonly number[]): number[] {
  return positions.filter((position) => !isSettled(fields[`s${String(position)}`]));
}

/** The state of every recipient. What it is before anything has happened to it depends on the message. */
export function statesOf(message: MessageRecord, fields: MessageFields, nowMs: number): RecipientState[] {
  const untouched = fields.h !== undefined ? 'held' : nowMs < (message.sendAt ?? 0) ? 'scheduled' : 'queued';
  return message.recipients.map((_, position) => (fields[`s${String(position)}`] ?? untouched) as RecipientState);
}

/** How recipients are settled whose message was superseded by the message `by`. */
export function supersession(recipients: readonly number[], by: string, nowMs: number): Settlement {
  return { recipients, state: 'superseded', event: { type: 'superseded', at: nowMs, recipients, by } };
}

function isSettled(state: string | undefined): boolean {
  return SETTLED_STATES.some((settled) => settled === state);
}
