/**
 * What a provisioning file makes of what is there: which records are missing, differ, or were provisioned before and stand in
 * the file no longer. What was made by hand is left alone, and in the way of nothing but a user of the same name.
 */
import type { Redis } from 'ioredis';
import { accountEventsKey } from '../events/account-log.js';
import type { RecordChange } from '../store/change-records.js';
import { ACCOUNTS_KEY, DEFAULT_WATCH, newAccount, readAccount, type Account } from './account.js';
import { credentialsKey, usesKey } from './credential.js';
import { planCredentials, type WantedCredential } from './plan-provisioned-credentials.js';
import { putRecord, type AccountState, type Changed } from './provision-changes.js';
import type { FaultAtPath } from './provision-repeats.js';
import type { ProvisionedAccount, ProvisionedDomain } from './provision-schema.js';
import type { CheckedDomain } from './domain-checks.js';
import { domainOnOperatorsWord, domainWithoutOperatorsWord } from './domain-state.js';
import { ANY_DOMAIN, domainsKey, verifiedDomain, type SendingDomain } from './sending-domains.js';

export interface ProvisionPlan {
  readonly changes: readonly RecordChange[];
  /** Accounts, domains and credentials that change. */
  readonly changed: number;
  /** Where the file and what was made by hand cannot both be. */
  readonly conflicts: readonly FaultAtPath[];
  readonly checks: CheckPlan;
  /** Accounts that are taken away. */
  readonly gone: readonly string[];
}

/** Once the changes are made. */
export interface CheckPlan {
  /** Domains that are new, or have lost the operator's word: DNS is to be asked soon. */
  readonly due: readonly CheckedDomain[];
  /** Domains that are no more. */
  readonly gone: readonly CheckedDomain[];
}

interface DomainPlan {
  /** How many domains of an account stay that it does not owe to the file. */
  readonly kept: number;
  readonly checks: CheckPlan;
}

export async function planProvision(
  redis: Redis,
  accounts: readonly ProvisionedAccount[],
  nowMs: number,
): Promise<ProvisionPlan> {
  const states = await readStates(redis, accounts);
  const wanted = accounts.flatMap(({ name, credentials }, i) =>
    credentials.map((spec, j): WantedCredential => ({ account: name, spec, path: ['accounts', i, 'credentials', j] })),
  );
  const changed: Changed = { changes: [], things: 0 };
  const { kept, conflicts } = await planCredentials(redis, states, wanted, changed, nowMs);
  const plans = states.map((state) => {
    const plan = planDomains(state, changed, nowMs);
    const isGone = planAccount(state, plan.kept + (kept.get(state.name) ?? 0), changed, nowMs);
    return { ...plan.checks, account: isGone ? [state.name] : [] };
  });
  const checks = { due: plans.flatMap(({ due }) => due), gone: plans.flatMap(({ gone }) => gone) };
  return {
    changes: changed.changes,
    changed: changed.things,
    conflicts,
    checks,
    gone: plans.flatMap(({ account }) => account),
  };
}

/** Only accounts that are marked so hold anything that was provisioned. */
async function readStates(redis: Redis, accounts: readonly ProvisionedAccount[]): Promise<AccountState[]> {
  const records = await redis.hgetall(ACCOUNTS_KEY);
  const provisioned = Object.entries(records).filter(([, record]) => {
    const account = JSON.parse(record) as Account;
    return account.provisioned ?? account.namedInProvision;
  });
  const wanted = new Map(accounts.map((account) => [account.name, account]));
  const names = new Set([...wanted.keys(), ...provisioned.map(([name]) => name)]);
  return Promise.all(
    [...names].map(async (name): Promise<AccountState> => {
      const [credentials, domains] = await Promise.all([
        redis.hgetall(credentialsKey(name)),
        redis.hgetall(domainsKey(name)),
      ]);
      const record = Object.hasOwn(records, name) ? (records[name] ?? null) : null;
      return { name, record, wanted: wanted.get(name), credentials, domains };
    }),
  );
}

/**
 * @param handMade things of the account that stay though the file does not name it
 * @returns whether it is taken away
 */
function planAccount(state: AccountState, handMade: number, changed: Changed, nowMs: number): boolean {
  const { name, record, wanted } = state;
  const at = { key: ACCOUNTS_KEY, field: name };
  const account = record === null ? undefined : readAccount(record);
  if (!wanted && account?.provisioned === true && handMade === 0) {
    changed.changes.push(
      { ...at, was: record, becomes: null },
      // What is added by hand meanwhile is not to be left without an account.
      { key: credentialsKey(name), length: Object.keys(state.credentials).length },
      { key: domainsKey(name), length: Object.keys(state.domains).length },
      { key: usesKey(name), dropped: true },
      { key: accountEventsKey(name), dropped: true },
    );
    changed.things++;
    return true;
  }
  // What hangs on the account is only right while it is there.
  changed.changes.push({ ...at, was: record, becomes: record });
  const settings = wanted
    ? ({
        limits: wanted.limits,
        onLimit: wanted.onLimit,
        watch: { ...DEFAULT_WATCH, ...wanted.watch },
        suppressedRecipients: wanted.suppressedRecipients,
        suppressAfter: wanted.suppressAfter,
        // Made by hand, it is not the file's to take away.
        ...(!account || account.provisioned === true
          ? ({ provisioned: true } as const)
          : ({ namedInProvision: true } as const)),
      } as const)
    : { provisioned: undefined, namedInProvision: undefined };
  putRecord(changed, at, record, account ? { ...account, ...settings } : newAccount(name, nowMs, settings));
  return false;
}

function planDomains({ name, wanted, domains }: AccountState, changed: Changed, nowMs: number): DomainPlan {
  let kept = 0;
  const [due, gone]: [CheckedDomain[], CheckedDomain[]] = [[], []];
  const inFile = new Map((wanted?.domains ?? []).map((domain) => [domain.name, domain]));
  for (const [domain, record] of Object.entries(domains)) {
    if (inFile.has(domain)) continue;
    const isProvisioned = (JSON.parse(record) as SendingDomain).provisioned === true;
    if (!isProvisioned) kept++;
    else {
      changed.changes.push({ key: domainsKey(name), field: domain, was: record, becomes: null });
      changed.things++;
      gone.push({ account: name, name: domain });
    }
  }
  for (const [domain, spec] of inFile) {
    const record = Object.hasOwn(domains, domain) ? (domains[domain] ?? null) : null;
    const known = record === null ? undefined : (JSON.parse(record) as SendingDomain);
    const becomes = known ? knownDomain(spec, known, nowMs) : newDomain(spec, nowMs);
    putRecord(changed, { key: domainsKey(name), field: domain }, record, becomes);
    const isDue = !known || (known.verifiedBy === 'operator' && becomes.verifiedBy !== 'operator');
    if (isDue && domain !== ANY_DOMAIN) due.push({ account: name, name: domain });
  }
  return { kept, checks: { due, gone } };
}

function newDomain({ name, assumeVerified }: ProvisionedDomain, nowMs: number): SendingDomain {
  const domain: SendingDomain =
    assumeVerified === true ? verifiedDomain(name, nowMs) : { name, state: 'pending', addedAt: nowMs };
  return { ...domain, provisioned: true };
}

/** What DNS made of it since is DNS's; only the operator's own word is given, and taken back, here. */
function knownDomain({ assumeVerified }: ProvisionedDomain, known: SendingDomain, nowMs: number): SendingDomain {
  return assumeVerified === true ? domainOnOperatorsWord(known, nowMs) : domainWithoutOperatorsWord(known, nowMs);
}
