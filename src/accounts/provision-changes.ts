/** What the plan of a provisioning is made of: what is there, and what is to change of it. */
import { isDeepStrictEqual } from 'node:util';
import type { RecordChange } from '../store/change-records.js';
import type { ProvisionedAccount } from './provision-schema.js';

/** What is kept of an account that the file names, or was provisioned. */
export interface AccountState {
  readonly name: string;
  /** The account's record; null where there is none yet. */
  readonly record: string | null;
  readonly wanted: ProvisionedAccount | undefined;
  /** Lookups by credential id. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Records by domain. */
  readonly domains: Readonly<Record<string, string>>;
}

/** Records that change together, and how many accounts, domains and credentials they are. */
export interface Changed {
  readonly changes: RecordChange[];
  things: number;
}

/** Writes `value` where it differs from what is there. */
export function putRecord(
  changed: Changed,
  at: { readonly key: string; readonly field?: string },
  was: string | null,
  value: object,
): void {
  const becomes = JSON.stringify(value);
  if (was !== null && isDeepStrictEqual(JSON.parse(was), JSON.parse(becomes))) return;
  changed.changes.push({ ...at, was, becomes });
  changed.things++;
}
