/** The credentials of a provisioning file against those that are there: part of the plan. */
import type { Redis } from 'ioredis';
import { credentialsKey, lookupOf, recordKey, usesKey, type StoredCredential } from './credential.js';
import { putRecord, type AccountState, type Changed } from './provision-changes.js';
import type { FaultAtPath } from './provision-repeats.js';
import type { ProvisionedCredential } from './provision-schema.js';
import { newCredentialId } from './secrets.js';

export interface WantedCredential {
  readonly account: string;
  readonly spec: ProvisionedCredential;
  readonly path: readonly PropertyKey[];
}

export interface CredentialPlan {
  /** How many credentials of an account stay that it does not owe to the file. */
  readonly kept: ReadonlyMap<string, number>;
  readonly conflicts: readonly FaultAtPath[];
}

export async function planCredentials(
  redis: Redis,
  states: readonly AccountState[],
  wanted: readonly WantedCredential[],
  changed: Changed,
  nowMs: number,
): Promise<CredentialPlan> {
  const wantedAt = new Map(wanted.map((credential) => [lookupOf(credential.spec), credential]));
  const records = await readRecords(redis, [
    ...wantedAt.keys(),
    ...states.flatMap((state) => Object.values(state.credentials)),
  ]);
  const kept = new Map<string, number>();
  /** Lookups whose credential the file has put there: they are the file's to change. */
  const owned = new Map<string, { readonly stored: StoredCredential; readonly record: string }>();
  for (const { name, credentials } of states) {
    for (const [id, lookup] of Object.entries(credentials)) {
      const record = records.get(lookup) ?? null;
      const stored = record === null ? undefined : (JSON.parse(record) as StoredCredential);
      if (record === null || stored?.provisioned !== true) {
        kept.set(name, (kept.get(name) ?? 0) + 1);
        continue;
      }
      owned.set(lookup, { stored, record });
      if (isSame(stored, wantedAt.get(lookup))) continue;
      const use = await redis.hget(usesKey(name), id);
      changed.changes.push({ key: credentialsKey(name), field: id, was: lookup, becomes: null });
      if (use !== null) changed.changes.push({ key: usesKey(name), field: id, was: use, becomes: null });
      if (!wantedAt.has(lookup)) {
        changed.changes.push({ key: recordKey(lookup), was: record, becomes: null });
        changed.things++;
      }
    }
  }
  const conflicts = [...wantedAt].flatMap(([lookup, credential]) => {
    const known = records.get(lookup) ?? null;
    if (known !== null && !owned.has(lookup)) return [conflictOf(credential, JSON.parse(known) as StoredCredential)];
    put(credential, lookup, owned.get(lookup), changed, nowMs);
    return [];
  });
  return { kept, conflicts };
}

function put(
  wanted: WantedCredential,
  lookup: string,
  owned: { readonly stored: StoredCredential; readonly record: string } | undefined,
  changed: Changed,
  nowMs: number,
): void {
  const isKept = owned !== undefined && isSame(owned.stored, wanted);
  const { id, createdAt } = isKept ? owned.stored : { id: newCredentialId(), createdAt: nowMs };
  const stored: StoredCredential = { id, account: wanted.account, createdAt, ...wanted.spec, provisioned: true };
  putRecord(changed, { key: recordKey(lookup) }, owned?.record ?? null, stored);
  if (!isKept) changed.changes.push({ key: credentialsKey(wanted.account), field: id, was: null, becomes: lookup });
}

/** With another secret or account it is another credential: who came in with the old one must not stay. */
function isSame(stored: StoredCredential, wanted: WantedCredential | undefined): boolean {
  return wanted?.account === stored.account && wanted.spec.hash === stored.hash;
}

function conflictOf({ spec, path }: WantedCredential, { id, account }: StoredCredential): FaultAtPath {
  const what = spec.kind === 'smtp' ? 'user' : 'hash';
  const howTo = `./posthorn credential remove ${id} --account ${account}`;
  const message = `must be another ${what}: the account ${account} has this one, made by hand (${howTo} takes it away)`;
  return { path: [...path, what], message };
}

async function readRecords(redis: Redis, lookups: readonly string[]): Promise<ReadonlyMap<string, string | null>> {
  const names = [...new Set(lookups)];
  const records = names.length === 0 ? [] : await redis.mget(names.map(recordKey));
  return new Map(names.map((name, index) => [name, records[index] ?? null]));
}
